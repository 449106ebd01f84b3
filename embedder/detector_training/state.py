"""What changes while a detector learns, as one state that is saved and restored together."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch

from embedder.detector_training.objective import objective
from embedder.detector_training.recipe import DetectorRecipe
from embedder.detector_training.scene_batches import SceneBatch
from embedder.detector_training.targets import Target
from embedder.detectors.network import FaceNetwork, normalised
from embedder.training.averaging import follow
from embedder.training.processes import check_device


class DetectorTraining:
    """Network, optimiser and moving average of a run on one device."""

    def __init__(self, recipe: DetectorRecipe, device: str) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.step = 0
        check_device(device)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(device)
        network = FaceNetwork(recipe.backbone, recipe.arguments, channels=recipe.channels)
        self.network = network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = deepcopy(self.network).eval().requires_grad_(False)
        learning = [weight for weight in self.network.parameters() if weight.requires_grad]
        self._optimiser = torch.optim.AdamW(
            [
                {"params": [one for one in learning if one.ndim >= 2], "weight_decay": recipe.weight_decay},
                {"params": [one for one in learning if one.ndim < 2], "weight_decay": 0.0},
            ],
            lr=recipe.learning_rate,
        )

    def learn(self, batch: SceneBatch, learning_rate: float) -> torch.Tensor:
        """One step; returns its loss."""
        self.network.train()
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self._optimiser.zero_grad(set_to_none=True)
        views = normalised(torch.from_numpy(batch.views).to(self._device)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            logits, boxes = self.network.maps(views)
        target = Target(*(torch.from_numpy(part).to(self._device) for part in batch.target))  # type: ignore[arg-type]
        loss = objective(logits, boxes, target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip)
        self._optimiser.step()
        self.step += 1
        follow(self.average, self.network, self.recipe.average_decay, self.step)
        return loss.detach()

    def start_from(self, weights: dict[str, torch.Tensor]) -> None:
        """Begin with the weights of another run of the same network."""
        self.network.load_state_dict(weights)
        self.average.load_state_dict(weights)

    def state(self) -> dict[str, Any]:
        """Everything that changes during a run."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.step = int(state["step"])
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
