"""Contact sheets: many pictures in a grid, each with its caption and its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from jaxtyping import UInt8

from data.canvas.cards import PAGE, WELL
from data.canvas.fitting import in_square
from data.canvas.shapes import Area, fill, paste, stroke
from data.canvas.text import BOLD, draw_text, line_height, text_width
from data.canvas.tone import INK, LOOKS, QUIET, WHITE, Tone, check_tone, draw_frame, ink_on

MOST_LINES = 3

# Lines through points (x, y), in sides of the badge.
SIGNS = {
    "tick": (((0.27, 0.53), (0.43, 0.69), (0.74, 0.33)),),
    "cross": (((0.31, 0.31), (0.69, 0.69)), ((0.69, 0.31), (0.31, 0.69))),
}


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture (RGB), up to three lines of caption, and a tone or none. Raises ValueError for another tone."""

    picture: UInt8[np.ndarray, "height width 3"]
    caption: str = ""
    tone: Tone | None = None

    def __post_init__(self) -> None:
        if self.tone is not None:
            check_tone(self.tone)


def contact_sheet(
    tiles: Sequence[Tile], columns: int | None = None, tile_size: int = 128, title: str = ""
) -> UInt8[np.ndarray, "height width 3"]:
    """A fresh RGB picture of all tiles in a grid, row by row, each picture whole in a square of `tile_size` pixels.

    A tile with a tone has its coloured frame and its sign. Without `columns` the grid is about 3 wide to 2 high. Raises
    ValueError for columns below 1 or tiles below 16 pixels.
    """
    if columns is not None and columns < 1:
        raise ValueError(f"columns must be at least 1, not {columns}")
    if tile_size < 16:
        raise ValueError(f"tile_size must be at least 16 pixels, not {tile_size}")
    text = min(max(round(tile_size / 9), 11), 24)
    pad = round(0.75 * text)
    lines = max((_lines(tile.caption) for tile in tiles), default=0)
    cell_height = tile_size + lines * line_height(text) + (pad // 2 if lines else 0)
    if columns is None:
        columns = max(1, round(sqrt(1.5 * len(tiles) * cell_height / tile_size)))
    columns = max(1, min(columns, len(tiles)))
    rows = ceil(len(tiles) / columns)

    title_size = round(1.4 * text)
    top = pad + (line_height(title_size) + pad if title.strip() else 0)
    width = pad + columns * (tile_size + pad)
    canvas = np.full((top + rows * (cell_height + pad), width, 3), PAGE, np.uint8)
    draw_text(canvas, title, (pad, pad), size=title_size, weight=BOLD, width=width - 2 * pad)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        _draw_tile(canvas, tile, (pad + column * (tile_size + pad), top + row * (cell_height + pad)), tile_size, text)
    return canvas


def _lines(caption: str) -> int:
    return min(caption.count("\n") + 1, MOST_LINES) if caption.strip() else 0


def _draw_tile(
    canvas: UInt8[np.ndarray, "height width 3"], tile: Tile, place: tuple[int, int], size: int, text: int
) -> None:
    x, y = place
    corner = 0.35 * text
    paste(canvas, in_square(tile.picture, size, WELL), place, radius=corner)
    if tile.tone is not None:
        draw_frame(canvas, (x, y, x + size, y + size), tile.tone, max(3, round(size / 36)), corner)
        side = round(1.4 * text)
        _draw_sign(canvas, tile.tone, (x + size - side, y, x + size, y + side))
    for number, line in enumerate(tile.caption.split("\n")[: _lines(tile.caption)]):
        colour = INK if number == 0 else QUIET
        draw_text(
            canvas,
            line,
            (x, y + size + round(0.75 * text) // 2 + number * line_height(text)),
            size=text,
            colour=colour,
            width=size,
        )


def _draw_sign(canvas: UInt8[np.ndarray, "height width 3"], tone: Tone, area: Area) -> None:
    """A tick, a cross or a question mark on a badge in the tone's colour, with a white rim at the left and below."""
    look = LOOKS[tone]
    x0, y0, x1, y1 = area
    side = x1 - x0
    fill(canvas, (x0 - 1, y0, x1, y1 + 1), WHITE, radius=0.25 * side)
    fill(canvas, area, look.colour, radius=0.25 * side)
    ink = ink_on(look.colour)
    if look.sign == "question":
        size = round(0.75 * side)
        draw_text(canvas, "?", ((x0 + x1 - text_width("?", size, BOLD)) // 2, y0), size=size, colour=ink, weight=BOLD)
        return
    for line in SIGNS[look.sign]:
        stroke(canvas, np.array(line, np.float32) * side + np.array([x0, y0], np.float32), ink, max(2, round(side / 9)))
