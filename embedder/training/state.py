"""What changes while a run learns, as one state that is saved and restored together."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import torch
from accelerate import Accelerator

from embedder.network import Network
from embedder.training.averaging import follow
from embedder.training.batches import Batch
from embedder.training.learner import Learner
from embedder.training.losses import Objective
from embedder.training.recipe import Recipe

SMOOTHING = 0.05


def smoothing(recipe: Recipe) -> float:
    """The recipe's label smoothing; by default a little, where the loss has labels to smooth."""
    if recipe.label_smoothing is not None:
        return recipe.label_smoothing
    try:
        Objective(recipe.loss, 2, 2, label_smoothing=SMOOTHING)
    except ValueError:
        return 0.0
    return SMOOTHING


class Training:
    """Network, objective, optimiser and moving average of a run."""

    def __init__(self, recipe: Recipe, identities: int, accelerator: Accelerator) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.step = 0
        self.accelerator = accelerator
        self.identities = identities
        self.network = Network(
            recipe.backbone,
            recipe.arguments,
            dimension=recipe.dimension,
            pooling=recipe.pooling,
            stem=recipe.stem,
            head=recipe.head,
            pretrained=recipe.pretrained,
        ).to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for side in {recipe.input_size, recipe.small_size or recipe.input_size}:
            self.network.check_size(side)
        self.objective = Objective(
            recipe.loss,
            identities,
            recipe.dimension,
            margin=recipe.margin,
            scale=recipe.scale,
            label_smoothing=smoothing(recipe),
            miner=recipe.miner,
        ).to(accelerator.device)
        self.average = deepcopy(self.network).eval().requires_grad_(False)
        self._optimiser = self._make_optimiser()
        learner = Learner(
            self.network,
            self.objective,
            precision=recipe.precision,
            teacher_weight=recipe.teacher_weight,
            processes=accelerator.num_processes,
        )
        self._learner = accelerator.prepare_model(learner) if accelerator.num_processes > 1 else learner
        self._scaler = torch.amp.GradScaler(accelerator.device.type, enabled=recipe.precision == "fp16")

    def _make_optimiser(self) -> torch.optim.Optimizer:
        vectors = [weight for weight in self.network.parameters() if weight.ndim < 2]
        kernels = [weight for weight in self.network.parameters() if weight.ndim >= 2]
        return torch.optim.AdamW(
            [
                {"params": [*kernels, *self.objective.parameters()], "weight_decay": self.recipe.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=self.recipe.learning_rate,
        )

    def learn(self, batch: Batch, *, learning_rate: float, margin_share: float) -> torch.Tensor:
        """One step; returns the loss of this process's pictures."""
        recipe, device = self.recipe, self.accelerator.device
        # Whatever is random in a backbone resumes too.
        torch.manual_seed((recipe.seed * 1_000_003 + self.step) * 64 + self.accelerator.process_index)
        self.network.train()
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self.objective.set_margin_share(margin_share)
        self._optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=device)
        parts = list(zip(*(torch.as_tensor(one).chunk(recipe.accumulate) for one in batch), strict=True))
        for number, (pictures, labels, taught) in enumerate(parts):
            last = number == len(parts) - 1
            with nullcontext() if last else self.accelerator.no_sync(self._learner):
                loss = self._learner(
                    pictures.to(device, non_blocking=True, memory_format=torch.channels_last),
                    labels.to(device, non_blocking=True),
                    taught.to(device, non_blocking=True),
                ) / len(parts)
                self._scaler.scale(loss).backward()
            total += loss.detach()
        self._scaler.unscale_(self._optimiser)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.step += 1
        follow(self.average, self.network, self.recipe.average_decay, self.step)
        return total

    def state(self) -> dict[str, Any]:
        """Everything that changes during a run."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "objective": self.objective.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.step = int(state["step"])
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.objective.load_state_dict(state["objective"])
        self._optimiser.load_state_dict(state["optimiser"])
        if state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])
