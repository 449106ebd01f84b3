"""The crop at one size, as bytes: what a network is given, which brings its own idea of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8


class Sized:
    """Red, green and blue of each pixel in 0 to 255, row by row."""

    def __init__(self, side: int) -> None:
        self.name = f"bytes at {side} x {side}"
        self._side = side

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> UInt8[np.ndarray, "crops values"]:
        """The crops, each laid out as one row."""
        shape = (self._side, self._side)
        small = [cv2.resize(crop, shape, interpolation=cv2.INTER_AREA).ravel() for crop in crops]
        return np.array(small, np.uint8).reshape(len(crops), 3 * self._side**2)
