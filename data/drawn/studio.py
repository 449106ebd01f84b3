"""A studio: artists who all draw the same characters, so that nothing but the hand tells their pictures apart."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from data.drawn.scene import draw_face

SEEDS = 10_000
"""Seeds that a studio keeps for itself: no two studios share an artist, a character or a picture."""


def draw_studio(
    number: int, artists: int = 16, characters: int = 8, size: int = 128
) -> UInt8[np.ndarray, "artists characters size size 3"]:
    """Every one of a studio's characters as every one of its artists draws it, each in a picture of its own.

    Pose, expression, light and background differ from picture to picture, so that they belong to nobody. Equal numbers
    give equal pictures. Raises ValueError for a negative number, more than 100 artists or characters, or a size that
    `draw_face` does not draw.
    """
    if number < 0 or not 0 < artists <= 100 or not 0 < characters <= 100:
        raise ValueError(
            f"a studio has a number from 0 on, 1 to 100 artists and characters; not {number}, {artists}, {characters}"
        )
    first = number * SEEDS
    pictures = np.empty((artists, characters, size, size, 3), np.uint8)
    for artist in range(artists):
        for character in range(characters):
            picture = first + artist * characters + character
            pictures[artist, character] = draw_face(first + character, first + artist, picture, size)
    return pictures
