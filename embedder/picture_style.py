"""A picture's style: its views, their encodings, and the mean of these, which stands for the picture.

One definition serves enrolment, queries and measuring: the picture at most LONGEST_SIDE long, cut into its views, each
at the encoder's input size; the encoding of the picture is the direction of the mean of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from embedder.encoder import Encoder
from embedder.views import MOST_PATCHES, PATCH, View, picture_views

LONGEST_SIDE = 384
"""Pixels: about the largest pictures that `art-1` learnt from, so that it sees strokes at a scale that it knows.

The larger, the less alike are a picture and a small copy of it: drawn scenes of 1200 pixels and of 320 met with a
cosine of 0.989 where both were shrunk to 256, 0.976 at 384 and 0.953 at 512.
"""

RULE = f"views 1: {LONGEST_SIDE} px, {PATCH} px, {MOST_PATCHES} patches"
"""What, besides the encoder, decides the encoding of a picture."""


@dataclass(frozen=True)
class SeenViews:
    """The views of a picture, with boxes in its own pixels, and their crops at the encoder's input size."""

    views: tuple[View, ...]
    crops: tuple[UInt8[np.ndarray, "_ _ 3"], ...]


def see_views(
    picture: UInt8[np.ndarray, "height width 3"], encoder: Encoder, *, fast: bool = False, name: str = "this picture"
) -> SeenViews:
    """Cut a picture into its views; with `fast`, the whole and the centre alone.

    Raises UnreadablePicture, calling the picture `name`, where no view shows a drawing.
    """
    looked_at = bounded(picture)
    views = picture_views(looked_at, fast=fast, name=name)
    down, across = picture.shape[0] / looked_at.shape[0], picture.shape[1] / looked_at.shape[1]
    return SeenViews(
        tuple(replace(view, box=_scaled(view.box, across, down)) for view in views),
        tuple(encoder.fit(view.cut(looked_at)) for view in views),
    )


def bounded(
    picture: UInt8[np.ndarray, "height width 3"], longest: int = LONGEST_SIDE
) -> UInt8[np.ndarray, "rows columns 3"]:
    """The picture, shrunk to a longer side of `longest` pixels where it is larger."""
    share = longest / max(picture.shape[:2])
    if share >= 1:
        return picture
    height, width = (max(1, round(side * share)) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def encode_views(
    pictures: Sequence[Sequence[UInt8[np.ndarray, "_ _ 3"]]], encoder: Encoder
) -> list[Float32[np.ndarray, "_ dim"]]:
    """The encodings of each picture's crops; the crops of all pictures are encoded together."""
    encodings = encoder.encode([crop for crops in pictures for crop in crops])
    ends = np.cumsum([len(crops) for crops in pictures])
    return np.split(encodings, ends[:-1]) if len(pictures) else []


def mean_direction(encodings: Float32[np.ndarray, "views dim"]) -> Float32[np.ndarray, " dim"]:
    """The unit vector along the mean of unit vectors: what is nearest to all of them together.

    >>> mean_direction(np.array([[1, 0], [0, 1]], np.float32)).round(3).tolist()
    [0.7070000171661377, 0.7070000171661377]
    """
    if len(encodings) == 1:
        return encodings[0]
    mean = encodings.mean(axis=0)
    return mean / np.maximum(np.linalg.norm(mean), np.float32(1e-12))


def style_fingerprint(encoder_fingerprint: str) -> str:
    """What an artist's encodings are stamped with: another encoder or another cut into views is another space."""
    return sha256(f"{encoder_fingerprint} {RULE}".encode()).hexdigest()


def _scaled(box: tuple[int, int, int, int], across: float, down: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    return round(left * across), round(top * down), round(right * across), round(bottom * down)
