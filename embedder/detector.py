"""Detectors: where the faces of a picture are."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from data.errors import MissingDependency, UnusableEncoder

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


@runtime_checkable
class Detector(Protocol):
    """Anything that finds faces in an RGB picture."""

    name: str

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Every face found, in no promised order; an empty list is an answer."""
        ...


class WholePicture:
    """The picture is the face: its centre square is the one detection."""

    name = "whole"

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """One detection: the centre square."""
        height, width = picture.shape[:2]
        side = min(height, width)
        left, top = (width - side) // 2, (height - side) // 2
        return [Detection((left, top, left + side, top + side), 1.0, "whole")]

    def __repr__(self) -> str:
        return "WholePicture()"


class Cascade:
    """An OpenCV cascade file that the user brings; raises UnusableEncoder when OpenCV cannot use the file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self.name = f"cascade:{path}"
        self._classifier = _read_cascade(self.path)
        self._turn = threading.Lock()  # OpenCV's classifier keeps its working arrays in itself

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Faces of at least 20 pixels; a cascade gives no probabilities, so every score is 1."""
        import cv2

        height, width = picture.shape[:2]
        if min(height, width) < SMALLEST_FACE:
            return []
        grey = cv2.equalizeHist(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
        with self._turn:
            boxes = self._classifier.detectMultiScale(
                grey, scaleFactor=1.1, minNeighbors=5, minSize=(SMALLEST_FACE, SMALLEST_FACE)
            )
        return [Detection((int(x), int(y), int(x + w), int(y + h)), 1.0, "face") for x, y, w, h in boxes]

    def __repr__(self) -> str:
        return f"Cascade({str(self.path)!r})"


def load_detector(spec: str) -> Detector:
    """The detector that a word names: `whole`, or `cascade:PATH`; raises UnusableEncoder for any other word."""
    kind, _, argument = spec.partition(":")
    if spec == "whole":
        return WholePicture()
    if kind == "cascade" and argument:
        return Cascade(argument)
    raise UnusableEncoder(f"there is no detector '{spec}'; use 'whole', or 'cascade:PATH' with an OpenCV cascade file")


def _read_cascade(path: Path) -> Any:
    import cv2

    if not path.is_file():
        raise UnusableEncoder(f"no cascade file at {path}; give the path of an OpenCV cascade (.xml)")
    if not hasattr(cv2, "CascadeClassifier"):
        raise MissingDependency(
            "this OpenCV has no CascadeClassifier; install the contrib build: "
            "pip install --force-reinstall 'opencv-contrib-python-headless>=5.0'"
        )
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(
        cv2.utils.logging.LOG_LEVEL_SILENT
    )  # the error below says it better than OpenCV's own lines would
    try:
        classifier = cv2.CascadeClassifier(str(path))
        usable = not classifier.empty()
    except (cv2.error, SystemError):
        usable = False
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not usable:
        raise UnusableEncoder(f"{path} is not an OpenCV cascade; give a file made for cv2.CascadeClassifier")
    return classifier
