"""The augmented batch of each step: a pure function of the recipe, the step and the size of its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from embedder.preprocess import normalise, resize_square
from embedder.training.augmentation import augment
from embedder.training.drawn import drawn_picture
from embedder.training.material import Material
from embedder.training.pictures import on_white
from embedder.training.recipe import Recipe
from embedder.training.recolour import draw_turns, turn_hue
from embedder.training.sampling import Sampler

MOST_PLAIN = 30
"""Pictures of one identity that are enough to know where it lies."""


class Batch(NamedTuple):
    """What one process learns in one step."""

    pictures: Float32[np.ndarray, "pictures 3 side side"]
    labels: Int64[np.ndarray, " pictures"]
    taught: Float32[np.ndarray, "pictures teacher_dim"]
    """What the teacher makes of each picture; zeros where it has not seen it, no columns without a teacher."""


class Batches:
    """The batch of each step, or one process's part of it."""

    def __init__(
        self,
        recipe: Recipe,
        material: Material,
        pictures_per_identity: int,
        *,
        taught: Float32[np.ndarray, "stored teacher_dim"] | None = None,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self._recipe = recipe
        self._material = material
        self._taught = np.zeros((material.stored, 0), np.float32) if taught is None else taught
        self._process, self._processes = process, processes
        self._sampler = Sampler(
            material.labels,
            material.collections,
            shares=material.shares,
            balance=recipe.balance,
            pictures_per_identity=pictures_per_identity,
            seed=recipe.seed,
        )

    def at(self, step: int, side: int) -> Batch:
        """The pictures of a step at `side` pixels; of several processes, each takes every so-manieth one."""
        recipe, material = self._recipe, self._material
        chosen = self._sampler.batch(step, recipe.batch)
        turns = draw_turns(material.real, recipe.recolour, recipe.seed, step)
        mine = range(self._process, len(chosen), self._processes)
        views = np.empty((len(mine), side, side, 3), np.uint8)
        labels = material.labels[chosen[mine]]
        taught = np.zeros((len(mine), self._taught.shape[1]), np.float32)
        for row, place in enumerate(mine):
            position, label = int(chosen[place]), int(labels[row])
            random = np.random.default_rng([recipe.seed, step, 3, place])
            turn = int(turns[label]) if label < material.real else 0
            if position >= material.stored:
                picture = drawn_picture(label - material.first_drawn, random, side * 4 // 3)
            else:
                picture = self._coloured(position, turn)
                if not turn:
                    taught[row] = self._taught[position]
            labels[row] += turn * material.real
            views[row] = augment(picture, side, random, kind=recipe.augmentation, mirror=recipe.mirror)
        return Batch(normalise(views, recipe.mean, recipe.std), labels, taught)

    def _coloured(self, position: int, turn: int) -> np.ndarray:
        picture = without_idle_alpha(self._material.squares[self._material.places[position]])
        return turn_hue(picture, 360 * turn / (self._recipe.recolour + 1)) if turn else picture

    def plain(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of each label, drawn ones included, up to 30 pictures as they are, in batches: pictures and labels."""
        material, recipe = self._material, self._recipe
        entries = [
            (int(position), turn)
            for position in _first_of_each(material.labels, MOST_PLAIN)
            for turn in range(recipe.recolour + 1 if material.labels[position] < material.real else 1)
        ]
        for start in range(0, len(entries), recipe.batch):
            some = entries[start : start + recipe.batch]
            squares = np.stack([self._plain_square(position, turn) for position, turn in some])
            labels = np.array([material.labels[position] + turn * material.real for position, turn in some], np.int64)
            yield normalise(squares, recipe.mean, recipe.std), labels

    def _plain_square(self, position: int, turn: int) -> np.ndarray:
        side = self._recipe.input_size
        if position >= self._material.stored:
            character = int(self._material.labels[position]) - self._material.first_drawn
            random = np.random.default_rng([self._recipe.seed, 7, position])
            return resize_square(drawn_picture(character, random, side), side)
        square = resize_square(np.array(self._coloured(position, turn)), side)
        return on_white(square[None])[0] if square.shape[2] == 4 else square


def without_idle_alpha(picture: np.ndarray) -> np.ndarray:
    """RGB where nothing is transparent, so that the picture may be mirrored at its borders; else as it is."""
    return picture[..., :3] if picture.shape[2] == 4 and picture[..., 3].min() == 255 else picture


def _first_of_each(labels: Int64[np.ndarray, " pictures"], count: int) -> Int64[np.ndarray, " fewer"]:
    order = np.argsort(labels, kind="stable")
    _, starts, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    return order[np.arange(len(labels)) - np.repeat(starts, sizes) < count]
