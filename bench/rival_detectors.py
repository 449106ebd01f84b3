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
LEAST_NEIGHBOURS = (1, 2, 3, 5)

_ALIKE = 0.2  # how far rectangles of one face may be apart: what detectMultiScale takes

_ANIMEFACE = "pip install --no-deps --target DIR animeface 'pillow<12', and set PYTHONPATH=DIR"


class CascadePass:
    """One search of a picture by an OpenCV cascade, before the boxes of one face are made one."""

    def __init__(self, path: Path, scale_factor: float, *, equalised: bool) -> None:
        """`scale_factor` from one size to the next, above 1; `equalised`: whether brightness is spread first."""
        self.name = f"{path.stem} x{scale_factor}{'' if equalised else ' plain'}"
        self._classifier = Cascade(path)._classifier
        self._scale_factor = scale_factor
        self._equalised = equalised
        self._last: tuple[UInt8[np.ndarray, "_ _ 3"] | None, list[list[int]]] = (None, [])

    def rectangles(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[list[int]]:
        """Every place (x, y, width, height) that the cascade takes for a face of at least 20 pixels, overlaps and all.

        The last picture's are kept, so that several settings share one search.
        """
        if self._last[0] is not picture:
            grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            found = self._classifier.detectMultiScale(
                cv2.equalizeHist(grey) if self._equalised else grey,
                scaleFactor=self._scale_factor,
                minNeighbors=0,
                minSize=(SMALLEST_FACE, SMALLEST_FACE),
            )
            self._last = picture, np.array(found, int).reshape(-1, 4).tolist()
        return self._last[1]


class ScoredCascade:
    """An OpenCV cascade with a least number of neighbours; a box's score grows with how many it has.

    A cascade finds a face many times at neighbouring places and sizes; as it gives no probability, the number n of
    these is the score, as n / (n + 5).
    """

    def __init__(self, search: CascadePass, least_neighbours: int) -> None:
        self.name = f"{search.name} n{least_neighbours}"
        self._search = search
        self._least_neighbours = least_neighbours

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Faces of at least 20 pixels, made of the search as OpenCV itself does."""
        boxes, neighbours = cv2.groupRectangles(self._search.rectangles(picture), self._least_neighbours, _ALIKE)
        return [
            Detection((int(x), int(y), int(x + w), int(y + h)), float(count / (count + 5)), "face")
            for (x, y, w, h), count in zip(boxes, np.ravel(neighbours), strict=True)
        ]


def cascade_settings(path: Path) -> dict[str, ScoredCascade]:
    """One cascade in every setting that is tried, by its name."""
    searches = [CascadePass(path, factor, equalised=spread) for factor in SCALE_FACTORS for spread in (True, False)]
    every = [ScoredCascade(search, least) for search in searches for least in LEAST_NEIGHBOURS]
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
