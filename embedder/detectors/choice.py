"""Which detector a word names."""

from __future__ import annotations

from data.errors import UnusableEncoder
from embedder.detectors.cascade import Cascade
from embedder.detectors.detection import Detector
from embedder.detectors.whole import WholePicture

DEFAULT_DETECTOR = "whole"
"""Of every command and of the library; `--detector` repeats it, because importing it is slow (a test compares)."""


def load_detector(spec: str) -> Detector:
    """The detector that a word names: `whole`, or `cascade:PATH`; raises UnusableEncoder for any other word."""
    kind, _, argument = spec.partition(":")
    if spec == "whole":
        return WholePicture()
    if kind == "cascade" and argument:
        return Cascade(argument)
    raise UnusableEncoder(f"there is no detector '{spec}'; use 'whole', or 'cascade:PATH' with an OpenCV cascade file")
