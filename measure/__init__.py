"""Figures of merit as pure functions on numpy arrays."""

from measure.binomial import beta_binomial_interval, binomial_interval, binomial_upper, trials_needed
from measure.detection import (
    Found,
    average_precision,
    bootstrap_pictures,
    match_boxes,
    operating_point,
    overlaps,
    recall_at_false_boxes,
)
from measure.interval import bootstrap_interval, mean_per_identity, share_interval
from measure.open_set import (
    OpenSet,
    auroc,
    bootstrap_open_set,
    det_curve,
    misidentification_at_fpir,
    oscr,
    threshold_at_fpir,
    tpir_at_fpir,
)
from measure.retrieval import average_precision_at_r, place_of_truth, precision_at_k, rank_k

__all__ = [
    "Found",
    "OpenSet",
    "auroc",
    "average_precision",
    "average_precision_at_r",
    "beta_binomial_interval",
    "binomial_interval",
    "binomial_upper",
    "bootstrap_interval",
    "bootstrap_open_set",
    "bootstrap_pictures",
    "det_curve",
    "match_boxes",
    "mean_per_identity",
    "misidentification_at_fpir",
    "operating_point",
    "oscr",
    "overlaps",
    "place_of_truth",
    "precision_at_k",
    "rank_k",
    "recall_at_false_boxes",
    "share_interval",
    "threshold_at_fpir",
    "tpir_at_fpir",
    "trials_needed",
]
