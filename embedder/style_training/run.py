"""A run: batches in, a network out; the same command goes on where it stopped."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from embedder.network import Network
from embedder.style_training.batches import Shares, Walls
from embedder.style_training.objective import WithinGroups
from embedder.training.averaging import follow
from embedder.training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from embedder.training.stopping import Interrupted, asked_to_stop

SAVE_EVERY, TELL_EVERY = 60.0, 50
AVERAGE = "average.safetensors"


@dataclass(frozen=True)
class StyleRecipe:
    """What decides a run."""

    backbone: str = "resnet18"
    arguments: dict[str, Any] = field(
        default_factory=lambda: {
            "layers": [1, 1, 2, 1], "channels": [32, 64, 128, 160], "stem_type": "deep", "stem_width": 16
        }
    )  # fmt: skip
    stem: str = "small"
    dimension: int = 128
    size: int = 64
    steps: int = 620
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: float = 0.03
    average_decay: float = 0.995
    clip: float = 5.0
    seed: int = 1
    shares: Shares = field(default_factory=Shares)
    of: str = ""
    """What tells the pictures of this run from those of another."""

    @property
    def digest(self) -> str:
        """What a checkpoint is stamped with."""
        return sha256(dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def rate(self, share: float) -> float:
        """The learning rate when this share of the run is over: up in a line, down a cosine."""
        if share < self.warm_up:
            return self.learning_rate * share / self.warm_up
        return self.learning_rate * (1 + math.cos(math.pi * (share - self.warm_up) / (1 - self.warm_up))) / 2


def train_style(
    recipe: StyleRecipe,
    walls: Walls,
    folder: Path,
    say: Callable[[str], None] = lambda text: None,
    *,
    start: Path | None = None,
) -> Network:
    """Learn the recipe's steps on the CPU, and return the averaged network, which is kept as `average.safetensors`.

    start: such a file of an earlier run, to go on from its weights.
    Raises Interrupted after SIGTERM or Ctrl-C, with a checkpoint in the folder; UnusableSource for a folder with the
    checkpoint of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = Network(recipe.backbone, recipe.arguments, dimension=recipe.dimension, stem=recipe.stem)
    network.to(memory_format=torch.channels_last)
    if start is not None:
        network.load_state_dict(load_file(start))
    average = deepcopy(network).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    objective, step, seconds = WithinGroups(), 0, 0.0
    if saved := load_checkpoint(folder / CHECKPOINT, recipe.digest):
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        step, seconds = saved["step"], saved["seconds"]

    def save() -> None:
        state = {"network": network.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict()}
        save_checkpoint(folder / CHECKPOINT, {"recipe": recipe.digest, "step": step, "seconds": seconds, **state})

    began = saved_at = time.monotonic()
    began -= seconds
    losses: list[torch.Tensor] = []
    with ThreadPoolExecutor(1) as pool, asked_to_stop() as asked:
        coming = pool.submit(walls.batch, recipe.seed, step, recipe.size, recipe.shares)
        while (share := step / recipe.steps) < 1:
            batch = coming.result()
            coming = pool.submit(walls.batch, recipe.seed, step + 1, recipe.size, recipe.shares)
            for group in optimiser.param_groups:
                group["lr"] = recipe.rate(share)
            network.train()
            with torch.autocast("cpu", torch.bfloat16):
                encodings = network(torch.from_numpy(batch.pictures).contiguous(memory_format=torch.channels_last))
            loss = objective(encodings.float(), torch.from_numpy(batch.artists), torch.from_numpy(batch.groups))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
            optimiser.step()
            step += 1
            follow(average, network, recipe.average_decay, step)
            losses.append(loss.detach())
            seconds = time.monotonic() - began
            if step % TELL_EVERY == 0:
                say(f"step {step:,}, {seconds:,.0f} s, loss {torch.stack(losses).mean():.3f}")
                losses.clear()
            if asked():
                save()
                raise Interrupted(f"stopped at step {step:,}; the same command continues")
            if time.monotonic() - saved_at > SAVE_EVERY:
                save()
                saved_at = time.monotonic()
    save()
    save_file({name: value.contiguous() for name, value in average.state_dict().items()}, folder / AVERAGE)
    return average
