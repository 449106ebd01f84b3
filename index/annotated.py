"""An answer drawn on its picture: named boxes, the nearest references beside them, and where a style is like whose."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from data.canvas import Heat, Mark, Thumbnail, annotate, beside, heat_map
from data.pictures import read_picture
from index.answers import Evidence, PictureAnswer, Recognition
from index.decision import Status
from index.gallery import Gallery

THUMBNAILS = 5


def annotated(
    picture: UInt8[np.ndarray, "height width 3"], answer: PictureAnswer, gallery: Gallery
) -> UInt8[np.ndarray, "canvas_height canvas_width 3"]:
    """The picture with each face framed in its status colour, its name and similarity, and its nearest references.

    The number at a face is its place in the answer, counted from 1; the artist comes last, and has a map of the
    picture besides: which parts are like the best candidate's references, and which like those of who comes next. A
    picture in which there is nothing to name says so.
    """
    height, width = picture.shape[:2]
    marks = [_mark(face.box, face.recognition, title(face.recognition), gallery) for face in answer.faces]
    if answer.artist:
        marks.append(_mark((0, 0, width, height), answer.artist, artist_title(answer.artist), gallery))
    if not marks:
        marks = [Mark((0, 0, width, height), "no face found", tone="unknown", region="whole")]
    canvas = annotate(picture, marks, legend=_legend(answer))
    if answer.artist and answer.artist.evidence:
        canvas = beside(canvas, _map(picture, answer.artist.evidence))
    return canvas


def artist_title(recognition: Recognition) -> str:
    """Whose references a picture is drawn like; no more is said, as styles overlap."""
    if recognition.status is Status.UNKNOWN:
        return "artist unknown"
    return f"drawn like {title(recognition)}"


def _map(
    picture: UInt8[np.ndarray, "height width 3"], evidence: Evidence
) -> UInt8[np.ndarray, "canvas_height canvas_width 3"]:
    """The leanings of the patches; of the larger views where there are no patches. The whole is everywhere."""
    parts = [view for view in evidence.views if view.view.startswith("patch")] or [
        view for view in evidence.views if view.view != "whole"
    ]
    parts = parts or list(evidence.views)
    heat = Heat([part.box for part in parts], [part.leaning for part in parts], evidence.artist, evidence.other or "")
    against = f", where like {evidence.other}" if evidence.other else ""
    return heat_map(picture, heat, f"where it is like {evidence.artist}{against}")


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
