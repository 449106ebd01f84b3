"""Figures of merit as pure functions on numpy arrays."""

from measure.interval import bootstrap_interval, mean_per_identity
from measure.retrieval import average_precision_at_r, precision_at_k, rank_k

__all__ = ["average_precision_at_r", "bootstrap_interval", "mean_per_identity", "precision_at_k", "rank_k"]
