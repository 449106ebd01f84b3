"""A large picture in tiles that overlap, so that memory stays bounded and no face is lost at a seam."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float

GRID = 32
"""Pixels: tiles begin at multiples of it, as the network's coarsest cells do."""

SLACK = 16
"""Pixels by which cores overlap: tiles may see one face a little differently, and each would leave it to the other."""

_SMALLEST_CORE = 512


@dataclass(frozen=True)
class Span:
    """A tile along one axis: the pixels start to stop, of which it answers for those from first to last."""

    start: int
    stop: int
    first: int
    last: int


@dataclass(frozen=True)
class Tile:
    """A part of a picture, and the core inside it: whoever has the centre of the face in its core reports the face."""

    rows: Span
    columns: Span

    def owns(self, centres: Float[np.ndarray, "faces 2"]) -> Bool[np.ndarray, " faces"]:
        """Which faces with these centres, x and y in pixels of the picture, are this tile's to report."""
        across, down = centres.T
        columns = (across >= self.columns.first) & (across < self.columns.last)
        return columns & (down >= self.rows.first) & (down < self.rows.last)


def tiles(height: int, width: int, *, largest: int, most: int) -> list[Tile]:
    """Cut height x width pixels into tiles of at most about `most` pixels; all together have as few as possible.

    Tiles overlap so far that a face of `largest` pixels whose centre lies in a core lies wholly in its tile.
    """
    margin = -(-(largest // 2 + SLACK) // GRID) * GRID
    most = max(most, (_SMALLEST_CORE + 2 * margin) ** 2)  # otherwise a tile would be nearly all margin
    cuts = [[_spans(side, parts, margin) for parts in range(1, 2 + side // _SMALLEST_CORE)] for side in (height, width)]

    def pixels(rows: list[Span], columns: list[Span]) -> int:
        return sum(row.stop - row.start for row in rows) * sum(column.stop - column.start for column in columns)

    def fits(rows: list[Span], columns: list[Span]) -> bool:
        tallest, widest = (max(span.stop - span.start for span in spans) for spans in (rows, columns))
        return tallest * widest <= most

    rows, columns = min((cut for cut in product(*cuts) if fits(*cut)), key=lambda cut: pixels(*cut))
    return [Tile(row, column) for row in rows for column in columns]


def _spans(length: int, parts: int, margin: int) -> list[Span]:
    core = -(-length // (parts * GRID)) * GRID
    return [
        Span(
            start=max(0, first - margin),
            stop=min(length, first + core + margin),
            first=first - SLACK,
            last=min(length, first + core) + SLACK,
        )
        for first in range(0, length, core)
    ]
