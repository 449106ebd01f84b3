"""The floor: 1-NN on colour histograms. What does not beat it has learned hair colours."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from bench.systems.nearest import NearestNeighbour

_BINS = [8, 8, 8]


class ColourHistogram(NearestNeighbour):
    """HSV histograms of 8 x 8 x 8 bins, compared by the Bhattacharyya coefficient; the nearest reference decides."""

    name = "colour histogram"

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops 512"]:
        """Square roots of the shares of pixels in each bin: unit vectors whose inner product is the coefficient."""
        rows = [np.sqrt(hsv_histogram(crop)) for crop in crops]
        return np.stack(rows) if rows else np.zeros((0, 512), np.float32)


def hsv_histogram(crop: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, " 512"]:
    """The share of pixels in each of 8 x 8 x 8 bins of hue, saturation and value, value changing fastest."""
    hsv = cv2.cvtColor(crop, cv2.COLOR_RGB2HSV)  # hue in [0, 180), saturation and value in [0, 256)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, _BINS, [0, 180, 0, 256, 0, 256]).ravel()
    return counts / counts.sum()
