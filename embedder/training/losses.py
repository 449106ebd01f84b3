"""The losses by name: pytorch-metric-learning's, with one set of units, defaults and errors."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from pytorch_metric_learning.losses.base_metric_loss_function import BaseMetricLossFunction
from torch import Tensor, nn

from embedder.training.formulas import FORMULAS, Formula
from embedder.training.miners import make_miner

_TILT = 0.3
"""Of sub-centres from the centre at a warm start, as a tangent (0.3 radians)."""

LOSSES: tuple[str, ...] = tuple(FORMULAS)
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
        if name not in FORMULAS:
            raise ValueError(f"no loss is called '{name}'; choose one of {', '.join(LOSSES)}")
        if identities < 1 or dimension < 1:
            raise ValueError(f"identities and dimension must be at least 1, but are {identities} and {dimension}")
        self._row = row = FORMULAS[name]
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


def _checked_margin(name: str, row: Formula, margin: float | None) -> float:
    if row.margin is None:
        if margin is not None:
            raise ValueError(f"{name} has no margin, but one of {margin} is asked for; leave it out")
        return 0.0
    margin = row.margin if margin is None else margin
    limit, said = (math.pi / 2, "pi/2") if row.unit == "radians" else (1.0, "1")
    if not 0 <= margin < limit:
        raise ValueError(f"the margin of {name} is in {row.unit}, from 0 to below {said}, but is {margin}")
    return margin


def _checked_scale(name: str, row: Formula, scale: float | None) -> float:
    if row.scale is None:
        if scale is not None:
            raise ValueError(f"{name} has no scale, but one of {scale} is asked for; leave it out")
        return 1.0
    scale = row.scale if scale is None else scale
    if not 0 < scale < math.inf:
        raise ValueError(f"the scale of {name} must be above 0, but is {scale}")
    return scale


def _set_smoothing(name: str, row: Formula, loss: BaseMetricLossFunction, smoothing: float) -> None:
    if not 0 <= smoothing < 1:
        raise ValueError(f"label smoothing is a share from 0 to below 1, but is {smoothing}")
    if row.kind == "classes":
        loss.cross_entropy = nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)
    elif smoothing:
        with_labels = ", ".join(each for each, other in FORMULAS.items() if other.kind == "classes")
        raise ValueError(f"{name} has no labels to smooth: set label smoothing to 0 or choose one of {with_labels}")
