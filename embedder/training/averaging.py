"""The average of a network's weights over its last steps, which does better than any of them alone."""

from __future__ import annotations

import torch


@torch.no_grad()
def follow(average: torch.nn.Module, network: torch.nn.Module, decay: float, step: int) -> None:
    """Take one step's weights into the exponential average; running statistics too, counts as they are.

    Young averages forget faster, or the first random weights would linger in them.
    """
    decay = min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if value.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
