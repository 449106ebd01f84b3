"""Recoloured identities: more people out of the same pictures.

Hair and eye colour tell drawn characters apart, so a character whose hue is turned is somebody else, drawn by the same
hand in the same pose. Who learns to tell the two apart learns colour, and more identities generalise better to people
who were never seen.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Int64, UInt8


def turn_hue(
    picture: UInt8[np.ndarray, "height width channels"], degrees: float
) -> UInt8[np.ndarray, "height width channels"]:
    """An RGB or RGBA picture with every hue turned by so many degrees (HSV); greys and transparency stay.

    >>> turn_hue(np.array([[[255, 0, 0]]], np.uint8), 120.0).tolist()
    [[[0, 255, 0]]]
    """
    hsv = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int32) + round(degrees / 2)) % 180  # OpenCV counts hue in steps of 2 degrees
    turned = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.asarray(np.concatenate([turned, picture[..., 3:]], axis=2), np.uint8)


def draw_turns(identities: int, recolour: int, seed: int, step: int) -> Int64[np.ndarray, " identities"]:
    """For each identity, which of its `recolour` + 1 colourings a batch shows: 0 is its own.

    One for all pictures of an identity in a batch, so that a loss on pairs finds pairs.
    """
    if not recolour:
        return np.zeros(identities, np.int64)
    return np.random.default_rng([seed, step, 5]).integers(recolour + 1, size=identities)
