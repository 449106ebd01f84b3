"""Pictures in which it is known where the faces are: boxed by hand, or drawn by program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from data.drawn import draw_scene
from data.errors import UnusableSource
from data.pictures import read_picture
from embedder.detector_training.box_files import read_boxes
from embedder.detector_training.collage import PUBLISHED, compose
from embedder.detector_training.geometry import moved, share_inside
from embedder.detector_training.sprites import gather_cast
from embedder.detectors import SMALLEST_FACE

HELD_BACK_SEED = 1 << 31
"""Drawn characters, artists and pictures of this seed and above are for measuring; nothing is trained on them."""

DRAWN, GREY, TILTED = SUBSETS = ("drawn scenes", "drawn scenes, grey", "drawn scenes, tilted")
TILT = 30.0
"""Degrees."""

COMPOSED = ("composed scenes", "composed scenes, tilted", "composed scenes, grey", "composed scenes, line art")
LOOKS = {COMPOSED[2]: {"grey": 1.0}, COMPOSED[3]: {"line_art": 1.0}}
COMPOSED_SIDE = 512


@dataclass(frozen=True)
class KnownPicture:
    """A picture, the boxes (x0, y0, x1, y1 in pixels) of its faces, and those of what counts neither way."""

    name: str
    subset: str
    picture: UInt8[np.ndarray, "height width 3"]
    boxes: Float64[np.ndarray, "faces 4"]
    ignored: Float64[np.ndarray, "ignored 4"]


def hand_boxed(file: Path, root: Path) -> Iterator[KnownPicture]:
    """Pictures under `root` with the boxes of a box file, one in memory at a time; the first folder is the subset.

    Raises `UnusableSource` for a file that is none, or a box that leaves its picture.
    """
    for name, told in read_boxes(file).items():
        picture = read_picture(root / name)
        height, width = picture.shape[:2]
        every = np.concatenate([told.boxes, told.ignore])
        if (every[:, :2] < 0).any() or (every[:, 2:] > (width, height)).any():
            raise UnusableSource(f"{file}: a box of {name} leaves its {width} x {height} pixels")
        boxes, ignored = told.boxes.astype(np.float64), told.ignore.astype(np.float64)
        yield KnownPicture(name, name.partition("/")[0], picture, boxes, ignored)


def drawn_scenes(count: int) -> Iterator[KnownPicture]:
    """So many scenes of one to six drawn characters that nobody trains on, of sides from 300 to 1,200 pixels.

    Of three, the first is as drawn, the second in grey, and the third tilted by 30 degrees to either side: subsets.
    Equal counts begin with equal scenes.
    """
    for number in range(count):
        random = np.random.default_rng([HELD_BACK_SEED, number])
        size = (int(random.integers(300, 1201)), int(random.integers(300, 1201)))
        characters = (HELD_BACK_SEED + random.integers(0, 1_000_000, random.integers(1, 7))).tolist()
        scene = draw_scene(characters, HELD_BACK_SEED + number, HELD_BACK_SEED + number, size)
        boxes = np.array([face.box for face in scene.faces], np.float32)
        name, picture, ignored = f"drawn {number}", scene.picture, boxes[:0]
        subset = SUBSETS[number % len(SUBSETS)]
        if subset == GREY:
            picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        elif subset == TILTED:
            picture, boxes, ignored = _tilted(picture, boxes, TILT if random.random() < 0.5 else -TILT)
        yield KnownPicture(name, subset, picture, boxes.astype(np.float64), ignored.astype(np.float64))


def composed_scenes(file: Path, root: Path, count: int) -> Iterator[KnownPicture]:
    """So many scenes of 512 x 512 pixels composed of the pictures of a box file under `root`, one subset after another.

    They are made as those that detectors of ours learn from, with other people in them: hardly tilted in colour, each
    face tilted by up to 45 degrees, in grey, and as line drawings. Equal counts begin with equal scenes.
    """
    cast = gather_cast(root, read_boxes(file))
    published = {name: share for name, share in PUBLISHED.items() if name not in ("grey", "line_art", "screentone")}
    for number in range(count):
        subset = COMPOSED[number % len(COMPOSED)]
        random = np.random.default_rng([HELD_BACK_SEED, number])
        upright = 0.0 if subset == COMPOSED[1] else 1.0
        scene = compose(cast, COMPOSED_SIDE, random, upright=upright, published=published | LOOKS.get(subset, {}))
        boxes, ignored = (part.astype(np.float64) for part in scene.truth(SMALLEST_FACE))
        yield KnownPicture(f"composed {number}", subset, scene.view, boxes, ignored)


def _tilted(
    picture: UInt8[np.ndarray, "height width 3"], boxes: Float32[np.ndarray, "faces 4"], degrees: float
) -> tuple[UInt8[np.ndarray, "height width 3"], Float32[np.ndarray, "seen 4"], Float32[np.ndarray, "lost 4"]]:
    """The picture turned in its frame, its faces, and those of which less than half is left in it: to be ignored."""
    height, width = picture.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), np.float64)
    turned = np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderValue=(128, 128, 128)), np.uint8)
    every = moved(boxes, matrix)
    seen = share_inside(every, width, height) >= 0.5
    return turned, every[seen], every[~seen]
