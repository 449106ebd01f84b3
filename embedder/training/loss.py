"""The loss: pytorch-metric-learning's ArcFace, with our units."""

from __future__ import annotations

import math

import torch
from pytorch_metric_learning.losses import ArcFaceLoss


def arcface(
    identities: int, dimension: int, *, margin: float, scale: float, label_smoothing: float = 0.0
) -> ArcFaceLoss:
    """ArcFace (Deng et al. 2019): cross-entropy over scale * cos(angle + margin) of the own and scale * cos(angle) of
    the other identities.

    margin: in radians (the library wants degrees and would take 0.3 for a third of a degree without a word).
    """
    loss = ArcFaceLoss(identities, dimension, margin=math.degrees(margin), scale=scale)
    loss.cross_entropy = torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=label_smoothing)
    return loss


def set_margin(loss: ArcFaceLoss, margin: float) -> None:
    """Change the margin, in radians, during the run."""
    loss.margin = margin  # its constructor takes degrees, but the attribute holds radians
