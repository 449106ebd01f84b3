"""The loss: artists told apart within each group of a batch."""

from __future__ import annotations

import torch

from embedder.training.losses import Objective


class WithinGroups(torch.nn.Module):
    """The mean over groups of the supervised contrastive loss (Khosla et al. 2020) of each group's views.

    scale: the inverse of the temperature.
    """

    def __init__(self, scale: float = 10.0) -> None:
        super().__init__()
        self._loss = Objective("supcon", 1, 1, scale=scale)

    def forward(self, encodings: torch.Tensor, artists: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
        """Of unit vectors (N, D), with whose each is and in which group."""
        losses = [self._loss(encodings[groups == one], artists[groups == one]) for one in groups.unique()]
        return torch.stack(losses).mean()
