"""Each loss's formula: how it is made of pytorch-metric-learning's, in which units, with which defaults and why."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pytorch_metric_learning import losses as library
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses.base_metric_loss_function import BaseMetricLossFunction
from torch import Tensor, acos, nn

SUB_CENTRES = 3
"""Of each identity in sub-centre ArcFace: the paper's best number."""
_NEAREST = 1 - 1e-6


class _FiniteAngles:
    """The arc cosine has an infinite slope at 1, where a warm start puts identities of a single picture."""

    def get_angles(self, cosines: Tensor) -> Tensor:
        """Angles in radians, with a slope of at most 708."""
        return acos(cosines.clamp(-_NEAREST, _NEAREST))


class _ArcFace(_FiniteAngles, library.ArcFaceLoss):
    pass


class _SubCentreArcFace(_FiniteAngles, library.SubCenterArcFaceLoss):
    pass


def _arcface(identities: int, dimension: int, margin: float, scale: float) -> BaseMetricLossFunction:
    # The constructor takes degrees and would take 0.3 for a third of a degree; the attribute holds radians.
    return _ArcFace(identities, dimension, margin=math.degrees(margin), scale=scale)


def _subcenter(identities: int, dimension: int, margin: float, scale: float) -> BaseMetricLossFunction:
    return _SubCentreArcFace(
        num_classes=identities,
        embedding_size=dimension,
        margin=math.degrees(margin),
        scale=scale,
        sub_centers=SUB_CENTRES,
    )


def _cosface(identities: int, dimension: int, margin: float, scale: float) -> BaseMetricLossFunction:
    return library.CosFaceLoss(identities, dimension, margin=margin, scale=scale)


def _normalized_softmax(identities: int, dimension: int, margin: float, scale: float) -> BaseMetricLossFunction:
    return library.NormalizedSoftmaxLoss(identities, dimension, temperature=1 / scale)


def _proxy_anchor(identities: int, dimension: int, margin: float, scale: float) -> BaseMetricLossFunction:
    # The library's proxies get shorter with more identities, and a step of Adam turns a short one farther. Ours are
    # drawn like the other losses' weights, so that one learning rate suits any number of them.
    return library.ProxyAnchorLoss(identities, dimension, margin=margin, alpha=scale, weight_init_func=nn.init.normal_)


def _multi_similarity(identities: int, dimension: int, margin: float, scale: float) -> BaseMetricLossFunction:
    return library.MultiSimilarityLoss(alpha=2, beta=scale, base=margin)


def _triplet(identities: int, dimension: int, margin: float, scale: float) -> BaseMetricLossFunction:
    # In cosine: |a - b|^2 = 2 - 2 cos, without the infinite slope of the library's unsquared distance at 0.
    return library.TripletMarginLoss(margin=margin, distance=CosineSimilarity())


def _supcon(identities: int, dimension: int, margin: float, scale: float) -> BaseMetricLossFunction:
    return library.SupConLoss(temperature=1 / scale)


def _circle(identities: int, dimension: int, margin: float, scale: float) -> BaseMetricLossFunction:
    return library.CircleLoss(m=margin, gamma=scale)


@dataclass(frozen=True)
class Formula:
    """A loss by its paper."""

    make: Callable[[int, int, float, float], BaseMetricLossFunction]
    kind: str
    """classes (a cross-entropy over class weights), proxies or pairs."""
    margin: float | None
    unit: str
    """Of the margin: radians or cosine."""
    ramps: bool
    """Whether the margin makes the task harder as it grows from 0."""
    scale: float | None
    """What multiplies the cosines; the inverse of a temperature."""
    miners: tuple[str, ...]
    """Those that belong to it, its default first."""


FORMULAS: dict[str, Formula] = {
    # Deng et al. 2019 have 0.5 and 64 for 85,000 identities with a trained network; from scratch on hundreds of drawn
    # ones, 0.3 and 24 trained faces-1.
    "arcface": Formula(_arcface, "classes", 0.3, "radians", True, 24.0, ("none",)),
    # Deng et al. 2020; margin and scale as ArcFace's, of which it is a relaxation.
    "subcenter-arcface": Formula(_subcenter, "classes", 0.3, "radians", True, 24.0, ("none",)),
    # Wang et al. 2018 have 0.35 and 64; 0.25 takes off what ArcFace's 0.3 radians take off at 45 to 60 degrees.
    "cosface": Formula(_cosface, "classes", 0.25, "cosine", True, 24.0, ("none",)),
    # Kim et al. 2020 have delta 0.1, and alpha 32 for a network trained before. From random weights 32 hardly left the
    # start on clusters in noise (rank-1 0.07, after ten times the steps 0.14), 6 did (0.83), and other losses got 0.97.
    "proxy-anchor": Formula(_proxy_anchor, "proxies", 0.1, "cosine", True, 6.0, ("none",)),
    # Wang et al. 2019: lambda 0.5 (a threshold between positives and negatives: no ramp), beta 50, and
    # alpha 2, with the paper's miner. `scale` is beta.
    "multi-similarity": Formula(
        _multi_similarity, "pairs", 0.5, "cosine", False, 50.0, ("multi-similarity", "none", "batch-hard")
    ),
    # Schroff et al. 2015 have 0.2 of squared distance, which is 0.1 of cosine. With a margin of 0 one point for all
    # would be the optimum: no ramp. Most triplets of a batch are idle, hence the miner (Hermans et al. 2017).
    "triplet": Formula(_triplet, "pairs", 0.1, "cosine", False, None, ("batch-hard", "easy-positive", "none")),
    # Khosla et al. 2020: temperature 0.1. Its denominator wants all pairs of a batch.
    "supcon": Formula(_supcon, "pairs", None, "", False, 10.0, ("none",)),
    # Sun et al. 2020: m 0.25, gamma 128 for re-identification, whose sets are nearest to ours in size.
    # A smaller m is the stricter one: no ramp.
    "circle": Formula(_circle, "pairs", 0.25, "cosine", False, 128.0, ("none", "multi-similarity")),
    # Zhai and Wu 2019: temperature 0.05.
    "normalized-softmax": Formula(_normalized_softmax, "classes", None, "", False, 20.0, ("none",)),
}
