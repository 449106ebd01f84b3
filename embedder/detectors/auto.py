"""The detector for any picture: faces where there are some, the whole picture where it is itself a face crop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from embedder.detectors.detection import Detection, Detector
from embedder.detectors.whole import WholePicture, centre_square

FILLS = 0.8
"""Share of the picture's centre square that the crop of its only face covers where the picture is that face's crop.

Of six collections of face crops, tight and loose ones, none is recognised better at any other share from 0.35 to 0.9;
below 0.7, one collection's pictures fall on both sides and are recognised worse than by either rule alone.
"""

SMALL, NEARLY_SQUARE = 256, 1.6
"""A picture with no face found is taken for a face crop where its longer side, in pixels, is at most the first, and
its longer side at most the second times the shorter: a face that no detector knows, as face crops often show."""


class Auto:
    """What another detector finds, or the whole picture: see `settle`."""

    name = "auto"

    def __init__(self, finder: Detector) -> None:
        self.finder = finder
        self._whole = WholePicture()

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Every face, or the centre square of a picture that is a face crop; empty where neither is there."""
        return settle((picture.shape[1], picture.shape[0]), self.finder.find(picture))

    def __repr__(self) -> str:
        return f"Auto({self.finder!r})"


def settle(size: tuple[int, int], faces: Sequence[Detection]) -> list[Detection]:
    """What stands for a picture of `size` (width, height) in which these faces were found.

    One face that fills it: the whole picture, with that face's score. None, in a small and nearly square picture: the
    whole picture, with score 1. Otherwise the faces.
    """
    width, height = size
    whole = centre_square(width, height)
    if len(faces) == 1 and _covered(whole, faces[0]) >= FILLS:
        return [Detection(whole, faces[0].score, "whole")]
    if not faces and max(size) <= SMALL and max(size) <= NEARLY_SQUARE * min(size):
        return [Detection(whole, 1.0, "whole")]
    return list(faces)


def _covered(square: tuple[int, int, int, int], face: Detection) -> float:
    """The share of a square that the face's crop covers."""
    (left, top, right, bottom), crop = square, face.crop
    across = min(right, crop[2]) - max(left, crop[0])
    down = min(bottom, crop[3]) - max(top, crop[1])
    return max(0, across) * max(0, down) / (right - left) ** 2
