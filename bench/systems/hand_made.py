"""Features thought up by hand: Hu's moments, Haralick's texture and a colour histogram (Guan and Ge 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from bench.systems.colour_histogram import hsv_histogram


def hu_moments(crop: UInt8[np.ndarray, "height width 3"]) -> Float64[np.ndarray, " 7"]:
    """Hu's seven moments of the grey picture, which turning, scaling and moving a shape leave as they are.

    M. K. Hu, "Visual pattern recognition by moment invariants", 1962; by OpenCV. The first is the sum of the variances
    of brightness along x and y, over the whole brightness. All are zero for a black picture.
    """
    return cv2.HuMoments(cv2.moments(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))).ravel()


def haralick_texture(crop: UInt8[np.ndarray, "height width 3"]) -> Float64[np.ndarray, " 13"]:
    """Haralick's thirteen texture features of the grey picture, each the mean over four directions.

    They tell how often grey values are neighbours: angular second moment, contrast, correlation, sum of squares and so
    on (R. M. Haralick and others, "Textural features for image classification", 1973); by mahotas. A side needs at
    least two pixels.
    """
    from mahotas.features import haralick

    return haralick(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), return_mean=True)


class HandMade:
    """Hu's moments, Haralick's texture and the shares of 8 x 8 x 8 colours, one after the other."""

    name = "hand-made features"

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops 532"]:
        """7 + 13 + 512 numbers, each on the scale that its formula gives it."""
        from threadpoolctl import threadpool_limits

        # Texture takes products of 256 numbers: sharing those among threads takes ten times as long on a busy machine.
        with threadpool_limits(1, user_api="blas"):
            rows = [np.concatenate([hu_moments(crop), haralick_texture(crop), hsv_histogram(crop)]) for crop in crops]
        return np.array(rows, np.float32).reshape(len(crops), 532)
