"""What a training run shows of itself, and how many cores it may take."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from cli.progress import talk

if TYPE_CHECKING:
    from embedder.training.progress import Progress

LOG_EVERY = 10.0
"""Seconds between lines where stderr is no terminal."""


class Watch:
    """Shows how far a run is: on a terminal by the bar, elsewhere by a line now and then."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance
        self._said = 0.0

    def __call__(self, at: Progress) -> None:
        """Tell of a point of the run."""
        self._advance(at.pictures)
        if not talk.is_terminal and time.monotonic() - self._said >= LOG_EVERY:
            self._said = time.monotonic()
            talk.print(
                f"step {at.step:,}  loss {at.loss:.3f}  {at.images_per_second:.0f} images/s  "
                f"{at.minutes_left:.1f} min left"
            )


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
