"""Pictures that show a drawing, for tests of what artists are told by: hatched areas of flat colours."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def hatched(colour: tuple[int, int, int], height: int = 192, width: int = 192, seed: int = 0) -> np.ndarray:
    """One colour under lines of black and of white; the mean of any part of it is nearly the same."""
    picture = np.full((height, width, 3), colour, np.uint8)
    shift = int(np.random.default_rng(seed).integers(0, 12))
    for ink, first in ((0, shift), (255, shift + 6)):
        for start in range(first - height, width, 12):
            cv2.line(picture, (start, 0), (start + height, height), (ink, ink, ink), 1)
    return picture


def write(path: Path, picture: np.ndarray) -> Path:
    """As a PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture[..., ::-1])
    return path
