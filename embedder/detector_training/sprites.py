"""Sprites: pictures with known faces, decoded once and kept, from which training scenes are composed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

from data.drawn import draw_scene
from data.errors import UnreadablePicture, UnusableSource
from data.pictures import read_picture_with_alpha
from data.prefetch import prefetch
from embedder.detector_training.box_files import BoxedPicture, Boxes

LONGEST = 400
"""Pixels: larger pictures are kept at this longer side; a scene is smaller than that."""

DRAWN_ARTISTS = 1000


@dataclass(frozen=True)
class Sprite:
    """A picture, colours multiplied by alpha so that what lies under transparency never bleeds, and its faces."""

    picture: UInt8[np.ndarray, "height width 4"]
    boxes: Boxes
    ignore: Boxes

    @property
    def opaque(self) -> bool:
        """Whether nothing behind it shows through."""
        return bool(self.picture[..., 3].min() == 255)

    @property
    def rest(self) -> float:
        """Pixels that are in no face, at least one."""
        faces = float(np.prod(self.boxes[:, 2:] - self.boxes[:, :2], axis=1).sum())
        return max(1.0, self.picture.shape[0] * self.picture.shape[1] - faces)


@dataclass(frozen=True)
class Cast:
    """All that scenes are made of."""

    faces: tuple[tuple[Sprite, ...], ...]
    """Sprites with a face by collection: each collection comes as often as its root of pictures."""
    clutter: tuple[Sprite, ...]
    """Pictures known to show no face."""

    def __post_init__(self) -> None:
        if not self.faces:
            raise UnusableSource("no picture with a face box was found: name some in the box file")

    @cached_property
    def weights(self) -> Float64[np.ndarray, " collections"]:
        """Probability of each collection where faces are shown: as the root of its pictures."""
        roots = np.sqrt([len(one) for one in self.faces])
        return np.asarray(roots / roots.sum(), np.float64)

    @cached_property
    def rest_weights(self) -> Float64[np.ndarray, " collections"]:
        """Probability of each collection where all else is shown: as the root of what its faces leave of its pixels."""
        roots = np.sqrt([sum(sprite.rest for sprite in one) for one in self.faces])
        return np.asarray(roots / roots.sum(), np.float64)


def gather_cast(
    root: Path,
    boxed: Mapping[str, BoxedPicture],
    *,
    drawn: int = 0,
    say: Callable[[str], None] = lambda text: None,
) -> Cast:
    """Read the pictures of a box file under `root`, and draw so many pictures by program besides.

    Pictures that cannot be read are told of and left out.
    """
    collections: dict[str, list[Sprite]] = {}
    clutter = []
    for name, sprite in _read(root, boxed, say):
        if len(sprite.boxes):
            collections.setdefault(collection_of(name), []).append(sprite)
        elif not len(sprite.ignore):
            clutter.append(sprite)
    if drawn:
        collections["drawn"] = list(draw_sprites(drawn, 0))
    return Cast(tuple(tuple(one) for one in collections.values()), tuple(clutter))


def collection_of(name: str) -> str:
    """The collection of a picture by its path: the folders but the last (the identity), or the one where it has one.

    >>> collection_of("faces/mine/rem/1.png"), collection_of("clutter/1.png")
    ('faces/mine', 'clutter')
    """
    parents = Path(name).parts[:-1]
    return "/".join(parents[:-1] or parents)


def draw_sprites(count: int, first: int) -> Iterable[Sprite]:
    """Pictures drawn by program, of one to four characters, each with its true face boxes.

    first: the seed of the first, so that training and testing draw others.
    """
    for seed in range(first, first + count):
        random = np.random.default_rng([seed, 1])
        characters = random.integers(0, 1 << 31, random.choice([1, 2, 3, 4], p=[0.55, 0.2, 0.15, 0.1])).tolist()
        sides = random.integers(160, 360, 2).tolist()
        scene = draw_scene(characters, seed % DRAWN_ARTISTS, seed, (sides[0], sides[1]))
        boxes = np.array([face.box for face in scene.faces], np.float32)
        yield Sprite(cv2.cvtColor(scene.picture, cv2.COLOR_RGB2RGBA), boxes, np.zeros((0, 4), np.float32))


def _read(root: Path, boxed: Mapping[str, BoxedPicture], say: Callable[[str], None]) -> Iterable[tuple[str, Sprite]]:
    names = {root / name: name for name in boxed}
    for path, loaded in prefetch(_load, list(names), ahead=64):
        if isinstance(loaded, UnreadablePicture):
            say(f"left out: {loaded}")
        elif isinstance(loaded, Exception):
            raise loaded
        else:
            picture, scale = loaded
            known = boxed[names[path]]
            yield names[path], Sprite(picture, known.boxes * scale, known.ignore * scale)


def _load(path: Path) -> tuple[UInt8[np.ndarray, "height width 4"], np.float32]:
    picture = read_picture_with_alpha(path)
    scale = min(1.0, LONGEST / max(picture.shape[:2]))
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in picture.shape[1::-1])
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGBA2mRGBA), np.uint8), np.float32(scale)
