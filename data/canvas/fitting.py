"""Pictures made to fit: bounded in size, laid in a square, cut around a face."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np
from jaxtyping import UInt8

from data.canvas.shapes import Colour, Length, paste

SMALLEST, LARGEST = 400, 1600  # the long side in pixels within which text and lines read well


def comfortable_scale(height: int, width: int) -> float:
    """The factor that brings a picture's long side within the readable sizes; a whole number when it enlarges."""
    long_side = max(height, width)
    if long_side < SMALLEST:
        return float(ceil(SMALLEST / long_side))
    return min(1.0, LARGEST / long_side)


def resize(
    picture: UInt8[np.ndarray, "height width 3"], height: int, width: int
) -> UInt8[np.ndarray, "{height} {width} 3"]:
    """The picture at another size, averaged when smaller and smooth when larger; always a fresh array."""
    if picture.shape[:2] == (height, width):
        return picture.copy()
    shrinks = height * width < picture.shape[0] * picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=method), np.uint8)


def scaled(picture: UInt8[np.ndarray, "height width 3"], scale: Length) -> UInt8[np.ndarray, "rows columns 3"]:
    """The picture enlarged or shrunk by a factor, at least one pixel high and wide."""
    height, width = picture.shape[:2]
    return resize(picture, max(1, round(height * scale)), max(1, round(width * scale)))


def in_square(
    picture: UInt8[np.ndarray, "height width 3"], side: int, background: Colour
) -> UInt8[np.ndarray, "{side} {side} 3"]:
    """The whole picture, as large as a square of `side` pixels holds it, centred on the background."""
    square = np.full((side, side, 3), background, np.uint8)
    if picture.size:
        small = scaled(picture, side / max(picture.shape[:2]))
        paste(square, small, ((side - small.shape[1]) // 2, (side - small.shape[0]) // 2))
    return square


def around(
    picture: UInt8[np.ndarray, "height width 3"], box: tuple[Length, Length, Length, Length], margin: float = 1.3
) -> UInt8[np.ndarray, "side side 3"]:
    """The square of `margin` times a box's longer side around it, moved and shrunk where needed to lie in the picture.

    Empty if the box and the picture do not meet.
    """
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = box
    if min(x1, width) <= max(x0, 0) or min(y1, height) <= max(y0, 0):
        return picture[:0, :0]
    side = max(1, min(round(margin * max(x1 - x0, y1 - y0)), height, width))
    left = min(max(round((x0 + x1 - side) / 2), 0), width - side)
    top = min(max(round((y0 + y1 - side) / 2), 0), height - side)
    return picture[top : top + side, left : left + side]
