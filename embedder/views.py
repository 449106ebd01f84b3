"""The views of a picture, by which its artist is asked: the whole, its centre, its quarters, and patches of its pixels.

Composition and colour are seen in the large views; strokes and shading live in patches at native resolution. What shows
no drawing is no view: one colour, empty margins, nothing but text. All views together are the evidence about a picture,
and each has a name and a place in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

from data.errors import UnreadablePicture

PATCH = 96
"""Pixels of a patch's side, in pictures that are at least so large."""
MOST_PATCHES = 24
MOST_CELLS = 96
"""Of the grid that patches are chosen from. A picture with more has its grid spread, with gaps between the cells."""

LARGEST_SQUARE = 512
"""Pixels of a side of the mirrored whole."""

FLAT = 6.0
"""Standard deviation of grey, of 255, below which there is but one colour."""
EDGE, FEWEST_EDGES = 24.0, 0.01
"""A pixel is an edge where grey changes by so much from it to a neighbour; at least this share of a view is edges."""
NEAR, FAR = 32, 80
"""Text is of two colours: pixels within NEAR of the paper in each of red, green and blue, and glyphs that are FAR."""
PAPER, BETWEEN, LEAST_INK = 0.55, 0.12, 0.01
"""Least share of paper, most of what is neither, and least of glyphs, in an area of text."""
FEWEST_GLYPHS, LARGEST_GLYPH, SMALLEST_GLYPH = 4, 0.45, 0.05
"""Marks in an area of text: at least so many, none longer than the first share of its side, most of their ink in marks
longer than the second; lines of a drawing run on, and the dots of a screentone are smaller."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class View:
    """A part of a picture: `whole`, `centre`, `quarter 1` to `4` or `patch ROW,COLUMN`, and its box x0, y0, x1, y1.

    Boxes are in pixels, ends excluded, and lie in the picture. All but the whole are squares.
    """

    name: str
    box: Box

    def cut(self, picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "side side 3"]:
        """The square of pixels that is encoded for it; the whole picture is squared by mirroring it at its borders."""
        left, top, right, bottom = self.box
        part = picture[top:bottom, left:right]
        height, width = part.shape[:2]
        if height == width:
            return part.copy()
        share = LARGEST_SQUARE / max(height, width)
        if share < 1:  # a strip of 100 megapixels would make a square that no memory holds
            width, height = max(1, round(width * share)), max(1, round(height * share))
            part = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        side = max(height, width)
        above, before = (side - height) // 2, (side - width) // 2
        room = ((above, side - height - above), (before, side - width - before), (0, 0))
        return np.pad(part, room, mode="reflect")


def picture_views(
    picture: UInt8[np.ndarray, "height width 3"], *, fast: bool = False, name: str = "this picture"
) -> list[View]:
    """The views of a picture that show some drawing, large ones first: at most 6, and 24 patches.

    fast: the whole and the centre alone. name: what an error calls the picture. A picture has the same views whatever
    else is asked about. Raises UnreadablePicture where nothing is left.
    """
    height, width = picture.shape[:2]
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    cells = list(_grid(height, width))
    shown = [_what_is_in(picture[_slices(cell.box)], grey[_slices(cell.box)]) for cell in cells]
    patches = [cell for cell, kind in zip(cells, shown, strict=True) if kind == "drawing"]
    large = [View("whole", (0, 0, width, height)), View("centre", _square(0, 0, width, height))]
    if not fast:
        large += _quarters(height, width)
    if not patches and "text" in shown:
        raise UnreadablePicture(name, "nothing but text is on it; give a drawing")
    large = [view for view in large if not _blank(_shrunk(grey[_slices(view.box)]))]
    if not large and not patches:
        raise UnreadablePicture(name, "it is of one colour, or nearly; give a picture with a drawing on it")
    return large if fast and large else [*large, *_spread(patches, MOST_PATCHES)]


def _grid(height: int, width: int) -> Iterator[View]:
    """Squares at native resolution over the whole picture, evenly spread, at most MOST_CELLS of them."""
    side = min(PATCH, height, width)
    rows, columns = -(-height // side), -(-width // side)
    if rows * columns > MOST_CELLS:
        share = (MOST_CELLS / (rows * columns)) ** 0.5
        rows = min(max(1, int(rows * share)), MOST_CELLS)
        columns = min(columns, MOST_CELLS // rows)
        rows = min(-(-height // side), MOST_CELLS // columns)
    for row, top in enumerate(_places(height - side, rows)):
        for column, left in enumerate(_places(width - side, columns)):
            yield View(f"patch {row + 1},{column + 1}", (left, top, left + side, top + side))


def _places(room: int, count: int) -> list[int]:
    """Where `count` cells begin, from 0 to `room`; in the middle where there is but one."""
    return [room // 2] if count == 1 else [round(room * place / (count - 1)) for place in range(count)]


def _spread(views: list[View], most: int) -> list[View]:
    """At most so many of the views, evenly chosen."""
    if len(views) <= most:
        return views
    return [views[place] for place in np.linspace(0, len(views) - 1, most).round().astype(int)]


def _square(left: int, top: int, right: int, bottom: int) -> Box:
    """The largest square in the middle of a box."""
    side = min(right - left, bottom - top)
    left, top = left + (right - left - side) // 2, top + (bottom - top - side) // 2
    return left, top, left + side, top + side


def _quarters(height: int, width: int) -> list[View]:
    """The squares in the middle of the upper left, upper right, lower left and lower right quarter."""
    if min(height, width) < 2:
        return []
    middle, half = width // 2, height // 2
    corners = ((0, 0, middle, half), (middle, 0, width, half), (0, half, middle, height), (middle, half, width, height))
    return [View(f"quarter {number}", _square(*corner)) for number, corner in enumerate(corners, 1)]


def _slices(box: Box) -> tuple[slice, slice]:
    return slice(box[1], box[3]), slice(box[0], box[2])


def _shrunk(grey: UInt8[np.ndarray, "height width"]) -> UInt8[np.ndarray, "rows columns"]:
    """At most twice as many pixels of a side as a patch has, by averaging."""
    height, width = grey.shape
    share = 2 * PATCH / max(height, width)
    if share >= 1:
        return grey
    size = max(1, round(width * share)), max(1, round(height * share))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _what_is_in(
    part: UInt8[np.ndarray, "height width 3"], grey: UInt8[np.ndarray, "height width"]
) -> Literal["nothing", "text", "drawing"]:
    if _blank(grey):
        return "nothing"
    return "text" if _is_text(part, grey) else "drawing"


def _blank(grey: UInt8[np.ndarray, "height width"]) -> bool:
    """Whether grey is the same nearly everywhere, or changes so slowly that there is no edge."""
    if float(cv2.meanStdDev(grey)[1].item()) < FLAT:
        return True
    values = grey.astype(np.int16)
    across, down = np.abs(np.diff(values, axis=1)) > EDGE, np.abs(np.diff(values, axis=0)) > EDGE
    return bool(max(across.mean() if across.size else 0.0, down.mean() if down.size else 0.0) < FEWEST_EDGES)


def _is_text(part: UInt8[np.ndarray, "height width 3"], grey: UInt8[np.ndarray, "height width"]) -> bool:
    """Whether an area holds glyphs on paper and no more: paper of one colour, and marks that are small but no dots."""
    side = min(grey.shape)
    commonest = int(cv2.calcHist([grey], [0], None, [32], [0, 256]).argmax())
    paper = np.median(part[grey // 8 == commonest], axis=0)
    away = np.abs(part - paper).max(axis=2)
    ink = away > FAR
    if (away <= NEAR).mean() < PAPER or ((away > NEAR) & ~ink).mean() > BETWEEN or ink.mean() < LEAST_INK:
        return False
    count, _, found, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    lengths = found[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    return bool(
        count - 1 >= FEWEST_GLYPHS
        and lengths.max() <= LARGEST_GLYPH * side
        and found[1:, cv2.CC_STAT_AREA][lengths > SMALLEST_GLYPH * side].sum() > 0.5 * ink.sum()
    )
