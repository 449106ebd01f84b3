"""One training run: from identities to a network, resumable at any step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from embedder.network import Network
from embedder.training.batches import Batches
from embedder.training.checkpoint import CHECKPOINT, load_best, load_checkpoint
from embedder.training.course import Course, Validate
from embedder.training.identities import Identity
from embedder.training.material import check_material, collect_material
from embedder.training.processes import accelerator_for
from embedder.training.progress import Progress
from embedder.training.recipe import Recipe
from embedder.training.state import Training
from embedder.training.stopping import Interrupted, asked_to_stop
from embedder.training.supply import supply
from embedder.training.warm_start import start_from, taught_by


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
    if saved:
        training.restore(saved)
        say(f"continuing at step {training.step:,}")
    elif start:
        start_from(training, start, batches)
    course = Course(training, folder, digest, saved, validate=validate, watch=watch)
    _follow(course, training, batches, workers, stop_after)
    if course.share < 1:
        end = f"{training.step:,} of {recipe.steps:,}" if recipe.steps else f"{training.step:,}"
        raise Interrupted(f"stopped at step {end}; the same command continues")
    if course.best_step and main:
        load_best(folder, training.average)
    return Learnt(training.average, course.best_step or training.step, main)


def _follow(course: Course, training: Training, batches: Batches, workers: int, stop_after: int | None) -> None:
    """Learn to the end of the run, or until it is asked to stop; the checkpoint is of the last step then."""
    last = None if stop_after is None else training.step + stop_after
    gpu = training.accelerator.device.type == "cuda"
    with closing(course), asked_to_stop() as stop, supply(batches, course.tasks(), workers, pin=gpu) as coming:
        stops = False
        while course.share < 1 and not stops:
            asked = course.go(next(coming), stop())
            stops = asked or training.step == last
            course.save(now=stops or course.share >= 1)


def _names(identities: Sequence[Identity]) -> str:
    return json.dumps([[one.collection, one.name, len(one.files)] for one in identities])
