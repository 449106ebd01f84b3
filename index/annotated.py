"""An answer drawn on its picture: named boxes, and the nearest references beside them."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from data.canvas import Mark, Thumbnail, annotate
from data.pictures import read_picture
from index.answers import PictureAnswer, Recognition
from index.decision import Status
from index.gallery import Gallery

THUMBNAILS = 5


def annotated(
    picture: UInt8[np.ndarray, "height width 3"], answer: PictureAnswer, gallery: Gallery
) -> UInt8[np.ndarray, "canvas_height canvas_width 3"]:
    """The picture with each face framed in its status colour, its name and similarity, and its nearest references.

    The number at a face is its place in the answer, counted from 1; the artist comes last. A picture in which there is
    nothing to name says so.
    """
    height, width = picture.shape[:2]
    marks = [_mark(face.box, face.recognition, title(face.recognition), gallery) for face in answer.faces]
    if answer.artist:
        marks.append(_mark((0, 0, width, height), answer.artist, f"by {title(answer.artist)}", gallery))
    if not marks:
        marks = [Mark((0, 0, width, height), "no face found", tone="unknown", region="whole")]
    return annotate(picture, marks, legend=_legend(answer))


def title(recognition: Recognition) -> str:
    """The name, or in its place the status."""
    if recognition.status is Status.AMBIGUOUS:
        return " or ".join(candidate.identity for candidate in recognition.candidates[:2]) + "?"
    return recognition.identity or str(recognition.status)


def _mark(box: tuple[int, int, int, int], recognition: Recognition, words: str, gallery: Gallery) -> Mark:
    return Mark(
        box=box,
        title=words,
        detail="" if recognition.score is None else f"{recognition.score:.2f}",
        tone=recognition.status.value,
        thumbnails=_thumbnails(recognition, gallery),
        note=note(recognition),
        region="whole" if recognition.region == "whole" else "face",
    )


def note(recognition: Recognition) -> str:
    """The status and its figures in words."""
    words = [str(recognition.status)]
    if recognition.score is not None:
        words.append(f"score {recognition.score:.2f}")
    if recognition.p_value is not None:
        words.append(f"p {recognition.p_value:.2g}")
    if recognition.region == "whole":
        words.append("whole picture")
    return " · ".join(words)


def _legend(answer: PictureAnswer) -> str:
    """What p is, where it is given."""
    asked = [face.recognition for face in answer.faces] + ([answer.artist] if answer.artist else [])
    fpir = next((one.fpir for one in asked if one.p_value is not None), None)
    return "" if fpir is None else f"p: share of strangers that score as high; a name needs p ≤ {fpir:g}"


def _thumbnails(recognition: Recognition, gallery: Gallery) -> tuple[Thumbnail, ...]:
    return tuple(
        Thumbnail(read_picture(gallery.crop(near.reference)), f"{near.identity}\n{near.similarity:.2f}")
        for near in recognition.neighbours[:THUMBNAILS]
    )
