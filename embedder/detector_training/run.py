"""One training run of a detector: from a cast of sprites to a network, resumable at any step."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from data.whole_file import whole_file
from embedder.detector_training.recipe import DetectorRecipe
from embedder.detector_training.scene_batches import scene_batches
from embedder.detector_training.sprites import Cast
from embedder.detector_training.state import DetectorTraining
from embedder.detector_training.validation import Truth, measure_network
from embedder.detectors.network import FaceNetwork
from embedder.training.checkpoint import CHECKPOINT, load_best, load_checkpoint, save_best, save_checkpoint
from embedder.training.course import RECIPE, SAVE_EVERY
from embedder.training.progress import NOTE_EVERY, Progress, Reporter
from embedder.training.schedule import Pace
from embedder.training.stopping import Interrupted, asked_to_stop

Validation = dict[str, Sequence[Truth]]
"""Pictures and scenes to validate on, by what they are called."""


class DetectorRun:
    """A run in its folder; raises UnusableSource where the folder holds a run of other settings or pictures."""

    def __init__(
        self,
        recipe: DetectorRecipe,
        digest: str,
        folder: Path,
        *,
        device: str = "cpu",
        start: dict[str, torch.Tensor] | None = None,
        watch: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._digest = folder, digest
        self._pace = Pace(
            steps=recipe.steps,
            minutes=recipe.minutes,
            learning_rate=recipe.learning_rate,
            warm_up=recipe.warm_up,
            validate_every=recipe.validate_every,
        )
        self._training = DetectorTraining(recipe, device)
        saved = load_checkpoint(folder / CHECKPOINT, digest)
        if saved:
            self._training.restore(saved)
        elif start:
            self._training.start_from(start)
        known = saved or {"seconds": 0.0, "best": -1.0, "best_step": 0}
        self._seconds, self._best, self.best_step = known["seconds"], known["best"], known["best_step"]
        with whole_file(folder / RECIPE) as unfinished:
            unfinished.write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")
        self._reporter = Reporter(folder, self.step, recipe.batch, watch)
        self._saved_at = time.monotonic()

    @property
    def step(self) -> int:
        """Steps learnt so far."""
        return self._training.step

    def learn(self, cast: Cast, validation: Validation, stop_after: int | None = None) -> FaceNetwork:
        """Learn until the end, and return the averaged network: the best by validation, the last one without.

        Validation is the mean average precision over its sets. stop_after: stop as if asked to after so many steps.
        Raises Interrupted after SIGTERM or Ctrl-C; the checkpoint is written first.
        """
        recipe, stop_at = self._training.recipe, None if stop_after is None else self.step + stop_after
        began = time.monotonic() - self._seconds
        share = self._pace.share(self.step, self._seconds)
        with asked_to_stop() as asked, scene_batches(cast, recipe, self.step) as batches:
            while share < 1:
                rate, before = self._pace.learning_rate(share), share
                self._reporter.add(self._training.learn(next(batches), rate))
                self._seconds = time.monotonic() - began
                share = self._pace.share(self.step, self._seconds)
                self._tell(validation if self._pace.validates(self.step, before, share) else {}, share, rate)
                if share < 1 and (asked() or self.step == stop_at):
                    self._save(now=True)
                    self._reporter.close()
                    raise Interrupted
                self._save(now=share >= 1)
        self._reporter.close()
        if self.best_step:
            load_best(self._folder, self._training.average)
        return self._training.average

    def _tell(self, validation: Validation, share: float, rate: float) -> None:
        if self.step % NOTE_EVERY and not validation and share < 1:
            return
        figures = self._reporter.point(self.step, share=share, seconds=self._seconds, learning_rate=rate)
        if validation:
            measured = {name: measure_network(self._training.average, truths) for name, truths in validation.items()}
            figures |= {f"dev/{name}/{key}": value for name, one in measured.items() for key, value in one.items()}
            score = sum(one["ap"] for one in measured.values()) / len(measured)
            if score > self._best:
                self._best, self.best_step = score, self.step
                save_best(self._folder, self._training.average)
                self._saved_at = -math.inf  # a crash must leave no best weights that the checkpoint knows nothing of
            self._reporter.pause()
        self._reporter.note(self.step, figures)

    def _save(self, *, now: bool) -> None:
        if not now and time.monotonic() - self._saved_at <= SAVE_EVERY:
            return
        told: dict[str, Any] = {
            "recipe": self._digest,
            "seconds": self._seconds,
            "best": self._best,
            "best_step": self.best_step,
        }
        save_checkpoint(self._folder / CHECKPOINT, told | self._training.state())
        self._saved_at = time.monotonic()
