"""One training run: from identities to a network, resumable at any step."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from data.errors import UnusableSource
from embedder.network import Network
from embedder.training.batches import Batches, Say, read_pictures, render_drawn
from embedder.training.checkpoint import load_checkpoint, save_checkpoint
from embedder.training.identities import Identity
from embedder.training.recipe import Recipe
from embedder.training.state import Training
from embedder.training.stopping import Interrupted, asked_to_stop
from embedder.training.warm_start import start_from

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.jsonl"
SAVE_EVERY = 100


def train(
    recipe: Recipe,
    identities: Sequence[Identity],
    folder: Path,
    *,
    say: Say = lambda text: None,
    validate: Callable[[Network, int], dict[str, float]] | None = None,
    validate_every: int = 500,
    stop_after: int | None = None,
    start: Path | None = None,
) -> Network:
    """Train, or continue the run of this folder, and return the averaged network.

    start: an encoder folder to start from, of the network that the recipe describes.
    stop_after: stop as if asked to after so many steps of this call. Raises Interrupted after SIGTERM or Ctrl-C (the
    checkpoint is written first), UnusableSource when the folder holds a run of other settings or other pictures.
    """
    if len(identities) < 2:
        raise UnusableSource(f"training needs at least 2 identities, but there are {len(identities)}")
    real, labels = read_pictures(identities, folder / "cache", recipe.cache_side, say)
    drawn = render_drawn(recipe, folder / "cache", say)
    training = Training(recipe, len(identities) + recipe.drawn_characters)
    digest = hashlib.sha256(f"{recipe.digest} {_names(identities)}".encode()).hexdigest()
    saved = load_checkpoint(folder / CHECKPOINT, digest)
    if saved:
        training.restore(saved)
        say(f"continuing at step {training.step} of {recipe.steps}")
    batches = Batches(recipe, real, labels, drawn, first_drawn=len(identities))
    if start and not saved:
        start_from(training, start, batches)
        say(f"starting from {start}")

    def save() -> None:
        save_checkpoint(folder / CHECKPOINT, {"recipe": digest, **training.state()})

    started, first = time.monotonic(), training.step
    with asked_to_stop() as stop, ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(batches.at, training.step)
        while training.step < recipe.steps:
            batch, targets = coming.result()
            coming = ahead.submit(batches.at, training.step + 1)
            loss = training.learn(batch, targets)
            done = training.step - first
            if training.step % 20 == 0:
                rate = done * recipe.batch / (time.monotonic() - started)
                left = (recipe.steps - training.step) * recipe.batch / rate / 60
                say(f"step {training.step}/{recipe.steps}  loss {loss:.3f}  {rate:.0f} images/s  {left:.0f} min left")
            if validate and (training.step % validate_every == 0 or training.step == recipe.steps):
                figures = validate(training.average, training.step)
                note(folder / CURVE, {"step": training.step, "loss": loss, **figures})
            if training.step % SAVE_EVERY == 0 or training.step == recipe.steps:
                save()
            if (stop() or done == stop_after) and training.step < recipe.steps:
                save()
                raise Interrupted(f"stopped at step {training.step} of {recipe.steps}; the same command continues")
    return training.average


def note(path: Path, figures: Mapping[str, float | int]) -> None:
    """One line of the curve."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures) + "\n")


def _names(identities: Sequence[Identity]) -> str:
    return json.dumps([[one.collection, one.name, len(one.files)] for one in identities])
