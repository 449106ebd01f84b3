"""One training run: from identities to a network, resumable at any step."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from data.whole_file import whole_file
from embedder.network import Network
from embedder.training.batches import Batches
from embedder.training.checkpoint import CHECKPOINT, load_best, load_checkpoint, save_best, save_checkpoint
from embedder.training.dev_curve import SCORE
from embedder.training.identities import Identity
from embedder.training.material import check_material, collect_material
from embedder.training.notes import Notes
from embedder.training.processes import accelerator_for, agree
from embedder.training.recipe import Recipe
from embedder.training.schedule import Schedule
from embedder.training.state import Training
from embedder.training.stopping import Interrupted, asked_to_stop
from embedder.training.supply import supply
from embedder.training.warm_start import start_from, taught_by

SAVE_EVERY = 60.0
"""Seconds between checkpoints."""
RECIPE = "recipe.json"
NOTE_EVERY = 20
"""Steps between two points of the curve."""

Validate = Callable[[Network, int], dict[str, float]]


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    step: int
    pictures: int
    """Learnt since the last report."""
    loss: float
    images_per_second: float
    minutes_left: float


@dataclass(frozen=True)
class Learnt:
    """What a run ends with."""

    network: Network
    step: int
    """At which these weights were the average: the best step by validation, the last one without."""
    main: bool
    """Whether this is the process that writes; the others have nothing left to do."""


def train(
    recipe: Recipe,
    identities: Sequence[Identity],
    folder: Path,
    *,
    instances: Sequence[Identity] = (),
    validate: Validate | None = None,
    start: Path | None = None,
    teacher: Path | None = None,
    device: str = "auto",
    workers: int = 0,
    cache: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
    watch: Callable[[Progress], None] = lambda progress: None,
    stop_after: int | None = None,
) -> Learnt:
    """Train, or continue the run of this folder, and return the averaged network, the best by validation.

    start, teacher: encoder folders, to start from and to imitate. stop_after: stop as if asked to after so many steps
    of this call. Raises Interrupted after SIGTERM or Ctrl-C (the checkpoint is written first), UnusableSource when the
    folder holds a run of other settings or other pictures.
    """
    check_material(recipe, identities, instances)
    accelerator = accelerator_for(device, recipe)
    main = accelerator.is_main_process
    say = say if main else lambda text: None
    digest = hashlib.sha256(f"{recipe.digest} {_names([*identities, *instances])}".encode()).hexdigest()
    saved = load_checkpoint(folder / CHECKPOINT, digest)
    with accelerator.main_process_first():
        material = collect_material(recipe, identities, instances, cache or folder / "cache", say)
        taught = taught_by(teacher, material) if teacher else None
    training = Training(recipe, material.identities, accelerator)
    batches = Batches(
        recipe,
        material,
        recipe.per_identity or training.objective.pictures_per_identity,
        taught=taught,
        process=accelerator.process_index,
        processes=accelerator.num_processes,
    )
    spent, best, best_step = 0.0, -1.0, 0
    if saved:
        training.restore(saved)
        spent, best, best_step = saved["seconds"], saved["best"], saved["best_step"]
        say(f"continuing at step {training.step:,}")
    elif start:
        start_from(training, start, batches)

    schedule = Schedule(recipe)
    began = time.monotonic() - spent
    seconds = spent
    share = schedule.share(training.step, seconds)

    def tasks() -> Iterator[tuple[int, int]]:
        step = training.step
        while True:
            yield step, schedule.side(schedule.share(step, seconds))
            step += 1

    def save() -> None:
        if main:
            state = {"recipe": digest, "seconds": seconds, "best": best, "best_step": best_step, **training.state()}
            save_checkpoint(folder / CHECKPOINT, state)

    if main:
        with whole_file(folder / RECIPE) as unfinished:
            unfinished.write_text(json.dumps(asdict(recipe), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    notes = Notes(folder, training.step) if main else None
    first, saved_at, rate = training.step, time.monotonic(), _Rate(training.step)
    losses: list[torch.Tensor] = []
    gpu = accelerator.device.type == "cuda"
    with asked_to_stop() as stop, supply(batches, tasks(), workers, pin=gpu) as coming:
        while share < 1:
            learning_rate = schedule.learning_rate(share)
            losses.append(
                training.learn(next(coming), learning_rate=learning_rate, margin_share=schedule.margin_share(share))
            )
            asked, seconds = agree(accelerator, stop(), time.monotonic() - began)
            before, share = share, schedule.share(training.step, seconds)
            validates = validate is not None and schedule.validates(training.step, before, share)
            figures: dict[str, float] = {}
            if notes and (training.step % NOTE_EVERY == 0 or validates or share >= 1):
                done, speed = rate.at(training.step, recipe.batch)
                loss = float(torch.stack(losses[-NOTE_EVERY:]).mean())
                losses.clear()
                left = seconds / share * (1 - share) / 60 if share < 1 else 0.0
                watch(Progress(training.step, done * recipe.batch, loss, speed, left))
                figures = {"loss": loss, "learning_rate": learning_rate, "images_per_second": round(speed, 1)}
            if validates and main and validate:
                found = validate(training.average, training.step)
                figures |= found
                if found and found[SCORE] > best:
                    best, best_step = found[SCORE], training.step
                    save_best(folder, training.average)
                rate.skip()
            if notes and figures:
                notes.note(training.step, figures)
            ends = asked or training.step - first == stop_after
            if share >= 1 or ends or time.monotonic() - saved_at > SAVE_EVERY:
                save()
                saved_at = time.monotonic()
            if ends and share < 1:
                break
    if notes:
        notes.close()
    if share < 1:
        end = f"{training.step:,} of {recipe.steps:,}" if recipe.steps else f"{training.step:,}"
        raise Interrupted(f"stopped at step {end}; the same command continues")
    if best_step and main:
        load_best(folder, training.average)
    return Learnt(training.average, best_step or training.step, main)


class _Rate:
    """Pictures learnt in a second since the last look, validation not counted."""

    def __init__(self, step: int) -> None:
        self._step, self._since = step, time.monotonic()

    def at(self, step: int, batch: int) -> tuple[int, float]:
        now = time.monotonic()
        done, took = step - self._step, max(now - self._since, 1e-9)
        self._step, self._since = step, now
        return done, done * batch / took

    def skip(self) -> None:
        self._since = time.monotonic()


def _names(identities: Sequence[Identity]) -> str:
    return json.dumps([[one.collection, one.name, len(one.files)] for one in identities])
