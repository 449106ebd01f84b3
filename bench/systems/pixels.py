"""The pixels themselves: what a classifier makes of them that is told nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8

from bench.systems.sized import Sized


class Pixels:
    """The crop at one size, laid out as one row."""

    def __init__(self, side: int) -> None:
        self.name = f"pixels at {side} x {side}"
        self._sized = Sized(side)

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops values"]:
        """Red, green and blue of each pixel in [0, 1], row by row."""
        return self._sized.describe(crops).astype(np.float32) / 255
