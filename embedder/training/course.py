"""A run under way: one step after another, validated, noted and saved where that is due."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from data.whole_file import whole_file
from embedder.network import Network
from embedder.training.batches import Batch
from embedder.training.checkpoint import CHECKPOINT, save_best, save_checkpoint
from embedder.training.dev_curve import SCORE
from embedder.training.processes import agree
from embedder.training.progress import NOTE_EVERY, Progress, Reporter
from embedder.training.schedule import Schedule
from embedder.training.state import Training

SAVE_EVERY = 60.0
"""Seconds between checkpoints."""
RECIPE = "recipe.json"

Validate = Callable[[Network, int], dict[str, float]]


class Course:
    """The course of a run, from the step where its training stands; the main process alone writes.

    digest: what the checkpoint is stamped with. saved: the checkpoint that the training was restored from.
    """

    def __init__(
        self,
        training: Training,
        folder: Path,
        digest: str,
        saved: dict[str, Any] | None,
        *,
        validate: Validate | None,
        watch: Callable[[Progress], None],
    ) -> None:
        self._training = training
        self._folder = folder
        self._digest = digest
        self._validate = validate
        self._schedule = Schedule(training.recipe)
        known = saved or {"seconds": 0.0, "best": -1.0, "best_step": 0}
        self._seconds: float = known["seconds"]
        self._best: float = known["best"]
        self.best_step: int = known["best_step"]
        """The best step by validation; 0 before there is one."""
        self.share = self._schedule.share(training.step, self._seconds)
        """How much of the run is over; 1 or more when it has ended."""
        self._main = training.accelerator.is_main_process
        self._reporter: Reporter | None = None
        if self._main:
            with whole_file(folder / RECIPE) as unfinished:
                text = json.dumps(asdict(training.recipe), indent=2, ensure_ascii=False)
                unfinished.write_text(text + "\n", encoding="utf-8")
            self._reporter = Reporter(folder, training.step, training.recipe.batch, watch)
        self._saved_at = time.monotonic()
        self._began = self._saved_at - self._seconds

    def tasks(self) -> Iterator[tuple[int, int]]:
        """The steps to come, each with the side of its pictures in pixels."""
        step = self._training.step
        while True:
            yield step, self._schedule.side(self._schedule.share(step, self._seconds))
            step += 1

    def go(self, batch: Batch, asked: bool) -> bool:
        """Learn a step, and note and validate it where that is due. Whether any process was asked to stop."""
        training, schedule, before = self._training, self._schedule, self.share
        learning_rate = schedule.learning_rate(before)
        loss = training.learn(batch, learning_rate=learning_rate, margin_share=schedule.margin_share(before))
        asked, self._seconds = agree(training.accelerator, asked, time.monotonic() - self._began)
        self.share = schedule.share(training.step, self._seconds)
        if self._reporter:
            self._tell(self._reporter, loss, learning_rate, schedule.validates(training.step, before, self.share))
        return asked

    def _tell(self, reporter: Reporter, loss: torch.Tensor, learning_rate: float, validates: bool) -> None:
        step, validate = self._training.step, self._validate if validates else None
        reporter.add(loss)
        if step % NOTE_EVERY and not validate and self.share < 1:
            return
        figures = reporter.point(step, share=self.share, seconds=self._seconds, learning_rate=learning_rate)
        if validate:
            found = validate(self._training.average, step)
            figures |= found
            if found and found[SCORE] > self._best:
                self._best, self.best_step = found[SCORE], step
                save_best(self._folder, self._training.average)
                self._saved_at = -math.inf  # a crash must leave no best weights that the checkpoint knows nothing of
            reporter.pause()
        reporter.note(step, figures)

    def save(self, *, now: bool) -> None:
        """Write the checkpoint, `now` or when the last one is a minute old."""
        if not now and time.monotonic() - self._saved_at <= SAVE_EVERY:
            return
        if self._main:
            told = {"recipe": self._digest, "seconds": self._seconds, "best": self._best, "best_step": self.best_step}
            save_checkpoint(self._folder / CHECKPOINT, told | self._training.state())
        self._saved_at = time.monotonic()

    def close(self) -> None:
        """Finish what is written."""
        if self._reporter:
            self._reporter.close()
