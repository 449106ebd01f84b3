"""What a run tells as it goes: how far it is, how fast, and the points of its curve."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from embedder.training.notes import Notes

NOTE_EVERY = 20
"""Steps between two points of the curve."""


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    step: int
    pictures: int
    """Learnt since the last report."""
    loss: float
    images_per_second: float
    minutes_left: float


class Reporter:
    """Makes a point of the curve of the losses since the last one; whoever watches sees it first."""

    def __init__(self, folder: Path, step: int, batch: int, watch: Callable[[Progress], None]) -> None:
        self._notes = Notes(folder, step)
        self._batch = batch
        self._watch = watch
        self._losses: list[torch.Tensor] = []
        self._step, self._since = step, time.monotonic()

    def add(self, loss: torch.Tensor) -> None:
        """Remember a step's loss; it is not read before a point is made, so that a GPU need not wait."""
        self._losses.append(loss)

    def point(self, step: int, *, share: float, seconds: float, learning_rate: float) -> dict[str, float]:
        """The figures of a step at which `share` of the run is over, after so many seconds of it."""
        now = time.monotonic()
        pictures = (step - self._step) * self._batch
        speed = pictures / max(now - self._since, 1e-9)
        self._step, self._since = step, now
        loss = float(torch.stack(self._losses[-NOTE_EVERY:]).mean())
        self._losses.clear()
        left = seconds / share * (1 - share) / 60 if share < 1 else 0.0
        self._watch(Progress(step, pictures, loss, speed, left))
        return {"loss": loss, "learning_rate": learning_rate, "images_per_second": round(speed, 1)}

    def pause(self) -> None:
        """What happened since the last point is no learning, and does not count in the speed."""
        self._since = time.monotonic()

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        """Write a step's figures into the curve."""
        self._notes.note(step, figures)

    def close(self) -> None:
        """Finish what is written."""
        self._notes.close()
