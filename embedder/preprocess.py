"""From crops of any size to the array that a network takes: one definition for both runtimes and for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

RESIZE_RULE = "centre square; area when shrinking, linear when enlarging"
"""Written into each encoder's card: an encoder trained under another rule must not be read under this one."""


def centre_square(picture: UInt8[np.ndarray, "height width channels"]) -> UInt8[np.ndarray, "side side channels"]:
    """The largest square around the picture's centre."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def resize_square(
    square: UInt8[np.ndarray, "side side channels"], size: int
) -> UInt8[np.ndarray, "size size channels"]:
    """The square at size x size pixels: averaged areas when it shrinks, linear between pixels when it grows."""
    import cv2

    if square.shape[0] == size:
        return square
    rule = cv2.INTER_AREA if square.shape[0] > size else cv2.INTER_LINEAR
    return cv2.resize(square, (size, size), interpolation=rule).astype(np.uint8, copy=False)


def stretch(picture: UInt8[np.ndarray, "_ _ 3"], height: int, width: int) -> UInt8[np.ndarray, "height width 3"]:
    """The whole picture at height x width pixels, by Pillow's bilinear filter: a triangle as wide as what shrinks.

    Encoders of others were fed by Pillow. OpenCV's linear rule looks at four pixels only, and aliases when it shrinks.
    """
    from PIL import Image

    if picture.shape[:2] == (height, width):
        return np.ascontiguousarray(picture)
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))


def prepare(
    crops: Sequence[UInt8[np.ndarray, "_ _ 3"]], size: int, mean: Sequence[float], std: Sequence[float]
) -> Float32[np.ndarray, "crops 3 size size"]:
    """RGB crops as (pixel / 255 - mean) / std, channels first; raises ValueError for what is no RGB crop."""
    pixels = np.empty((len(crops), size, size, 3), np.uint8)
    for position, crop in enumerate(crops):
        check_crop(crop, position)
        pixels[position] = resize_square(centre_square(crop), size)
    return normalise(pixels, mean, std)


def normalise(
    pixels: UInt8[np.ndarray, "crops size size 3"], mean: Sequence[float], std: Sequence[float]
) -> Float32[np.ndarray, "crops 3 size size"]:
    """(pixel / 255 - mean) / std for each colour, channels first."""
    scale = (1 / (255 * np.asarray(std, np.float64))).astype(np.float32)
    shift = (np.asarray(mean, np.float64) / np.asarray(std, np.float64)).astype(np.float32)
    batch = np.empty((len(pixels), 3, *pixels.shape[1:3]), np.float32)
    for channel in range(3):
        np.multiply(pixels[..., channel], scale[channel], out=batch[:, channel])
        batch[:, channel] -= shift[channel]
    return batch


def check_crop(crop: Any, position: int) -> None:
    """Raise ValueError unless this is an RGB picture of at least one pixel."""
    shape, dtype = getattr(crop, "shape", None), getattr(crop, "dtype", None)
    if dtype != np.uint8 or shape is None or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise ValueError(
            f"crop {position} must be a uint8 array (height, width, 3) with pixels in it, but it is {dtype} {shape}"
        )
