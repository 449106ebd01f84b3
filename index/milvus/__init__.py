"""A gallery on a Milvus server."""

from index.milvus.store import MilvusStore

__all__ = ["MilvusStore"]
