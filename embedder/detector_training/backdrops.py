"""What faces stand before, and what looks a little like them: clutter, patterns, writing."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

from embedder.detector_training.sprites import Sprite
from embedder.training.augmentation import about, background, turned

Random = np.random.Generator
View = UInt8[np.ndarray, "size size 3"]

PATTERNS = ("stripes", "dots", "checks", "rays", "speed lines")
LETTERS = "ABCDEFGHKLMNPRSTUVWXYZabcdefghkmnprstuvwxyz0123456789!?&*♪★ ンアイウのはをにしてた人日本語画顔"


def backdrop(size: int, clutter: Sequence[Sprite], random: Random) -> View:
    """Size x size pixels with no face in them."""
    kind = random.random()
    if clutter and kind < 0.35:
        view = stretched(clutter[int(random.integers(len(clutter)))], size, random)
    elif clutter and kind < 0.5:
        view = mosaic(size, clutter, random)
    elif kind < 0.62:
        view = pattern(size, random)
    else:
        view = background(size, random)
    return view


def stretched(sprite: Sprite, size: int, random: Random) -> View:
    """A part of a picture, over all of the view."""
    height, width = sprite.picture.shape[:2]
    side = max(1, int(min(height, width) * random.uniform(0.3, 1)))
    top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
    part = on_white(sprite.picture[top : top + side, left : left + side])
    return np.asarray(cv2.resize(part, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def mosaic(size: int, clutter: Sequence[Sprite], random: Random) -> View:
    """Pictures side by side, as in a collage."""
    cells = int(random.integers(2, 5))
    side = -(-size // cells)
    view = np.empty((side * cells, side * cells, 3), np.uint8)
    for row in range(cells):
        for column in range(cells):
            one = stretched(clutter[int(random.integers(len(clutter)))], side, random)
            view[row * side : (row + 1) * side, column * side : (column + 1) * side] = one
    return np.ascontiguousarray(view[:size, :size])


def pattern(size: int, random: Random) -> View:
    """Stripes, dots, checks, rays or speed lines in two colours."""
    kind = PATTERNS[int(random.integers(len(PATTERNS)))]
    first, second = random.integers(0, 256, (2, 3)).tolist()
    if random.random() < 0.4:
        first = [255] * 3 if random.random() < 0.5 else [int(random.integers(160, 256))] * 3
        second = [int(random.integers(0, 200))] * 3
    view = np.full((size, size, 3), first, np.uint8)
    step = int(random.integers(4, 40))
    if kind in ("rays", "speed lines"):
        middle = (size * random.uniform(-0.2, 1.2, 2)).tolist()
        inner = random.uniform(0.0, 0.6) * size if kind == "speed lines" else 0
        for angle in np.sort(random.uniform(0, 2 * np.pi, 60 if inner else 16)):
            width = random.uniform(0.01, 0.05) if inner else 0.15
            ends = [
                (middle[0] + reach * np.cos(angle + turn), middle[1] + reach * np.sin(angle + turn))
                for reach, turn in ((inner, 0.0), (3 * size, -width), (3 * size, width))
            ]
            cv2.fillPoly(view, [np.round(ends).astype(np.int32)], second, cv2.LINE_AA)
        return view
    tile = np.full((step, step, 3), first, np.uint8)
    if kind == "dots":
        cv2.circle(
            tile, (step // 2, step // 2), max(1, int(step * random.uniform(0.15, 0.45))), second, -1, cv2.LINE_AA
        )
    elif kind == "checks":
        tile[: step // 2, : step // 2] = tile[step // 2 :, step // 2 :] = second
    else:
        tile[:, : max(1, int(step * random.uniform(0.2, 0.8)))] = second
    count = -(-2 * size // step)
    many = np.tile(tile, (count, count, 1))
    turn = about(len(many), turned(random.uniform(0, np.pi / 2)), np.array([size / 2, size / 2]))
    return np.asarray(cv2.warpAffine(many, turn, (size, size), dst=view, borderMode=cv2.BORDER_TRANSPARENT), np.uint8)


def write_words(view: View, random: Random) -> tuple[int, int, int, int]:
    """Print some words on the view, on a bubble or without; returns the box they cover."""
    size = view.shape[0]
    text = "".join(random.choice(list(LETTERS), int(random.integers(2, 14))))
    height = int(random.integers(8, max(9, size // 8)))
    colour, plate = random.integers(0, 256, (2, 3)).tolist()
    left, top = int(random.integers(-size // 8, size)), int(random.integers(0, size))
    right, bottom = left + int(height * 0.6 * len(text)), top + height + 4
    if random.random() < 0.4:
        plate = [255] * 3 if random.random() < 0.7 else plate
        colour = [0] * 3 if random.random() < 0.7 else colour
        middle, half = ((left + right) // 2, (top + bottom) // 2), ((right - left) // 2 + height, height * 2)
        if random.random() < 0.5:
            cv2.ellipse(view, middle, half, 0, 0, 360, plate, -1, cv2.LINE_AA)
            cv2.ellipse(view, middle, half, 0, 0, 360, colour, 1, cv2.LINE_AA)
        else:
            cv2.rectangle(view, (left - 4, top - 4), (right + 4, bottom + 4), plate, -1)
        left, right = middle[0] - half[0], middle[0] + half[0]
        top, bottom = middle[1] - half[1], middle[1] + half[1]
        start = (middle[0] - int(height * 0.3 * len(text)), middle[1] + height // 3)
    else:
        start = (left, bottom - 4)
    cv2.putText(view, text, start, colour, _face(), height)
    return left, top, right, bottom


def on_white(premultiplied: UInt8[np.ndarray, "height width 4"]) -> UInt8[np.ndarray, "height width 3"]:
    """Colours multiplied by alpha, laid on white."""
    white = cv2.bitwise_not(cv2.extractChannel(premultiplied, 3))
    return np.asarray(cv2.add(cv2.cvtColor(premultiplied, cv2.COLOR_RGBA2RGB), cv2.cvtColor(white, cv2.COLOR_GRAY2RGB)))


def _face() -> cv2.FontFace:
    return cv2.FontFace("uni")
