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
    """The picture with each face framed in its status colour, its name and similarity, and its nearest references."""
    marks = [
        Mark(
            box=face.box,
            title=title(face.recognition),
            detail=_figures(face.recognition),
            tone=face.status.value,
            thumbnails=_thumbnails(face.recognition, gallery),
        )
        for face in answer.faces
    ]
    if answer.artist:
        height, width = picture.shape[:2]
        marks.append(
            Mark(
                box=(0, 0, width, height),
                title=f"by {title(answer.artist)}",
                detail=_figures(answer.artist),
                tone=answer.artist.status.value,
                thumbnails=_thumbnails(answer.artist, gallery),
            )
        )
    return annotate(picture, marks)


def title(recognition: Recognition) -> str:
    """The name, or in its place the status."""
    if recognition.status is Status.AMBIGUOUS:
        return " or ".join(candidate.identity for candidate in recognition.candidates[:2]) + "?"
    return recognition.identity or str(recognition.status)


def _figures(recognition: Recognition) -> str:
    score = "" if recognition.score is None else f"{recognition.score:.2f}"
    return score if recognition.p_value is None else f"{score} p {recognition.p_value:.2g}"


def _thumbnails(recognition: Recognition, gallery: Gallery) -> tuple[Thumbnail, ...]:
    return tuple(
        Thumbnail(read_picture(gallery.crop(near.reference)), f"{near.identity}\n{near.similarity:.2f}")
        for near in recognition.neighbours[:THUMBNAILS]
    )
