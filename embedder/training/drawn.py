"""Drawn characters as a collection to train on: no one's art, and as many identities as wanted."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

ARTISTS = 400
FIRST_CHARACTER = 1_000_000
"""Training draws its characters from here on, so that tests and the demo show characters that nobody trained on."""
LAST_CHARACTER = 3_000_000
"""Up to here: from here on, the strangers that ship with an encoder are drawn."""
SMALLEST = 32


def drawn_picture(character: int, random: np.random.Generator, side: int) -> UInt8[np.ndarray, "height width 3"]:
    """A new picture of a character, at least `side` pixels a side.

    Artist and moment are drawn anew for each picture, so that only the character is common to all of its pictures.
    """
    from data.drawn import draw_face

    artist, moment = (int(number) for number in random.integers([ARTISTS, 1 << 30]))
    return np.asarray(
        draw_face(FIRST_CHARACTER + character, FIRST_CHARACTER + artist, FIRST_CHARACTER + moment, max(side, SMALLEST)),
        np.uint8,
    )
