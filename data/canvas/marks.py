"""Faces marked on their picture: frames, names, and cards with the references nearest to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product, starmap
from math import ceil, floor, isfinite
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from data.canvas.cards import LARGEST_TEXT, PAGE, SMALLEST_TEXT, Card, Thumbnail, draw_cards, lay_out
from data.canvas.fitting import LARGEST, around, comfortable_scale, scaled
from data.canvas.placing import overlap, place_panels
from data.canvas.shapes import Area, Length, fill
from data.canvas.text import BOLD, REGULAR, draw_text, line_height, shorten, text_width
from data.canvas.tone import LOOKS, WHITE, Tone, check_tone, draw_frame, ink_on, rim_of

LONGEST_LABEL = 18  # on the picture, in text sizes, where the face is narrower
MOST_NAMES = 4  # on a picture with cards; a crowd is numbered instead

Words = list[tuple[str, int]]  # with their weights


@dataclass(frozen=True)
class Mark:
    """One face's answer: its box (x0, y0, x1, y1) in the picture's pixels, a name or "unknown", a figure, references.

    `note` stands on the card only. A `whole` region is the picture taken for a face: it has a name and a card, but no
    frame. A box may reach beyond the picture. Raises ValueError for a box whose ends are swapped or not finite, and for
    a tone that is none of `Tone`.
    """

    box: tuple[Length, Length, Length, Length]
    title: str
    detail: str = ""
    tone: Tone = "identified"
    thumbnails: tuple[Thumbnail, ...] = ()
    note: str = ""
    region: Literal["face", "whole"] = "face"

    def __post_init__(self) -> None:
        check_tone(self.tone)
        x0, y0, x1, y1 = self.box
        if not all(map(isfinite, self.box)) or x1 < x0 or y1 < y0:
            raise ValueError(f"box {self.box} is not (x0, y0, x1, y1) with x0 <= x1 and y0 <= y1")


def annotate(
    picture: UInt8[np.ndarray, "height width 3"], marks: Sequence[Mark], legend: str = ""
) -> UInt8[np.ndarray, "canvas_height canvas_width 3"]:
    """A fresh RGB picture with each face framed and named, and beside it a card per face with its nearest references.

    A long side over 1600 pixels is shrunk to 1600, and one under 400 enlarged by a whole factor; between these the
    picture's pixels stay as they are outside frames and names. The picture stands in the canvas's top left corner.
    Cards are added, at the right or below, only if some mark has thumbnails; a number, counted from 1, then joins each
    face to its card, and stands alone where names would hide faces or each other, or are more than four. `legend` is
    one line under the cards. Raises ValueError for a picture without pixels.
    """
    if picture.size == 0:
        raise ValueError(f"a picture of {picture.shape[1]} x {picture.shape[0]} pixels has nothing to mark")
    page = scaled(picture, comfortable_scale(*picture.shape[:2]))
    height, width = page.shape[:2]
    with_cards = any(mark.thumbnails for mark in marks)
    keys = [str(number) if with_cards else "" for number in range(1, len(marks) + 1)]
    _mark_faces(page, (height / picture.shape[0], width / picture.shape[1]), list(zip(keys, marks, strict=True)))
    if not with_cards:
        return page

    cards = [
        Card(
            key,
            around(picture, mark.box, margin=1.3 if mark.region == "face" else 1.0),
            mark.title,
            mark.note or mark.detail,
            mark.tone,
            mark.thumbnails,
        )
        for key, mark in zip(keys, marks, strict=True)
    ]
    layout = lay_out(cards, (height, width), legend)
    canvas = np.full((*layout.canvas, 3), PAGE, np.uint8)
    canvas[:height, :width] = page
    draw_cards(canvas, cards, layout)
    return canvas


def _mark_faces(
    page: UInt8[np.ndarray, "height width 3"], scale: tuple[float, float], marks: Sequence[tuple[str, Mark]]
) -> None:
    """Frame and name the faces on the page, which is the picture scaled by `scale` (down, across), in place."""
    height, width = page.shape[:2]
    seen: list[tuple[str, Mark]] = []
    areas: list[Area] = []
    for key, mark in marks:
        if mark.region == "whole":
            seen.append((key, mark))
            areas.append((0, 0, width, 0))  # its name hangs from the picture's upper edge
            continue
        x0, y0, x1, y1 = (end * scale[1 - side % 2] for side, end in enumerate(mark.box))
        if min(x1, width) <= max(x0, 0) or min(y1, height) <= max(y0, 0):
            continue
        area, thickness = frame_around((x0, y0, x1, y1), (width, height))
        draw_frame(page, area, mark.tone, thickness, radius=3 * thickness)
        seen.append((key, mark))
        areas.append(area)
    text, panels = name_panels(seen, areas, (width, height))
    for (_, mark), (words, (x0, y0, x1, y1)) in zip(seen, panels, strict=True):
        if not words or x1 > width or y1 > height:
            continue  # nothing to say, or the picture is smaller than a name; the card, where there is one, says it
        colour = LOOKS[mark.tone].colour
        fill(page, (x0, y0, x1, y1), WHITE, radius=0.25 * text)
        fill(page, (x0 + 1, y0 + 1, x1 - 1, y1 - 1), colour, radius=0.25 * text)
        x = x0 + _pad(text)
        for word, weight in words:
            x = draw_text(page, word, (x, y0 + 1), size=text, colour=ink_on(colour), weight=weight)[2] + _pad(text)


def frame_around(box: tuple[Length, Length, Length, Length], bounds: tuple[int, int]) -> tuple[Area, int]:
    """The area of a frame around a box, which hides nothing of it inside `bounds` (width, height), and its line width.

    Lines are thicker on large pages and thinner around small faces.
    """
    x0, y0, x1, y1 = box
    thickest = max(3, round(4 * max(bounds) / LARGEST))
    thickness = min(thickest, max(2, round(max(x1 - x0, y1 - y0) / 12)))
    line = thickness + 2 * rim_of(thickness)
    left, top = max(floor(x0) - line, 0), max(floor(y0) - line, 0)
    return (left, top, min(ceil(x1) + line, bounds[0]), min(ceil(y1) + line, bounds[1])), thickness


def name_panels(
    marks: Sequence[tuple[str, Mark]], areas: Sequence[Area], bounds: tuple[int, int]
) -> tuple[int, list[tuple[Words, Area]]]:
    """The text size for a page of `bounds` (width, height), and for each mark and its frame what is said, and where.

    Each mark comes with its number on the cards, or "" where there are none. With cards, numbers stand alone where
    names would lie on faces or each other, or are more than four.
    """
    typical = float(np.median([max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in areas])) if areas else 0.0
    text = round(max(SMALLEST_TEXT, min(typical / 6, max(bounds) / 64, LARGEST_TEXT)))

    def placed(labels: Sequence[Words]) -> list[Area]:
        sizes = [(_label_width(label, text), line_height(text) + 2) for label in labels]
        return place_panels(areas, sizes, bounds, gap=2)

    labels = [_label(key, mark, area, text, bounds[0]) for area, (key, mark) in zip(areas, marks, strict=True)]
    panels = placed(labels)
    hides = any(starmap(overlap, (*product(panels, areas), *combinations(panels, 2))))
    if all(key for key, _ in marks) and (len(marks) > MOST_NAMES or hides):
        labels = [[(key, BOLD)] for key, _ in marks]
        panels = placed(labels)
    return text, list(zip(labels, panels, strict=True))


def _label(key: str, mark: Mark, area: Area, text: int, width: int) -> Words:
    """The words of a name panel; the name is shortened to keep the panel within the picture."""
    fixed = [(word, weight) for word, weight in ((key, BOLD), (mark.detail, REGULAR)) if word]
    longest = max(area[2] - area[0], LONGEST_LABEL * text)
    room = min(width, longest) - _label_width(fixed, text) - _pad(text)
    words = [(key, BOLD), (shorten(mark.title, max(room, 0), text, BOLD), BOLD), (mark.detail, REGULAR)]
    return [(word, weight) for word, weight in words if word]


def _label_width(words: Words, text: int) -> int:
    return sum(text_width(word, text, weight) + _pad(text) for word, weight in words) + _pad(text)


def _pad(text: int) -> int:
    return round(0.4 * text)
