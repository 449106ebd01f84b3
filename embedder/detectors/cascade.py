"""Cascades of OpenCV: classifiers of others that find upright faces."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from data.errors import MissingDependency, UnusableEncoder
from embedder.detectors.detection import SMALLEST_FACE, Detection


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
