"""Squares to look at: the views of paintings as they are asked about, and pictures that studios drew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from data.drawn.studio import draw_studio
from data.errors import KaodexError, UnusableSource
from data.pictures import read_picture
from embedder.preprocess import resize_square
from embedder.style_training.crops import SMALLEST
from embedder.style_training.paintings import Painting
from embedder.views import picture_views

FIRST_STUDIO = 1000
"""Training draws its studios from here on; whom the leak test shows, nobody trained on."""

Squares = UInt8[np.ndarray, "views size size 3"]


def view_squares(
    paintings: Sequence[Painting], size: int, say: Callable[[str], None] = lambda text: None
) -> tuple[Squares, Int64[np.ndarray, " views"]]:
    """All views of all paintings, and of which painting each is. What cannot be read is named and left out."""
    squares, places = [], []
    for place, painting in enumerate(paintings):
        try:
            picture = read_picture(painting.file)
            views = picture_views(picture, name=str(painting.file))
        except KaodexError as error:
            say(f"left out: {error}")
            continue
        squares += [resize_square(view.cut(picture), size) for view in views]
        places += [place] * len(views)
    if not squares:
        raise UnusableSource("no painting can be read; look at the folders")
    return np.stack(squares), np.array(places, np.int64)


def draw_studios(
    folder: Path, count: int, first: int = FIRST_STUDIO, say: Callable[[str], None] = lambda text: None
) -> UInt8[np.ndarray, "studios artists characters side side 3"]:
    """So many studios, drawn once and kept in a folder: an interrupted drawing goes on when it is asked for again."""
    folder.mkdir(parents=True, exist_ok=True)
    studios = []
    for number in range(first, first + count):
        path = folder / f"{number}.npy"
        if not path.is_file():
            unfinished = path.with_suffix(".unfinished.npy")
            np.save(unfinished, draw_studio(number))
            unfinished.replace(path)
            say(f"drew studio {number}")
        studios.append(np.load(path))
    return np.stack(studios)


def studio_squares(
    studios: UInt8[np.ndarray, "studios artists characters side side 3"], size: int, seed: int = 0
) -> tuple[Squares, Int64[np.ndarray, " pictures"], Int64[np.ndarray, " pictures"]]:
    """Each picture once, half of them whole and half as a square of them; whose each is, and whom it shows."""
    random = np.random.default_rng([seed, 8])
    count, artists, characters, side = studios.shape[:4]
    squares = [
        resize_square(picture if random.random() < 0.5 else _part(picture, random), size)
        for picture in studios.reshape(-1, side, side, 3)
    ]
    studio, artist, character = (one.ravel() for one in np.indices((count, artists, characters)))
    return np.stack(squares), studio * artists + artist, studio * characters + character


def fan_squares(paintings: Sequence[Painting], size: int, seed: int = 0) -> tuple[Squares, Int64[np.ndarray, " views"]]:
    """Each picture whole and as a square of it, and of which painting each is."""
    random = np.random.default_rng([seed, 9])
    squares = []
    for painting in paintings:
        picture = read_picture(painting.file)
        squares += [resize_square(one, size) for one in (_largest(picture), _part(picture, random))]
    return np.stack(squares), np.repeat(np.arange(len(paintings)), 2)


def numbered(names: Iterable[object]) -> Int64[np.ndarray, " names"]:
    """Equal names by equal numbers from 0."""
    return np.unique([str(name) for name in names], return_inverse=True)[1].astype(np.int64)


def _largest(picture: np.ndarray) -> np.ndarray:
    side = min(picture.shape[:2])
    return picture[:side, :side]


def _part(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    height, width = picture.shape[:2]
    side = max(8, round(min(height, width) * random.uniform(SMALLEST, 1)))
    top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
    return picture[top : top + side, left : left + side]
