"""One picture file into what enrolment needs of its faces, or of the picture itself where its artist is enrolled."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float32, UInt8

from data.errors import UnreadablePicture
from data.near_duplicates import perceptual_hash
from data.paths import readable
from data.pictures import read_file, read_picture
from embedder import Detection, Detector, Encoder, crop_face
from embedder.picture_style import bounded, encode_views, mean_direction, see_views
from index.enrolment import Enrolment

CROP_SIDE = 160
"""Pixels: the largest side of the crops of faces that a gallery keeps."""
KEPT_SIDE = 768
"""Pixels: the longer side of the pictures that a gallery keeps whole, for their artists. That is more than is looked at
(`embedder.picture_style`), so that an encoder that looks closer can have them."""
MOST_BYTES = 160_000
"""Of such a picture: a finer one is compressed harder."""
QUALITIES = (92, 86, 78, 68)
"""Of a JPEG file, from what is tried first."""

Take = Literal["faces", "largest face", "views"]
"""What is enrolled of a picture: all its faces, the largest, or the whole by its views (`embedder.picture_style`)."""


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
    """One face of a picture, or the picture itself, all but its encoding."""

    stored: bytes
    """It as a small JPEG file."""
    hash: int
    """Perceptual, of the crop."""
    detection: Detection


@dataclass(frozen=True)
class CutPicture:
    """The faces of one picture, by their boxes from left to right, and the perceptual hash of all of it."""

    faces: tuple[FaceCut, ...]
    crops: tuple[tuple[UInt8[np.ndarray, "_ _ 3"], ...], ...]
    """Of each face one, or of the picture its views, at the encoder's input size, so that a batch is small."""
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


def cut(content: bytes, detector: Detector, encoder: Encoder, *, take: Take) -> CutPicture | Unusable:
    """Decode a picture file's bytes, and cut out its faces, as the detector finds them, or its views."""
    try:
        picture = read_picture(content)
    except UnreadablePicture as error:
        return Unusable(Enrolment.UNREADABLE, error.reason)
    if take == "views":
        return _cut_views(picture, encoder)
    detections = sorted(detector.find(picture), key=lambda found: found.box)
    if not detections:
        return Unusable(
            Enrolment.FACELESS,
            f"{detector.name} found no face: crop the picture to the face, or take its centre square with "
            "--detector whole",
        )
    if take == "largest face":
        detections = [max(detections, key=lambda found: (found.box[2] - found.box[0]) * (found.box[3] - found.box[1]))]
    crops = [crop_face(picture, detection) for detection in detections]
    return CutPicture(
        tuple(
            FaceCut(_stored(crop), perceptual_hash(crop), detection)
            for crop, detection in zip(crops, detections, strict=True)
        ),
        tuple((encoder.fit(crop),) for crop in crops),
        perceptual_hash(picture),
    )


def _cut_views(picture: UInt8[np.ndarray, "height width 3"], encoder: Encoder) -> CutPicture | Unusable:
    try:
        seen = see_views(picture, encoder)
    except UnreadablePicture as error:
        return Unusable(Enrolment.BLANK, error.reason)
    height, width = picture.shape[:2]
    hashed = perceptual_hash(picture)
    whole = FaceCut(_stored_whole(picture), hashed, Detection((0, 0, width, height), 1.0, "whole"))
    return CutPicture((whole,), (seen.crops,), hashed)


def encode(pictures: Sequence[CutPicture | Unusable], encoder: Encoder) -> list[PictureFaces | Unusable]:
    """Encode the faces, or the views, of all these pictures together."""
    crops = [crops for one in pictures if isinstance(one, CutPicture) for crops in one.crops]
    of_faces = iter(encode_views(crops, encoder))
    return [
        PictureFaces(one.faces, np.stack([mean_direction(next(of_faces)) for _ in one.faces]), one.hash)
        if isinstance(one, CutPicture)
        else one
        for one in pictures
    ]


def _stored(crop: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """The crop as a small JPEG file."""
    import cv2

    scale = CROP_SIDE / max(crop.shape[:2])
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in crop.shape[:2])
        crop = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
    return _jpeg(crop, QUALITIES[0])


def _stored_whole(picture: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """The picture, shrunk to KEPT_SIDE, as a JPEG file of at most MOST_BYTES (but not below the last quality)."""
    small = bounded(picture, KEPT_SIDE)
    for quality in QUALITIES:
        file = _jpeg(small, quality)
        if len(file) <= MOST_BYTES:
            break
    return file


def _jpeg(picture: UInt8[np.ndarray, "height width 3"], quality: int) -> bytes:
    import cv2

    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()
