"""A network as a classifier: trained on the labelled pictures by a recipe, asked for probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int64, UInt8

if TYPE_CHECKING:
    import torch
    from torch import nn

_ASKED_AT_ONCE = 64


@dataclass(frozen=True)
class Recipe:
    """How a network is trained, by cross entropy."""

    epochs: int
    batch: int
    rate: float
    optimiser: str = "sgd"
    """`sgd` or `adam`."""
    momentum: float = 0.0
    every: int | None = None
    """After so many epochs, each time, the rate falls to a tenth."""
    decay: float = 0.0
    """The rate of update n is rate / (1 + decay n)."""
    cropped: int | None = None
    """Train on random resized crops of so many pixels and their mirror images, ask about the centre of that size."""
    photographs: bool = False
    """Numbers as networks of photographs want them; otherwise in [0, 1]."""

    def told(self) -> str:
        """In words.

        >>> Recipe(25, 4, 0.001, momentum=0.9, every=7).told()
        'SGD: 25 epochs, batch 4, rate 0.001, momentum 0.9, a tenth every 7 epochs'
        """
        parts = [f"{self.epochs} epochs", f"batch {self.batch}", f"rate {self.rate:g}"]
        parts += [f"momentum {self.momentum:g}"] if self.momentum else []
        parts += [f"a tenth every {self.every} epochs"] if self.every else []
        parts += [f"decay {self.decay:g}"] if self.decay else []
        parts += [f"random crops of {self.cropped}, mirrored"] if self.cropped else []
        return f"{'Adam' if self.optimiser == 'adam' else 'SGD'}: {', '.join(parts)}"


@dataclass(frozen=True)
class Epoch:
    """How far a network was after an epoch; accuracies are shares of pictures."""

    loss: float
    train: float
    """On the pictures of the epoch, as they were when it saw them."""
    test: float | None
    """On the pictures that are asked about, where it was told of them."""


class NetworkClassifier:
    """Cannot enrol: someone new means training from the start."""

    def __init__(self, build: Callable[[int], nn.Module], side: int, recipe: Recipe) -> None:
        """`build` makes the network for so many identities; pictures come as bytes of `side` x `side` pixels."""
        self._build, self._side, self._recipe = build, side, recipe
        self._watched: tuple[np.ndarray, np.ndarray] | None = None
        self._seconds: float | None = None
        self.course: list[Epoch] = []
        self.stopped = ""

    def watch(self, inputs: UInt8[np.ndarray, "pictures values"], truth: Int64[np.ndarray, " pictures"]) -> None:
        """Ask about these after every epoch of the next fit, for the curve alone: nothing is chosen by it."""
        self._watched = (inputs, truth)

    def stop_after(self, seconds: float) -> None:
        """Let the next fit begin no epoch that would, at the pace of those before, not end within so many seconds.

        The first epoch is always done. `stopped` says after how many it ended early.
        """
        self._seconds = seconds

    def fit(self, inputs: UInt8[np.ndarray, "pictures values"], labels: Int64[np.ndarray, " pictures"]) -> None:
        """Train from the start; the same pictures give the same network."""
        import torch
        from torch.nn import functional

        recipe = self._recipe
        self.course, self.stopped = [], ""
        watched, self._watched = self._watched, None
        seconds, self._seconds = self._seconds, None
        start = perf_counter()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._network = self._build(int(labels.max()) + 1).to(memory_format=torch.channels_last)
            optimiser = self._optimiser(self._network)
            truth = torch.from_numpy(labels)
            updates = 0
            for epoch in range(recipe.epochs):
                if epoch and seconds is not None and (perf_counter() - start) * (epoch + 1) / epoch > seconds:
                    self.stopped = f"stopped after {epoch} of {recipe.epochs} epochs, by the budget"
                    break
                self._network.train()
                order = torch.randperm(len(labels))
                total, right = 0.0, 0
                for some in order.split(recipe.batch):
                    if len(some) == 1 and len(order) > 1:
                        continue  # batch normalisation has nothing to compare one picture with
                    for group in optimiser.param_groups:
                        group["lr"] = recipe.rate / (1 + recipe.decay * updates)
                        group["lr"] *= 0.1 ** (epoch // recipe.every) if recipe.every else 1.0
                    answers = self._network(self._pictures(inputs[some.numpy()], learning=True))
                    loss = functional.cross_entropy(answers, truth[some])
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    updates += 1
                    total += float(loss.detach()) * len(some)
                    right += int((answers.argmax(1) == truth[some]).sum())
                test = None
                if watched is not None:
                    test = float((self.scores(watched[0]).argmax(axis=1) == watched[1]).mean())
                self.course.append(Epoch(total / len(labels), right / len(labels), test))

    def scores(self, inputs: UInt8[np.ndarray, "pictures values"]) -> Float32[np.ndarray, "pictures identities"]:
        """Probabilities."""
        import torch

        self._network.eval()
        with torch.inference_mode():
            parts = [
                self._network(self._pictures(inputs[start : start + _ASKED_AT_ONCE], learning=False)).softmax(1)
                for start in range(0, len(inputs), _ASKED_AT_ONCE)
            ]
        answers: np.ndarray = torch.cat(parts).float().numpy()
        return answers

    def _optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        import torch

        settings: dict[str, Any] = {"lr": self._recipe.rate}
        if self._recipe.optimiser == "adam":
            return torch.optim.Adam(network.parameters(), **settings)
        return torch.optim.SGD(network.parameters(), momentum=self._recipe.momentum, **settings)

    def _pictures(self, inputs: UInt8[np.ndarray, "some values"], *, learning: bool) -> torch.Tensor:
        import torch
        from torchvision.transforms import v2

        from bench.systems.photographs import MEAN, STD

        squares = torch.from_numpy(inputs).view(len(inputs), self._side, self._side, 3).permute(0, 3, 1, 2)
        if self._recipe.cropped and learning:
            change = v2.Compose([v2.RandomResizedCrop(self._recipe.cropped, antialias=True), v2.RandomHorizontalFlip()])
            squares = torch.stack([change(square) for square in squares])
        elif self._recipe.cropped:
            squares = v2.functional.center_crop(squares, [self._recipe.cropped] * 2)
        pictures = squares.float() / 255
        if self._recipe.photographs:
            pictures = v2.functional.normalize(pictures, list(MEAN), list(STD))
        return pictures.contiguous(memory_format=torch.channels_last)
