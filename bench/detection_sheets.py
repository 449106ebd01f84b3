"""Pictures with the boxes of two detectors and the truth, many on one sheet: to be looked at, never published."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

WHITE, GREEN, ORANGE, GREY = (255, 255, 255), (40, 220, 60), (255, 150, 20), (150, 150, 150)
_DARK = (40, 40, 40)
_GAP = 6

Layer = tuple[Float64[np.ndarray, "_ 4"], tuple[int, int, int]]
"""Boxes in pixels of the picture, and their colour in RGB."""


def annotated(
    picture: UInt8[np.ndarray, "_ _ 3"], layers: Sequence[Layer], longest: int
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture with its longer side brought to `longest` pixels, and all boxes, the later above the earlier."""
    scale = longest / max(picture.shape[:2])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    drawn = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    for outline in (4, 2):  # dark beneath each line, so that white shows on white
        for boxes, colour in layers:
            for left, top, right, bottom in np.rint(boxes * scale).astype(int).tolist():
                cv2.rectangle(drawn, (left, top), (right, bottom), _DARK if outline == 4 else colour, outline)
    return drawn


def contact_sheet(pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]], columns: int) -> UInt8[np.ndarray, "height width 3"]:
    """Pictures in rows, each in a cell as large as the largest."""
    high, broad = (max(picture.shape[axis] for picture in pictures) + _GAP for axis in (0, 1))
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * high, columns * broad, 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * high, number % columns * broad
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return sheet
