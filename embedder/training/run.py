"""One training run: from identities to a network, resumable at any step."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.errors import UnusableSource
from embedder.network import Network
from embedder.preprocess import normalise
from embedder.training.augmentation import augment
from embedder.training.checkpoint import load_checkpoint, save_checkpoint
from embedder.training.drawn import drawn_picture
from embedder.training.identities import Identity
from embedder.training.loss import arcface, set_margin
from embedder.training.pictures import cached, decode_square
from embedder.training.recipe import Recipe
from embedder.training.sampling import BalancedSampler

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.jsonl"
SAVE_EVERY = 100

Say = Callable[[str], None]


class Interrupted(Exception):
    """The run was asked to stop; its checkpoint lies in the folder, and the same command continues it."""


class Training:
    """Network, loss, optimiser and moving average of a run, as one state that is saved and restored together."""

    def __init__(self, recipe: Recipe, identities: int) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.step = 0
        self.network = Network(
            recipe.backbone,
            recipe.arguments,
            dimension=recipe.dimension,
            pooling=recipe.pooling,
            stem=recipe.stem,
        ).to(memory_format=torch.channels_last)
        self.loss = arcface(
            identities,
            recipe.dimension,
            margin=0.0,
            scale=recipe.scale,
            label_smoothing=recipe.label_smoothing,
        )
        vectors = [weight for weight in self.network.parameters() if weight.ndim < 2]
        kernels = [weight for weight in self.network.parameters() if weight.ndim >= 2]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [*kernels, *self.loss.parameters()], "weight_decay": recipe.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=recipe.learning_rate,
        )
        self.average = deepcopy(self.network).eval().requires_grad_(False)

    def learn(self, batch: np.ndarray, labels: np.ndarray) -> float:
        """One step; returns the loss."""
        recipe = self.recipe
        torch.manual_seed(recipe.seed * 1_000_003 + self.step)  # whatever is random in a backbone resumes too
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.learning_rate_at(self.step)
        set_margin(self.loss, recipe.margin_at(self.step))
        pictures = torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            encodings = self.network(pictures)
        loss = self.loss(encodings.float(), torch.from_numpy(labels))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self._follow()
        return float(loss.detach())

    @torch.no_grad()
    def _follow(self) -> None:
        # Young averages forget faster, or the first random weights would linger in them.
        decay = min(self.recipe.average_decay, (1 + self.step) / (10 + self.step))
        for mean, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if value.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    def state(self) -> dict[str, Any]:
        """Everything that changes during a run."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "loss": self.loss.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.step = int(state["step"])
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.loss.load_state_dict(state["loss"])
        self.optimiser.load_state_dict(state["optimiser"])


class Batches:
    """The batch of each step: real and drawn pictures, augmented; a pure function of the recipe and the step."""

    def __init__(self, recipe: Recipe, real: np.ndarray, labels: np.ndarray, drawn: np.ndarray | None) -> None:
        self._recipe = recipe
        self._real, self._labels = real, labels
        self._sampler = BalancedSampler(labels, recipe.seed)
        self._drawn = drawn
        self._first_drawn = int(labels.max()) + 1

    def at(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Normalised pictures (batch, 3, S, S) and their labels."""
        recipe = self._recipe
        drawn_count = round(recipe.batch * recipe.drawn_share_at(step)) if self._drawn is not None else 0
        positions = self._sampler.batch(step, recipe.batch - drawn_count)
        pictures = [self._real[position] for position in positions]
        labels = [self._labels[positions]]
        if self._drawn is not None and drawn_count:
            chosen = np.random.default_rng([recipe.seed, step, 2]).integers(len(self._drawn), size=drawn_count)
            pictures += [self._drawn[position] for position in chosen]
            labels.append(self._first_drawn + chosen // recipe.drawn_pictures)
        views = np.stack(
            [
                augment(
                    without_idle_alpha(picture), recipe.input_size, np.random.default_rng([recipe.seed, step, 3, place])
                )
                for place, picture in enumerate(pictures)
            ]
        )
        return normalise(views, recipe.mean, recipe.std), np.concatenate(labels)


def without_idle_alpha(picture: np.ndarray) -> np.ndarray:
    """RGB where nothing is transparent, so that the picture may be mirrored at its borders; else as it is."""
    return picture[..., :3] if picture.shape[2] == 4 and picture[..., 3].min() == 255 else picture


def train(
    recipe: Recipe,
    identities: Sequence[Identity],
    folder: Path,
    *,
    say: Say = lambda text: None,
    validate: Callable[[Network, int], dict[str, float]] | None = None,
    validate_every: int = 500,
    stop_after: int | None = None,
) -> Network:
    """Train, or continue the run of this folder, and return the averaged network.

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
    batches = Batches(recipe, real, labels, drawn)

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


def read_pictures(identities: Sequence[Identity], cache: Path, side: int, say: Say) -> tuple[np.ndarray, np.ndarray]:
    """All pictures as one (pictures, side, side, 4) array on disk, and the number of each picture's identity.

    A file that cannot be decoded is named once and left out.
    """
    files = [path for identity in identities for path in identity.files]
    labels = np.repeat(np.arange(len(identities)), [len(identity.files) for identity in identities])

    def make(position: int) -> np.ndarray:
        try:
            return decode_square(files[position], side)
        except (OSError, ValueError) as error:
            say(f"left out: {error}")
            return np.zeros((side, side, 4), np.uint8)

    array = cached(cache, "pictures", [str(path) for path in files], (side, side, 4), make)
    usable = np.array([bool(picture[..., 3].any()) for picture in array])
    if usable.all():
        return array, labels
    return array[usable], labels[usable]


def render_drawn(recipe: Recipe, cache: Path, say: Say) -> np.ndarray | None:
    """The drawn characters as one array on disk; None where the recipe wants none."""
    if not recipe.drawn_characters:
        return None
    total, side = recipe.drawn_characters * recipe.drawn_pictures, recipe.cache_side
    return cached(
        cache,
        "drawn",
        [f"{recipe.drawn_characters} x {recipe.drawn_pictures}, {place}" for place in range(total)],
        (side, side, 3),
        lambda position: drawn_picture(position, recipe.drawn_pictures, side),
        lambda done: say(f"drew {done} of {total}"),
    )


def note(path: Path, figures: Mapping[str, float | int]) -> None:
    """One line of the curve."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures) + "\n")


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """While inside, SIGTERM and Ctrl-C are noted instead of obeyed at once: a step is always finished."""
    asked: list[int] = []
    before = {}
    for one in (signal.SIGTERM, signal.SIGINT):
        try:
            before[one] = signal.signal(one, lambda number, frame: asked.append(number))
        except ValueError:  # only the main thread may set handlers; elsewhere nobody can ask
            continue
    try:
        yield lambda: bool(asked)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _names(identities: Sequence[Identity]) -> str:
    return json.dumps([[one.collection, one.name, len(one.files)] for one in identities])
