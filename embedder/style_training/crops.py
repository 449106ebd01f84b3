"""Views for learning style: any square of a picture, at any size, with all its colours as they are.

What differs between two pictures by one hand may vary: what is shown, how near, which side faces left, how it was
published. Colour, line and shading are the style itself, so hue never turns and nothing is painted over.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from embedder.preprocess import resize_square
from embedder.training.augmentation import Random, coarsen, compress

SMALLEST = 0.35
"""Of the picture's shorter side, at least so much is in a view."""
TRIES = 6
FLAT = 12.0
"""A view with a smaller standard deviation of grey shows nothing; another is taken, a few times."""
CHANGES = {"coarsen": 0.15, "compress": 0.3}
_LIGHT = 0.04


def style_crop(
    picture: UInt8[np.ndarray, "height width 3"], size: int, random: Random
) -> UInt8[np.ndarray, "size size 3"]:
    """A random square of the picture at size x size pixels, mirrored half of the time."""
    height, width = picture.shape[:2]
    for _ in range(TRIES):
        side = max(8, round(min(height, width) * np.exp(random.uniform(np.log(SMALLEST), 0))))
        top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
        square = picture[top : top + side, left : left + side]
        if cv2.meanStdDev(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY))[1].item() >= FLAT:
            break
    view = resize_square(square, size)
    if random.random() < 0.5:
        view = np.ascontiguousarray(view[:, ::-1])
    if random.random() < CHANGES["coarsen"]:
        view = coarsen(view, random)
    gain = np.exp(random.normal(0, _LIGHT, 3))
    view = cv2.LUT(view, np.clip(np.arange(256)[:, None] * gain, 0, 255).astype(np.uint8)[None])
    if random.random() < CHANGES["compress"]:
        view = compress(view, random)
    return np.asarray(view, np.uint8)
