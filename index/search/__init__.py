"""Exact search by inner product over float16 vectors: several routes, one answer."""

from index.search.library import count_gpus
from index.search.vectors import MOST_NEIGHBOURS, VectorSearch, nearest

__all__ = ["MOST_NEIGHBOURS", "VectorSearch", "count_gpus", "nearest"]
