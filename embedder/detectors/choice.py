"""Which detector a word names."""

from __future__ import annotations

from embedder.detectors.auto import Auto
from embedder.detectors.card import SHIPPED_DETECTOR, find_detector
from embedder.detectors.cascade import Cascade
from embedder.detectors.detection import Detector
from embedder.detectors.trained import TrainedDetector
from embedder.detectors.whole import WholePicture
from embedder.detectors.yolo import Yolo

DEFAULT_DETECTOR = "auto"
"""Of every command and of the library; `--detector` repeats it, because importing it is slow (a test compares)."""


def load_detector(spec: str) -> Detector:
    """The detector that a word names.

    `auto` (faces by the shipped detector, the whole of a picture that is a face crop itself), `whole` (the picture's
    centre square), a shipped detector by its name, the folder of a detector, `cascade:PATH` (an OpenCV cascade) or
    `onnx:PATH` (a YOLOv8-style network of others).

    Raises UnusableEncoder for any other word and for a detector that is damaged, MissingDependency where what runs it
    is not installed.
    """
    kind, _, argument = spec.partition(":")
    if spec == "whole":
        return WholePicture()
    if kind == "cascade" and argument:
        return Cascade(argument)
    if kind == "onnx" and argument:
        return Yolo(argument)
    found = TrainedDetector(find_detector(SHIPPED_DETECTOR if spec == "auto" else spec))
    return Auto(found) if spec == "auto" else found
