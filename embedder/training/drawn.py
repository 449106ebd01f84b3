"""Drawn characters as a collection to train on: no one's art, and as many identities as wanted."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

ARTISTS = 400
FIRST_CHARACTER = 1_000_000
"""Training draws its characters from here on, so that tests and the demo show characters that nobody trained on."""


def drawn_picture(position: int, pictures: int, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Picture `position` of a collection with `pictures` of each character.

    Artist and moment change from picture to picture, so that only the character is common to all of its pictures.
    """
    from data.drawn import draw_face

    character = position // pictures
    artist = int(np.random.default_rng([7, position]).integers(ARTISTS))
    return np.asarray(
        draw_face(FIRST_CHARACTER + character, FIRST_CHARACTER + artist, FIRST_CHARACTER + position, side), np.uint8
    )
