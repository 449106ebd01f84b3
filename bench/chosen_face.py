"""What stands for each picture: one face, as a curator would choose it, or for its artist the picture itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from embedder.detectors import Detection, Detector, WholePicture


@dataclass(frozen=True)
class ChosenFace:
    """The place that stands for a picture, and among how many that were found: 0 where none was."""

    detection: Detection
    found: int


def choose_face(picture: UInt8[np.ndarray, "height width 3"], detector: Detector) -> ChosenFace:
    """The largest face found, of equally large ones the surest; where nothing is found, the whole centre square.

    No picture is dropped, so that detectors are compared on the same pictures.
    """
    found = detector.find(picture)
    if not found:
        (whole,) = WholePicture().find(picture)
        return ChosenFace(whole, 0)
    return ChosenFace(max(found, key=lambda place: (_area(place), place.score)), len(found))


def whole_picture(picture: UInt8[np.ndarray, "height width 3"]) -> ChosenFace:
    """All of the picture."""
    height, width = picture.shape[:2]
    return ChosenFace(Detection((0, 0, width, height), 1.0, "whole"), 1)


def _area(detection: Detection) -> int:
    left, top, right, bottom = detection.box
    return (right - left) * (bottom - top)
