"""The pixels themselves: what a classifier makes of them that is told nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32, UInt8


class Pixels:
    """The crop at one size, laid out as one row."""

    def __init__(self, side: int) -> None:
        self.name = f"pixels at {side} x {side}"
        self._side = side

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops values"]:
        """Red, green and blue of each pixel in [0, 1], row by row."""
        shape = (self._side, self._side)
        small = [cv2.resize(crop, shape, interpolation=cv2.INTER_AREA).ravel() for crop in crops]
        return np.array(small, np.float32).reshape(len(crops), 3 * self._side**2) / 255
