"""One card per face: the face, its name and its nearest references; and how cards are laid out beside a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from jaxtyping import UInt8

from data.canvas.fitting import in_square
from data.canvas.shapes import Colour, fill, paste, stroke
from data.canvas.text import BOLD, draw_text, line_height
from data.canvas.tone import LOOKS, QUIET, WHITE, Tone, draw_frame, ink_on

PAGE: Colour = (240, 242, 245)
WELL: Colour = (225, 228, 233)  # behind pictures that do not fill their square
SMALLEST_TEXT, COMFORTABLE_TEXT, LARGEST_TEXT = 13, 16, 24
MOST_THUMBNAILS = 8
MANY, CROWD = 4, 12  # cards; more have three thumbnails each, and a crowd small ones without captions
LARGE, SMALL = 5.2, 4.2  # a thumbnail's side, in text sizes


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A reference's picture (RGB) and what stands under it; a line break starts its second and last line."""

    picture: UInt8[np.ndarray, "height width 3"]
    caption: str


@dataclass(frozen=True, eq=False)
class Card:
    """What one card shows."""

    key: str
    face: UInt8[np.ndarray, "height width 3"]
    title: str
    detail: str
    tone: Tone
    thumbnails: tuple[Thumbnail, ...]


@dataclass(frozen=True)
class Sizes:
    """All lengths of a card, in pixels, from the size of its text.

    It has `shown` thumbnails, `side` text sizes wide, with `lines` of caption.
    """

    text: int
    shown: int
    side: float
    lines: int

    @property
    def small(self) -> int:
        """The captions' text size."""
        return max(11, round(0.8 * self.text))

    @property
    def pad(self) -> int:
        """Between cards, and inside them."""
        return round(0.75 * self.text)

    @property
    def gap(self) -> int:
        """Between thumbnails."""
        return round(0.5 * self.text)

    @property
    def arrow(self) -> int:
        """The room for the arrow from the face to its references."""
        return round(1.7 * self.text)

    @property
    def thumbnail(self) -> int:
        """A thumbnail's side."""
        return round(self.side * self.text)

    @property
    def header(self) -> int:
        """From a card's inner top to its thumbnails: the title and the detail under it."""
        return line_height(self.text) + line_height(self.small) + self.gap

    @property
    def face(self) -> int:
        """The face's side: as high as header and thumbnails."""
        return self.header + self.thumbnail

    @property
    def height(self) -> int:
        """A card's height."""
        return 2 * self.pad + self.face + self.lines * line_height(self.small) + (self.gap // 2 if self.lines else 0)

    @property
    def width(self) -> int:
        """A card's least width."""
        return 2 * self.pad + self.face + self.arrow + self.shown * (self.thumbnail + self.gap) - self.gap


@dataclass(frozen=True)
class Layout:
    """Cards in `columns` beside or below a picture of a given size, and a legend; the canvas holds all."""

    sizes: Sizes
    below: bool
    columns: int
    count: int
    picture: tuple[int, int]  # height, width
    legend: str

    @property
    def rows(self) -> int:
        """Cards in the longest column."""
        return ceil(self.count / self.columns)

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width of picture and cards together."""
        height, width = self.picture
        pad = self.sizes.pad
        cards_height = self.rows * (self.sizes.height + pad) + pad
        if self.legend:
            cards_height += line_height(self.sizes.small) + pad
        cards_width = self.columns * (self.sizes.width + pad) + pad
        if self.below:
            return height + cards_height, max(width, cards_width)
        return max(height, cards_height), width + cards_width

    @property
    def cost(self) -> float:
        """What a good layout keeps small.

        The canvas on a 4:3 screen, against the text's size; bare canvas; cards wider than the picture above;
        cards that dwarf it.
        """
        height, width = self.canvas
        picture = self.picture[0] * self.picture[1]
        used = picture + self.count * self.sizes.height * self.sizes.width
        bare = sqrt(height * width / used)
        overhang = (width / self.picture[1]) ** 6 if self.below else 1.0
        dwarfed = max(1.0, height * width / (2 * picture))
        return max(4 / 3 * height, width) / self.sizes.text**0.75 * bare * overhang * dwarfed

    def places(self) -> list[tuple[int, int, int]]:
        """Left, top and width of each card, in the order of the faces, row by row; cards share the width there is."""
        pad = self.sizes.pad
        canvas_width = self.canvas[1]
        left, top = (0, self.picture[0]) if self.below else (self.picture[1], 0)
        width = (canvas_width - left - pad) // self.columns - pad
        return [
            (
                left + pad + (index % self.columns) * (width + pad),
                top + pad + (index // self.columns) * (self.sizes.height + pad),
                width,
            )
            for index in range(self.count)
        ]


def lay_out(cards: Sequence[Card], picture: tuple[int, int], legend: str) -> Layout:
    """The cheapest layout for a picture of (height, width)."""
    shown, side, lines = 3, LARGE, 0  # three thumbnails leave room for a name
    if len(cards) <= MANY:
        shown = max(3, *(min(len(card.thumbnails), MOST_THUMBNAILS) for card in cards))
    if len(cards) > CROWD:
        side = SMALL
    else:
        captions = [thumbnail.caption for card in cards for thumbnail in card.thumbnails]
        lines = max(min(caption.count("\n") + 1, 2) if caption.strip() else 0 for caption in captions)
    largest = min(max(max(picture) // 64, COMFORTABLE_TEXT), LARGEST_TEXT)
    return min(
        (
            Layout(Sizes(size, shown, side, lines), below, columns, len(cards), picture, legend)
            for size in range(SMALLEST_TEXT, largest + 1)
            for below in (True, False)
            for columns in range(1, min(len(cards), 5) + 1)
        ),
        key=lambda layout: layout.cost,
    )


def draw_cards(canvas: UInt8[np.ndarray, "height width 3"], cards: Sequence[Card], layout: Layout) -> None:
    """Draw the cards on the canvas, in place, and the legend under them."""
    sizes, places = layout.sizes, layout.places()
    for card, place in zip(cards, places, strict=True):
        _draw_card(canvas, card, sizes, place)
    left, bottom = places[0][0], places[-1][1] + sizes.height + sizes.pad
    room = layout.canvas[1] - left - sizes.pad
    draw_text(canvas, layout.legend, (left, bottom), size=sizes.small, colour=QUIET, width=room)


def _draw_card(
    canvas: UInt8[np.ndarray, "height width 3"], card: Card, sizes: Sizes, place: tuple[int, int, int]
) -> None:
    left, top, width = place
    text, pad = sizes.text, sizes.pad
    look = LOOKS[card.tone]
    fill(canvas, (left, top, left + width, top + sizes.height), WHITE, radius=0.5 * text)

    x, y = left + pad, top + pad
    corner = 0.3 * text
    paste(canvas, in_square(card.face, sizes.face, WELL), (x, y), radius=corner)
    draw_frame(canvas, (x, y, x + sizes.face, y + sizes.face), card.tone, max(3, round(text / 6)), corner)

    x += sizes.face + sizes.arrow
    end = left + width - pad
    badge = draw_text(canvas, card.key, (x, y), size=text, colour=ink_on(look.colour), weight=BOLD, panel=look.colour)
    name = badge[2] + round(0.5 * text)
    draw_text(canvas, card.title, (name, y), size=text, weight=BOLD, width=end - name)
    draw_text(canvas, card.detail, (x, y + line_height(text)), size=sizes.small, colour=QUIET, width=end - x)

    y += sizes.header
    if card.thumbnails:
        middle, reach = y + sizes.thumbnail / 2, 0.4 * text
        tip = x - sizes.arrow / 2 + reach / 2
        arrow = np.array([(tip - reach, middle - reach), (tip, middle), (tip - reach, middle + reach)], np.float32)
        stroke(canvas, arrow, QUIET, max(2, round(text / 8)))
    for thumbnail in card.thumbnails[: sizes.shown]:
        paste(canvas, in_square(thumbnail.picture, sizes.thumbnail, WELL), (x, y), radius=corner)
        line_top = y + sizes.thumbnail + sizes.gap // 2
        for line in thumbnail.caption.split("\n")[: sizes.lines]:
            draw_text(canvas, line, (x, line_top), size=sizes.small, colour=QUIET, width=sizes.thumbnail)
            line_top += line_height(sizes.small)
        x += sizes.thumbnail + sizes.gap
