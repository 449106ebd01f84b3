"""The crop: the one definition of which pixels stand for a detection, in training, enrolment and queries alike."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, UInt8

from embedder.detectors import Detection


def crop_face(
    picture: UInt8[np.ndarray, "height width 3"], detection: Detection
) -> UInt8[np.ndarray, "crop_height crop_width 3"]:
    """Cut a face as the square of 1.5 times the longer side of its box, around its centre; cut a `whole` box as it is.

    Where the square leaves the picture, the picture is mirrored at its border pixels, as often as needed.
    """
    left, top, right, bottom = detection.crop
    height, width = picture.shape[:2]
    if min(left, top) >= 0 and right <= width and bottom <= height:
        return picture[top:bottom, left:right].copy()
    rows, columns = _mirrored(top, bottom, height), _mirrored(left, right, width)
    return picture[rows[:, None], columns[None, :]]


def _mirrored(start: int, stop: int, length: int) -> Int[np.ndarray, " positions"]:
    """Positions start..stop folded into 0..length-1 by reflection that does not repeat the border pixel."""
    period = max(2 * (length - 1), 1)
    positions = np.arange(start, stop) % period
    return np.minimum(positions, period - positions)
