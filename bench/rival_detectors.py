"""Detectors of others with scores, so that they can be compared at any number of false boxes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from data.errors import MissingDependency
from embedder.detectors import SMALLEST_FACE, Detection
from embedder.detectors.cascade import Cascade

SCALE_FACTORS = (1.01, 1.02, 1.05, 1.1)
LEAST_NEIGHBOURS = (1, 3, 5)

_ANIMEFACE = "pip install --no-deps --target DIR animeface 'pillow<12', and set PYTHONPATH=DIR"


class ScoredCascade:
    """An OpenCV cascade asked with settings of one's own; a box's score grows with its neighbours.

    A cascade finds a face many times at neighbouring places and sizes; as it gives no probability, the number n of
    these is the score, as n / (n + 5). So one pass shows every setting of its least number of neighbours.
    """

    def __init__(
        self, path: Path, scale_factor: float = 1.1, least_neighbours: int = 1, *, equalised: bool = True
    ) -> None:
        """`scale_factor` from one size to the next, above 1; `equalised`: whether brightness is spread first."""
        self.path = path
        self.name = f"{path.stem} x{scale_factor} n{least_neighbours}{'' if equalised else ' plain'}"
        self._classifier = Cascade(path)._classifier
        self._scale_factor = scale_factor
        self._least_neighbours = least_neighbours
        self._equalised = equalised

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Faces of at least 20 pixels."""
        if min(picture.shape[:2]) < SMALLEST_FACE:
            return []
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        boxes, neighbours = self._classifier.detectMultiScale2(
            cv2.equalizeHist(grey) if self._equalised else grey,
            scaleFactor=self._scale_factor,
            minNeighbors=self._least_neighbours,
            minSize=(SMALLEST_FACE, SMALLEST_FACE),
        )
        return [
            Detection((int(x), int(y), int(x + w), int(y + h)), float(count / (count + 5)), "face")
            for (x, y, w, h), count in zip(boxes, np.ravel(neighbours), strict=True)
        ]


def cascade_settings(path: Path) -> dict[str, ScoredCascade]:
    """One cascade in every setting that is tried, by its name."""
    every = [
        ScoredCascade(path, scale_factor, least, equalised=equalised)
        for scale_factor in SCALE_FACTORS
        for least in LEAST_NEIGHBOURS
        for equalised in (True, False)
    ]
    return {one.name: one for one in every}


class AnimeFace:
    """The `animeface` package (nagadomi's networks); raises MissingDependency without it, or where it cannot work."""

    name = "animeface"

    def __init__(self) -> None:
        try:
            import animeface
        except ImportError as error:
            raise MissingDependency(f"{error}; {_ANIMEFACE}") from None
        import PIL

        if int(PIL.__version__.split(".")[0]) >= 12:
            raise MissingDependency(f"animeface finds nothing with Pillow {PIL.__version__}; {_ANIMEFACE}")
        self._detect = animeface.detect

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Faces with its own likelihoods."""
        from PIL import Image

        found = []
        for one in self._detect(Image.fromarray(picture)):
            place = one.face.pos
            box = (int(place.x), int(place.y), int(place.x + place.width), int(place.y + place.height))
            found.append(Detection(box, float(min(max(one.likelihood, 0.0), 1.0)), "face"))
        return found
