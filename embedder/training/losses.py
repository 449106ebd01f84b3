"""The losses by name: pytorch-metric-learning's, with one set of units, defaults and errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from pytorch_metric_learning import losses as library
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses.base_metric_loss_function import BaseMetricLossFunction
from torch import Tensor, nn

from embedder.training.miners import MINERS, make_miner

__all__ = ["LOSSES", "MINERS", "SUB_CENTRES", "Objective"]

SUB_CENTRES = 3
"""Of each identity in sub-centre ArcFace: the paper's best number."""
_TILT = 0.3
_NEAREST = 1 - 1e-6


class _FiniteAngles:
    """The arc cosine has an infinite slope at 1, where a warm start puts identities of a single picture."""

    def get_angles(self, cosines: Tensor) -> Tensor:
        """Angles in radians, with a slope of at most 708."""
        return torch.acos(cosines.clamp(-_NEAREST, _NEAREST))


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
    # The library's proxies get shorter with more identities, and a step of Adam turns a short one farther: 50,000
    # would jump about under a rate that suits 500. Their paper gives proxies 100 times the network's rate, hence
    # shorter than the other losses' weights, which have a deviation of 1.
    init = partial(nn.init.normal_, std=0.1)
    return library.ProxyAnchorLoss(identities, dimension, margin=margin, alpha=scale, weight_init_func=init)


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
class _Loss:
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


_TABLE = {
    # Deng et al. 2019 have 0.5 and 64 for 85,000 identities with a trained network; from scratch on hundreds of drawn
    # ones, 0.3 and 24 trained faces-1.
    "arcface": _Loss(_arcface, "classes", 0.3, "radians", True, 24.0, ("none",)),
    # Deng et al. 2020; margin and scale as ArcFace's, of which it is a relaxation.
    "subcenter-arcface": _Loss(_subcenter, "classes", 0.3, "radians", True, 24.0, ("none",)),
    # Wang et al. 2018 have 0.35 and 64; 0.25 takes off what ArcFace's 0.3 radians take off at 45 to 60 degrees.
    "cosface": _Loss(_cosface, "classes", 0.25, "cosine", True, 24.0, ("none",)),
    # Kim et al. 2020: delta 0.1, alpha 32.
    "proxy-anchor": _Loss(_proxy_anchor, "proxies", 0.1, "cosine", True, 32.0, ("none",)),
    # Wang et al. 2019: lambda 0.5 (a threshold between positives and negatives: no ramp), beta 50, and
    # alpha 2, with the paper's miner. `scale` is beta.
    "multi-similarity": _Loss(
        _multi_similarity, "pairs", 0.5, "cosine", False, 50.0, ("multi-similarity", "none", "batch-hard")
    ),
    # Schroff et al. 2015 have 0.2 of squared distance, which is 0.1 of cosine. With a margin of 0 one point for all
    # would be the optimum: no ramp. Most triplets of a batch are idle, hence the miner (Hermans et al. 2017).
    "triplet": _Loss(_triplet, "pairs", 0.1, "cosine", False, None, ("batch-hard", "easy-positive", "none")),
    # Khosla et al. 2020: temperature 0.1. Its denominator wants all pairs of a batch.
    "supcon": _Loss(_supcon, "pairs", None, "", False, 10.0, ("none",)),
    # Sun et al. 2020: m 0.25, gamma 128 for re-identification, whose sets are nearest to ours in size.
    # A smaller m is the stricter one: no ramp.
    "circle": _Loss(_circle, "pairs", 0.25, "cosine", False, 128.0, ("none", "multi-similarity")),
    # Zhai and Wu 2019: temperature 0.05.
    "normalized-softmax": _Loss(_normalized_softmax, "classes", None, "", False, 20.0, ("none",)),
}

LOSSES: tuple[str, ...] = tuple(_TABLE)
"""Names of the losses."""


class Objective(nn.Module):
    """A loss by name, with its miner and its own weights.

    margin: in radians for arcface and subcenter-arcface, from 0 to below pi/2; else in cosine, from 0 to below 1.
    scale: factor of the cosines, above 0; the inverse of what a paper calls temperature.
    None is the loss's own default, for `miner` too. Raises ValueError for what the named loss does not have.
    """

    def __init__(
        self,
        name: str,
        identities: int,
        dimension: int,
        *,
        margin: float | None = None,
        scale: float | None = None,
        label_smoothing: float = 0.0,
        miner: str | None = None,
    ) -> None:
        super().__init__()
        if name not in _TABLE:
            raise ValueError(f"no loss is called '{name}'; choose one of {', '.join(LOSSES)}")
        if identities < 1 or dimension < 1:
            raise ValueError(f"identities and dimension must be at least 1, but are {identities} and {dimension}")
        self._row = row = _TABLE[name]
        self._margin = _checked_margin(name, row, margin)
        self.loss = row.make(identities, dimension, self._margin, _checked_scale(name, row, scale))
        _set_smoothing(name, row, self.loss, label_smoothing)
        miner = row.miners[0] if miner is None else miner
        self.miner = make_miner(miner)
        if miner not in row.miners:
            raise ValueError(f"{name} does not go with the miner '{miner}', only with {', '.join(row.miners)}")

    @property
    def pictures_per_identity(self) -> int:
        """Pictures of an identity that a batch should hold: a pair loss needs positive pairs, the others none."""
        return 4 if self._row.kind == "pairs" else 1

    def forward(self, encodings: Float[Tensor, "batch dimension"], labels: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
        """The loss of a batch of unit vectors; 0, with gradients of 0, where a pair loss has no pair to learn from.

        Always in float32: autocast would round cosines to 1/256, and they are multiplied with the scale.
        """
        with torch.autocast(encodings.device.type, enabled=False):
            encodings = encodings.float()
            mined = self.miner(encodings, labels) if self.miner is not None else None
            return self.loss(encodings, labels, mined)

    def set_margin_share(self, share: float) -> None:
        """Set the margin to a share, 0 to 1, of the full one; nothing where that is no easier task."""
        if not 0 <= share <= 1:
            raise ValueError(f"the share of the margin is from 0 to 1, but is {share}")
        if self._row.ramps:
            self.loss.margin = self._margin * share

    @torch.no_grad()
    def place_centres(self, centres: Float[Tensor, "identities dimension"], seen: Bool[Tensor, " identities"]) -> None:
        """Turn the weights of the identities seen to their centres, and keep their lengths; nothing for pair losses.

        Sub-centres are tilted away from the centre, each its own way: equal ones would leave all work to the first.
        """
        if self._row.kind == "pairs":
            return
        weights = self.loss.proxies if self._row.kind == "proxies" else self.loss.W.T
        weights = weights.unflatten(0, (len(centres), -1))
        lengths = weights.norm(dim=2, keepdim=True)
        directions = nn.functional.normalize(centres.to(weights), dim=1)[:, None]
        tilted = directions + (_TILT if weights.shape[1] > 1 else 0.0) * weights / lengths
        placed = nn.functional.normalize(tilted, dim=2) * lengths
        known = seen.to(weights.device) & (directions[:, 0].norm(dim=1) > 0.5)
        weights[known] = placed[known]


def _checked_margin(name: str, row: _Loss, margin: float | None) -> float:
    if row.margin is None:
        if margin is not None:
            raise ValueError(f"{name} has no margin, but one of {margin} is asked for; leave it out")
        return 0.0
    margin = row.margin if margin is None else margin
    limit, said = (math.pi / 2, "pi/2") if row.unit == "radians" else (1.0, "1")
    if not 0 <= margin < limit:
        raise ValueError(f"the margin of {name} is in {row.unit}, from 0 to below {said}, but is {margin}")
    return margin


def _checked_scale(name: str, row: _Loss, scale: float | None) -> float:
    if row.scale is None:
        if scale is not None:
            raise ValueError(f"{name} has no scale, but one of {scale} is asked for; leave it out")
        return 1.0
    scale = row.scale if scale is None else scale
    if not 0 < scale < math.inf:
        raise ValueError(f"the scale of {name} must be above 0, but is {scale}")
    return scale


def _set_smoothing(name: str, row: _Loss, loss: BaseMetricLossFunction, smoothing: float) -> None:
    if not 0 <= smoothing < 1:
        raise ValueError(f"label smoothing is a share from 0 to below 1, but is {smoothing}")
    if row.kind == "classes":
        loss.cross_entropy = nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)
    elif smoothing:
        with_labels = ", ".join(each for each, other in _TABLE.items() if other.kind == "classes")
        raise ValueError(f"{name} has no labels to smooth: set label smoothing to 0 or choose one of {with_labels}")
