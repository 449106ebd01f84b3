"""From a picture to faces, from faces to encodings: detectors, crops, the encoder and its training."""

from embedder.crop import crop_face
from embedder.detectors import Detection, Detector, load_detector
from embedder.encoder import Encoder

__all__ = ["Detection", "Detector", "Encoder", "crop_face", "load_detector"]
