"""What a run learns from: pictures decoded or drawn once, and the augmented batch of each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from embedder.preprocess import normalise, resize_square
from embedder.training.augmentation import augment
from embedder.training.drawn import drawn_picture
from embedder.training.identities import Identity
from embedder.training.pictures import cached, decode_square, on_white
from embedder.training.recipe import Recipe
from embedder.training.sampling import BalancedSampler

Say = Callable[[str], None]


class Batches:
    """The batch of each step: real and drawn pictures, augmented; a pure function of the recipe and the step."""

    def __init__(
        self, recipe: Recipe, real: np.ndarray, labels: np.ndarray, drawn: np.ndarray | None, first_drawn: int
    ) -> None:
        self._recipe = recipe
        self._real, self._labels = real, labels
        self._sampler = BalancedSampler(labels, recipe.seed)
        self._drawn = drawn
        self._first_drawn = first_drawn

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

    def plain(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """All real pictures and two of each drawn character as they are, in batches."""
        recipe = self._recipe
        chosen = [(self._real, np.arange(len(self._labels)), self._labels)]
        if self._drawn is not None:
            places = np.arange(len(self._drawn))
            places = places[places % recipe.drawn_pictures < 2]
            chosen.append((self._drawn, places, self._first_drawn + places // recipe.drawn_pictures))
        for pictures, places, labels in chosen:
            for start in range(0, len(places), recipe.batch):
                some = slice(start, start + recipe.batch)
                squares = [resize_square(np.array(pictures[place]), recipe.input_size) for place in places[some]]
                views = np.stack(squares)
                views = on_white(views) if views.shape[3] == 4 else views
                yield normalise(views, recipe.mean, recipe.std), labels[some]


def without_idle_alpha(picture: np.ndarray) -> np.ndarray:
    """RGB where nothing is transparent, so that the picture may be mirrored at its borders; else as it is."""
    return picture[..., :3] if picture.shape[2] == 4 and picture[..., 3].min() == 255 else picture


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
