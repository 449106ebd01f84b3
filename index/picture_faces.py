"""One picture file into what enrolment needs of its faces, all but their encodings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from data.errors import UnreadablePicture
from data.near_duplicates import perceptual_hash
from data.paths import readable
from data.pictures import read_file, read_picture
from embedder import Detection, Detector, Encoder, crop_face

CROP_SIDE = 160
"""Pixels: the largest side of the crops that a gallery keeps."""


class NoFace(Exception):
    """A detector found nothing in a picture; the message names the cure."""


@dataclass(frozen=True)
class PictureFile:
    """A file's bytes with their SHA-256, or in `trouble` why there are none."""

    content: bytes = b""
    sha256: bytes = b""
    trouble: str = ""


@dataclass(frozen=True)
class FaceCut:
    """One face of a picture."""

    crop: UInt8[np.ndarray, "height width 3"]
    """At the encoder's input size, so that a batch of large pictures is small."""
    stored: bytes
    hash: int
    """Perceptual, of the crop."""
    detection: Detection


@dataclass(frozen=True)
class CutPicture:
    """The faces of one picture, by their boxes from left to right, and the perceptual hash of all of it."""

    faces: tuple[FaceCut, ...]
    hash: int


def read(path: Path) -> PictureFile:
    """The file's bytes, or why they cannot be had."""
    try:
        content = read_file(path, readable(path))
    except UnreadablePicture as error:
        return PictureFile(trouble=error.reason)
    return PictureFile(content, hashlib.sha256(content).digest())


def cut(file: PictureFile, path: Path, detector: Detector, encoder: Encoder, *, largest: bool) -> CutPicture:
    """Decode the file, find its faces and cut them out, all or only the largest.

    Raises UnreadablePicture, and NoFace where the detector finds none.
    """
    picture = read_picture(file.content, readable(path))
    detections = sorted(detector.find(picture), key=lambda found: found.box)
    if not detections:
        raise NoFace(
            f"{detector.name} found no face: crop the picture to the face, or take its centre square with "
            "--detector whole"
        )
    if largest:
        detections = [max(detections, key=lambda found: (found.box[2] - found.box[0]) * (found.box[3] - found.box[1]))]
    faces = []
    for detection in detections:
        crop = crop_face(picture, detection)
        faces.append(FaceCut(encoder.fit(crop), _stored(crop), perceptual_hash(crop), detection))
    return CutPicture(tuple(faces), perceptual_hash(picture))


def _stored(crop: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """The crop as a small JPEG file."""
    import cv2

    scale = CROP_SIDE / max(crop.shape[:2])
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in crop.shape[:2])
        crop = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return encoded.tobytes()
