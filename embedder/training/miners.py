"""The miners by name: which pairs or triplets of a batch a pair loss learns from."""

from __future__ import annotations

from collections.abc import Callable

from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.miners import BatchEasyHardMiner, BatchHardMiner, MultiSimilarityMiner
from pytorch_metric_learning.miners.base_miner import BaseMiner

_MAKERS: dict[str, Callable[[], BaseMiner] | None] = {
    # Everything that the loss can see.
    "none": None,
    # Pairs within 0.1 cosine of the anchor's hardest pair of the other kind (Wang et al. 2019).
    "multi-similarity": lambda: MultiSimilarityMiner(epsilon=0.1, distance=CosineSimilarity()),
    # Each anchor's farthest positive and nearest negative (Hermans et al. 2017).
    "batch-hard": lambda: BatchHardMiner(distance=CosineSimilarity()),
    # Each anchor's nearest positive and the nearest of the negatives beyond it (Xuan et al. 2020): an identity with
    # several looks need not become one point.
    "easy-positive": lambda: BatchEasyHardMiner("easy", "semihard", distance=CosineSimilarity()),
}

MINERS: tuple[str, ...] = tuple(_MAKERS)
"""Names of the miners."""


def make_miner(name: str) -> BaseMiner | None:
    """The miner of a name; None for "none". Raises ValueError for an unknown name."""
    if name not in _MAKERS:
        raise ValueError(f"no miner is called '{name}'; choose one of {', '.join(MINERS)}")
    maker = _MAKERS[name]
    return maker() if maker else None
