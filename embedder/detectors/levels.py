"""The sizes at which a picture is shown to a network that sees faces of a limited range only."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
from jaxtyping import UInt8

SEEN_TWICE = 1.4
"""How much smaller than the largest face of a level a face may be that the next level sees too."""


def level_step(faces: tuple[int, int]) -> float:
    """By how much each level is smaller than the one before: the square root of the range of faces.

    With faces of 16 to 256 pixels it is 4: a level sees 16 to 256 pixels of the picture, the next one 64 to 1024. So
    every face could be seen at two levels, and at one of them it is 32 to 128 pixels large, a factor of 2 inside both
    ends of the range. The levels after the first cost a fifteenth of it in all; with a step of 2 they would cost a
    third.
    """
    smallest, largest = faces
    return sqrt(largest / smallest)


def levels(
    picture: UInt8[np.ndarray, "height width 3"], faces: tuple[int, int]
) -> Iterator[tuple[UInt8[np.ndarray, "_ _ 3"], float]]:
    """The picture, then smaller and smaller, until a face that fills it is well inside the range of `faces`.

    With each, the smallest face to be believed there, in its own pixels. Of the first level it is the smallest of the
    range. A smaller level believes only what the one before it shows as nearly too large: the smallest faces of the
    range are told least surely, and crowds shrunk to a few pixels look like one.
    """
    import cv2

    step = level_step(faces)
    enough = faces[1] / sqrt(step)  # the next level would show it smaller than the smallest face times that root
    height, width = picture.shape[:2]
    scale, level = 1.0, picture
    yield level, faces[0]
    while max(height, width) * scale > enough:
        scale /= step
        smaller = (max(1, round(width * scale)), max(1, round(height * scale)))
        level = cv2.resize(level, smaller, interpolation=cv2.INTER_AREA)
        yield level, faces[1] / step / SEEN_TWICE
