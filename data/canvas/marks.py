"""Faces marked on their picture: frames, names, and cards with the references nearest to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite

import numpy as np
from jaxtyping import UInt8

from data.canvas.cards import LARGEST_TEXT, PAGE, SMALLEST_TEXT, Card, Thumbnail, draw_cards, lay_out
from data.canvas.fitting import LARGEST, around, comfortable_scale, scaled
from data.canvas.placing import place_panels
from data.canvas.shapes import Area, Length, fill
from data.canvas.text import BOLD, REGULAR, draw_text, line_height, shorten, text_width
from data.canvas.tone import LOOKS, Tone, check_tone, draw_frame, ink_on

LONGEST_LABEL = 14  # on the picture, in text sizes, where the face is narrower


@dataclass(frozen=True)
class Mark:
    """One face's answer: its box (x0, y0, x1, y1) in the picture's pixels, a name or "unknown", a figure, references.

    A box may reach beyond the picture. Raises ValueError for a box whose ends are swapped or not finite, and for a tone
    that is none of `Tone`.
    """

    box: tuple[Length, Length, Length, Length]
    title: str
    detail: str = ""
    tone: Tone = "identified"
    thumbnails: tuple[Thumbnail, ...] = ()

    def __post_init__(self) -> None:
        check_tone(self.tone)
        x0, y0, x1, y1 = self.box
        if not all(map(isfinite, self.box)) or x1 < x0 or y1 < y0:
            raise ValueError(f"box {self.box} is not (x0, y0, x1, y1) with x0 <= x1 and y0 <= y1")


def annotate(
    picture: UInt8[np.ndarray, "height width 3"], marks: Sequence[Mark]
) -> UInt8[np.ndarray, "canvas_height canvas_width 3"]:
    """A fresh RGB picture with each face framed and named, and beside it a card per face with its nearest references.

    A long side over 1600 pixels is shrunk to 1600, and one under 400 enlarged by a whole factor; between these the
    picture's pixels stay as they are outside frames and names. The picture stands in the canvas's top left corner.
    Cards are added, at the right or below, only if some mark has thumbnails; a number then joins each face to its card.
    Raises ValueError for a picture without pixels.
    """
    if picture.size == 0:
        raise ValueError(f"a picture of {picture.shape[1]} x {picture.shape[0]} pixels has nothing to mark")
    scale = comfortable_scale(*picture.shape[:2])
    page = scaled(picture, scale)
    height, width = page.shape[:2]
    factors = (width / picture.shape[1], height / picture.shape[0])
    boxes = [tuple(factors[end % 2] * float(mark.box[end]) for end in range(4)) for mark in marks]
    areas: list[Area] = [
        (max(floor(x0), 0), max(floor(y0), 0), min(ceil(x1), width), min(ceil(y1), height)) for x0, y0, x1, y1 in boxes
    ]
    text = round(min(max(max(height, width) / 64, SMALLEST_TEXT), LARGEST_TEXT))
    with_cards = any(mark.thumbnails for mark in marks)

    visible = [index for index, (x0, y0, x1, y1) in enumerate(areas) if x0 < x1 and y0 < y1]
    keys = [str(index + 1) if with_cards else "" for index in range(len(marks))]
    _mark_faces(page, [areas[index] for index in visible], [(keys[index], marks[index]) for index in visible], text)
    if not with_cards:
        return page

    cards = [
        Card(key, around(picture, mark.box), mark.title, mark.detail, mark.tone, mark.thumbnails)
        for key, mark in zip(keys, marks, strict=True)
    ]
    layout = lay_out(cards, (height, width), text)
    canvas = np.full((*layout.canvas, 3), PAGE, np.uint8)
    canvas[:height, :width] = page
    draw_cards(canvas, cards, layout)
    return canvas


def _mark_faces(
    page: UInt8[np.ndarray, "height width 3"], areas: Sequence[Area], marks: Sequence[tuple[str, Mark]], text: int
) -> None:
    if not areas:
        return
    height, width = page.shape[:2]
    typical = float(np.median([max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in areas]))
    text = round(min(max(typical / 6, SMALLEST_TEXT), text))  # names of small faces in a crowd stay small
    thickness = max(3, round(4 * max(height, width) / LARGEST))
    for area, (_, mark) in zip(areas, marks, strict=True):
        draw_frame(page, area, mark.tone, thickness, radius=3 * thickness)

    labels = [_label(key, mark, area, text, width) for area, (key, mark) in zip(areas, marks, strict=True)]
    sizes = [(_label_width(label, text), line_height(text)) for label in labels]
    for (_, mark), label, place in zip(
        marks, labels, place_panels(areas, sizes, (width, height), gap=max(2, thickness)), strict=True
    ):
        if not label or place[2] > width or place[3] > height:
            continue  # nothing to say, or the picture is smaller than a name; the card, where there is one, says it
        colour = LOOKS[mark.tone].colour
        fill(page, place, colour, radius=0.25 * text)
        x = place[0] + _pad(text)
        for word, weight in label:
            x = draw_text(page, word, (x, place[1]), size=text, colour=ink_on(colour), weight=weight)[2] + _pad(text)


def _label(key: str, mark: Mark, area: Area, text: int, width: int) -> list[tuple[str, int]]:
    """The words of a name panel with their weights; the name is shortened to keep the panel within the picture."""
    fixed = [(word, weight) for word, weight in ((key, BOLD), (mark.detail, REGULAR)) if word]
    room = min(width, max(area[2] - area[0], LONGEST_LABEL * text)) - _label_width(fixed, text) - _pad(text)
    words = [(key, BOLD), (shorten(mark.title, max(room, 0), text, BOLD), BOLD), (mark.detail, REGULAR)]
    return [(word, weight) for word, weight in words if word]


def _label_width(words: Sequence[tuple[str, int]], text: int) -> int:
    return sum(text_width(word, text, weight) + _pad(text) for word, weight in words) + _pad(text)


def _pad(text: int) -> int:
    return round(0.4 * text)
