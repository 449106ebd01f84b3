"""The picture taken whole, with no search."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from embedder.detectors.detection import Detection


class WholePicture:
    """The picture is the face: its centre square is the one detection."""

    name = "whole"

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """One detection: the centre square."""
        height, width = picture.shape[:2]
        return [Detection(centre_square(width, height), 1.0, "whole")]

    def __repr__(self) -> str:
        return "WholePicture()"


def centre_square(width: int, height: int) -> tuple[int, int, int, int]:
    """The box of the largest square in the middle of a picture.

    >>> centre_square(9, 4)
    (2, 0, 6, 4)
    """
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side
