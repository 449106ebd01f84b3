"""The rival that sees shapes too: 1-NN on edges and a coarse grid of colours, as one would have built it by hand."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from bench.systems.nearest import NearestNeighbour

_SIDE = 64
_GRID = 8
_HOG = cv2.HOGDescriptor((_SIDE, _SIDE), (16, 16), (8, 8), (8, 8), 9)
_DIMENSION = 7 * 7 * 4 * 9 + _GRID * _GRID * 3
_MIDDLE = np.array([50, 0, 0], np.float32)  # mid-grey: lightness lies in [0, 100], a and b around 0


class HogLab(NearestNeighbour):
    """Histograms of oriented gradients beside mean colours in CIELAB; the nearest reference decides.

    The crop is shrunk to 64 x 64 for the gradients (cells of 8, blocks of 2 x 2 cells, 9 directions: Dalal and Triggs
    2005) and to 8 x 8 for the colours, which count from mid-grey. Each part is brought to unit length before they are
    joined, so that both weigh the same.
    """

    name = "HOG + Lab"

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops 1956"]:
        """Unit vectors whose inner product is the mean of the two parts' cosines."""
        return np.stack([_described(crop) for crop in crops]) if crops else np.zeros((0, _DIMENSION), np.float32)


def _described(crop: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, " 1956"]:
    grey = cv2.cvtColor(cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    edges = np.asarray(_HOG.compute(grey), np.float32).ravel()
    colours = cv2.resize(crop, (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = (cv2.cvtColor(colours, cv2.COLOR_RGB2Lab) - _MIDDLE).ravel()
    return np.concatenate([_unit(edges), _unit(lab)]) / np.float32(np.sqrt(2))


def _unit(values: Float32[np.ndarray, " dim"]) -> Float32[np.ndarray, " dim"]:
    """Unit length; a part that says nothing (a flat picture has no edges) says the same of every direction."""
    length = float(np.linalg.norm(values))
    return values / length if length > 1e-6 else np.full(len(values), 1 / np.sqrt(len(values)), np.float32)
