"""What changes while a run learns, as one state that is saved and restored together."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import torch

from embedder.network import Network
from embedder.training.loss import arcface, set_margin
from embedder.training.recipe import Recipe


class Training:
    """Network, loss, optimiser and moving average of a run."""

    def __init__(self, recipe: Recipe, identities: int) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.step = 0
        self.network = Network(
            recipe.backbone,
            recipe.arguments,
            dimension=recipe.dimension,
            pooling=recipe.pooling,
            stem=recipe.stem,
        ).to(memory_format=torch.channels_last)
        self.loss = arcface(
            identities,
            recipe.dimension,
            margin=0.0,
            scale=recipe.scale,
            label_smoothing=recipe.label_smoothing,
        )
        vectors = [weight for weight in self.network.parameters() if weight.ndim < 2]
        kernels = [weight for weight in self.network.parameters() if weight.ndim >= 2]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [*kernels, *self.loss.parameters()], "weight_decay": recipe.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=recipe.learning_rate,
        )
        self.average = deepcopy(self.network).eval().requires_grad_(False)

    def learn(self, batch: np.ndarray, labels: np.ndarray) -> float:
        """One step; returns the loss."""
        recipe = self.recipe
        torch.manual_seed(recipe.seed * 1_000_003 + self.step)  # whatever is random in a backbone resumes too
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate_at(self.step)
        set_margin(self.loss, recipe.margin_at(self.step))
        pictures = torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            encodings = self.network(pictures)
        loss = self.loss(encodings.float(), torch.from_numpy(labels))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self._follow()
        return float(loss.detach())

    @torch.no_grad()
    def _follow(self) -> None:
        # Young averages forget faster, or the first random weights would linger in them.
        decay = min(self.recipe.average_decay, (1 + self.step) / (10 + self.step))
        for mean, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if value.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def state(self) -> dict[str, Any]:
        """Everything that changes during a run."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "loss": self.loss.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.step = int(state["step"])
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.loss.load_state_dict(state["loss"])
        self.optimiser.load_state_dict(state["optimiser"])
