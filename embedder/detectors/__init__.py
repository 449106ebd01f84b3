"""Where the faces of a picture are: detectors, shipped ones and those of others."""

from embedder.detectors.choice import DEFAULT_DETECTOR, load_detector
from embedder.detectors.detection import SMALLEST_FACE, Detection, Detector
from embedder.detectors.whole import WholePicture

__all__ = ["DEFAULT_DETECTOR", "SMALLEST_FACE", "Detection", "Detector", "WholePicture", "load_detector"]
