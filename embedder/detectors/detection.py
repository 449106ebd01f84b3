"""A detection, and what a detector is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

SMALLEST_FACE = 20
"""Pixels: below this a face tells nothing and a cascade finds mostly noise."""


@dataclass(frozen=True)
class Detection:
    """One place in a picture: box (x0, y0, x1, y1) in pixels, ends excluded, how sure in [0, 1], and what it is."""

    box: tuple[int, int, int, int]
    score: float
    region: Literal["face", "whole"]

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if right <= left or bottom <= top:
            raise ValueError(f"a box needs x0 < x1 and y0 < y1, but this is {self.box}")

    @property
    def crop(self) -> tuple[int, int, int, int]:
        """The box of the pixels that stand for it; it may reach beyond the picture.

        Of a face, the square of 1.5 times the longer side of its box, around its centre; of a `whole`, the box itself.
        """
        left, top, right, bottom = self.box
        if self.region == "whole":
            return self.box
        side = (3 * max(right - left, bottom - top) + 1) // 2
        left, top = (left + right - side) // 2, (top + bottom - side) // 2
        return left, top, left + side, top + side


@runtime_checkable
class Detector(Protocol):
    """Anything that finds faces in an RGB picture."""

    name: str

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Every face found, in no promised order; an empty list is an answer."""
        ...
