"""One picture file into what enrolment needs of its faces."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from data.errors import UnreadablePicture
from data.near_duplicates import perceptual_hash
from data.paths import readable
from data.pictures import read_file, read_picture
from embedder import Detection, Detector, Encoder, crop_face
from index.enrolment import Enrolment

CROP_SIDE = 160
"""Pixels: the largest side of the crops that a gallery keeps."""


@dataclass(frozen=True)
class PictureFile:
    """A file's bytes with their SHA-256, or in `trouble` why there are none."""

    content: bytes = b""
    sha256: bytes = b""
    trouble: str = ""


@dataclass(frozen=True)
class Unusable:
    """A picture of which nothing can be enrolled, and why."""

    enrolment: Enrolment
    reason: str


@dataclass(frozen=True)
class FaceCut:
    """One face of a picture, all but its encoding."""

    stored: bytes
    """The crop as a small JPEG file."""
    hash: int
    """Perceptual, of the crop."""
    detection: Detection


@dataclass(frozen=True)
class CutPicture:
    """The faces of one picture, by their boxes from left to right, and the perceptual hash of all of it."""

    faces: tuple[FaceCut, ...]
    crops: tuple[UInt8[np.ndarray, "height width 3"], ...]
    """Of each face, at the encoder's input size, so that a batch of large pictures is small."""
    hash: int


@dataclass(frozen=True)
class PictureFaces:
    """The faces of one picture with their encodings, and the perceptual hash of all of it."""

    faces: tuple[FaceCut, ...]
    encodings: Float32[np.ndarray, "faces dim"]
    hash: int


def read(path: Path) -> PictureFile:
    """The file's bytes, or why they cannot be had."""
    try:
        content = read_file(path, readable(path))
    except UnreadablePicture as error:
        return PictureFile(trouble=error.reason)
    return PictureFile(content, hashlib.sha256(content).digest())


def cut(content: bytes, detector: Detector, encoder: Encoder, *, largest: bool) -> CutPicture | Unusable:
    """Decode a picture file's bytes, find its faces and cut them out, all or only the largest."""
    try:
        picture = read_picture(content)
    except UnreadablePicture as error:
        return Unusable(Enrolment.UNREADABLE, error.reason)
    detections = sorted(detector.find(picture), key=lambda found: found.box)
    if not detections:
        return Unusable(
            Enrolment.FACELESS,
            f"{detector.name} found no face: crop the picture to the face, or take its centre square with "
            "--detector whole",
        )
    if largest:
        detections = [max(detections, key=lambda found: (found.box[2] - found.box[0]) * (found.box[3] - found.box[1]))]
    crops = [crop_face(picture, detection) for detection in detections]
    return CutPicture(
        tuple(
            FaceCut(_stored(crop), perceptual_hash(crop), detection)
            for crop, detection in zip(crops, detections, strict=True)
        ),
        tuple(encoder.fit(crop) for crop in crops),
        perceptual_hash(picture),
    )


def encode(pictures: Sequence[CutPicture | Unusable], encoder: Encoder) -> list[PictureFaces | Unusable]:
    """Encode the faces of all these pictures together."""
    encodings = encoder.encode([crop for one in pictures if isinstance(one, CutPicture) for crop in one.crops])
    encoded: list[PictureFaces | Unusable] = []
    first = 0
    for one in pictures:
        if isinstance(one, CutPicture):
            rows = slice(first, first := first + len(one.crops))
            encoded.append(PictureFaces(one.faces, encodings[rows], one.hash))
        else:
            encoded.append(one)
    return encoded


def _stored(crop: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """The crop as a small JPEG file."""
    import cv2

    scale = CROP_SIDE / max(crop.shape[:2])
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in crop.shape[:2])
        crop = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return encoded.tobytes()
