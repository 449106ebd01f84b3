"""Faces under affine maps, and how much of them can be seen."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Float64

from embedder.detector_training.box_files import Boxes

Affine = Float64[np.ndarray, "2 3"]


def moved(boxes: Boxes, matrix: Affine) -> Boxes:
    """The boxes of faces after an affine map.

    A face is taken for the ellipse that its box encloses: with half axes a and b, the map's linear part M gives a box
    of half sides sqrt((M00 a)^2 + (M01 b)^2) and sqrt((M10 a)^2 + (M11 b)^2). The corners' own box would grow with any
    tilt, which a face does not.

    >>> moved(np.array([[0, 0, 2, 4]], np.float32), np.array([[0.0, -1, 10], [1, 0, 0]])).tolist()
    [[6.0, 0.0, 10.0, 2.0]]
    """
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    middles = middles @ matrix[:, :2].T + matrix[:, 2]
    half = np.sqrt(half**2 @ (matrix[:, :2] ** 2).T)
    return np.concatenate([middles - half, middles + half], axis=1).astype(np.float32)


def share_inside(boxes: Boxes, width: int, height: int) -> Float32[np.ndarray, " faces"]:
    """The share of each box that lies in a picture, in [0, 1]."""
    low = np.clip(boxes[:, :2], 0, [width, height])
    high = np.clip(boxes[:, 2:], 0, [width, height])
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.asarray(np.prod(high - low, axis=1) / areas, np.float32)


def share_covered(boxes: Boxes, cover: Bool[np.ndarray, "height width"]) -> Float32[np.ndarray, " faces"]:
    """The share of each box, as far as it lies in the picture, under a cover; 1 for a box outside."""
    height, width = cover.shape
    shares = []
    for x0, y0, x1, y1 in np.round(boxes).astype(int):
        part = cover[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
        shares.append(float(part.mean()) if part.size else 1.0)
    return np.array(shares, np.float32)
