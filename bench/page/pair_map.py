"""The table of pairs of artists as a heat map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.artist_pairs import ArtistPairs
from bench.page.drawing import LIGHT, Palette, drawn
from data.whole_file import whole_file

MOST_FIGURES = 16
"""Artists up to which each cell has its figure."""
LONGEST_NAME = 14


def pair_map(pairs: ArtistPairs) -> str:
    """HTML of the map."""
    side = _side(pairs)
    return drawn(lambda axes, palette: _draw(pairs, axes, palette), pairs.told(), side + 1, side)


def write_pair_map(pairs: ArtistPairs, path: Path) -> None:
    """The map as a PNG file. Raises UnusableSource where it cannot be written."""
    from matplotlib.figure import Figure

    figure = Figure((_side(pairs) + 1, _side(pairs)), layout="constrained")
    _draw(pairs, figure.subplots(), LIGHT)
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=130)


def _side(pairs: ArtistPairs) -> float:
    """Inches."""
    return min(12.0, max(4.2, 0.36 * len(pairs.artists) + 1.6))


def _draw(pairs: ArtistPairs, axes: Any, palette: Palette) -> None:
    """Rows and columns in the order of how well an artist is told from the others, best first."""
    order = np.argsort(-np.nanmean(pairs.accuracy, axis=1), kind="stable")
    table = pairs.accuracy[np.ix_(order, order)]
    names = [pairs.artists[at] for at in order]
    names = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in names]
    drawn_table = axes.imshow(table, vmin=0.5, vmax=1.0, cmap="cividis")
    axes.grid(False)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelsize=8 if len(names) > MOST_FIGURES else 10)
    if len(names) <= MOST_FIGURES:
        for row, column in np.ndindex(table.shape):
            if row != column:
                value = table[row, column]
                ink = "white" if value < 0.75 else "black"
                axes.text(column, row, f"{value:.2f}".lstrip("0"), ha="center", va="center", fontsize=8, color=ink)
    bar = axes.figure.colorbar(drawn_table, ax=axes, shrink=0.8)
    bar.set_label("accuracy, of two artists")
    bar.outline.set_visible(False)
