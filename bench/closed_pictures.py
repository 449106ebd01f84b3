"""What people would rather see of the closed protocol: confusions, pairs of identities, and the courses of networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float

from bench.closed import Figures
from bench.closed_report import ClosedReport, pair_ends
from bench.systems.kaodex import Kaodex
from data.whole_file import whole_file

_MOST_NAMED = 40  # more names on an axis cannot be read


def draw_pictures(report: ClosedReport, folder: Path) -> list[Path]:
    """Write `confusion.png`, `pairs.png` and `courses.png` into a folder, as far as there is something to show.

    Confusions stand in the order of hair colours, so that there are none of artists.
    """
    ran = [(row.name, row.figures) for row in report.rows if row.figures]
    shown = _worth_showing(ran)
    written = []
    if shown and report.hair is not None:
        written.append(_save(_confusions(shown, report.hair, report.enrolled_names), folder / "confusion.png"))
    if paired := [(name, figures, ends) for name, figures in shown if (ends := pair_ends(figures))]:
        written.append(_save(_pairs(paired, report.enrolled_names), folder / "pairs.png"))
    if learned := [(name, figures) for name, figures in ran if figures.course]:
        written.append(_save(_courses(learned), folder / "courses.png"))
    return written


def _worth_showing(ran: Sequence[tuple[str, Figures]]) -> list[tuple[str, Figures]]:
    """Kaodex, and the best of those that refit."""
    own = [one for one in ran if one[0] == Kaodex.name]
    refitting = sorted((one for one in ran if not one[1].enrolls), key=lambda one: -one[1].accuracy())
    return [*own, *refitting[:1]]


def _save(figure: Any, path: Path) -> Path:
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=120, metadata={"Software": None})
    return path


def _confusions(
    shown: Sequence[tuple[str, Figures]], colours: Float[np.ndarray, "identities 3"], names: Sequence[str]
) -> Any:
    """Matrices of shares, identities in the order of their hair colours, which stand along both axes."""
    from matplotlib.figure import Figure

    order = _by_colour(colours)
    figure = Figure((6.2 * len(shown), 6), layout="constrained")
    panels = figure.subplots(1, len(shown), squeeze=False).ravel()
    for axes, (name, figures) in zip(panels, shown, strict=True):
        count = len(names)
        table = np.zeros((count, count))
        np.add.at(table, (np.array(figures.shown), np.array(figures.named)), 1)
        table /= np.maximum(table.sum(axis=1, keepdims=True), 1)
        axes.imshow(table[np.ix_(order, order)], cmap="Blues", vmin=0, vmax=1)
        rgb, side = _rgb(colours[order]), float(np.clip(100 / count, 2, 10))
        beside, below = axes.get_yaxis_transform(), axes.get_xaxis_transform()
        for place in range(count):
            swatch = {"color": rgb[place], "clip_on": False, "markersize": side}
            axes.plot(-0.02, place, "s", transform=beside, **swatch)
            axes.plot(place, -0.02, "s", transform=below, **swatch)
        axes.set_title(f"{name}: {figures.accuracy():.3f} right", fontsize=10)
        axes.set_xlabel("taken for", labelpad=12)
        axes.set_ylabel("shows", labelpad=12)
        if count <= _MOST_NAMED:
            axes.set_yticks(range(count), [names[place] for place in order], fontsize=6)
            axes.set_xticks(range(count), [names[place] for place in order], fontsize=6, rotation=90)
            axes.tick_params(length=0, pad=16)
        else:
            axes.set_xticks([])
            axes.set_yticks([])
        axes.set_xlim(-0.5, count - 0.5)
        axes.set_ylim(count - 0.5, -0.5)
    return figure


def _by_colour(colours: Float[np.ndarray, "identities 3"]) -> np.ndarray:
    """Greys by lightness first, then the others by hue."""
    chroma = np.hypot(colours[:, 1], colours[:, 2])
    hue = np.arctan2(colours[:, 2], colours[:, 1])
    return np.lexsort((np.where(chroma < 12, colours[:, 0], hue), chroma >= 12))


def _rgb(colours: Float[np.ndarray, "identities 3"]) -> np.ndarray:
    return np.clip(cv2.cvtColor(colours[None].astype(np.float32), cv2.COLOR_Lab2RGB)[0], 0, 1)


def _pairs(paired: Sequence[tuple[str, Figures, tuple[float, float, float]]], names: Sequence[str]) -> Any:
    """For each two identities the accuracy if only these could be named, from chance (.5) to always right."""
    from matplotlib.figure import Figure

    figure = Figure((6.4 * len(paired), 6), layout="constrained")
    panels = figure.subplots(1, len(paired), squeeze=False).ravel()
    for axes, (name, figures, (low, mean, high)) in zip(panels, paired, strict=True):
        table = np.array(figures.pairs)
        np.fill_diagonal(table, np.nan)
        drawn = axes.imshow(table, cmap="viridis", vmin=0.5, vmax=1)
        figure.colorbar(drawn, ax=axes, shrink=0.7, label="accuracy between the two")
        axes.set_title(f"{name}: pairs {low:.3f} to {high:.3f}, mean {mean:.3f}", fontsize=10)
        if len(names) <= _MOST_NAMED:
            axes.set_xticks(range(len(names)), names, fontsize=6, rotation=90)
            axes.set_yticks(range(len(names)), names, fontsize=6)
            if len(names) <= 12:
                for row, column in zip(*np.nonzero(~np.isnan(table)), strict=True):
                    shade = "white" if table[row, column] < 0.8 else "black"
                    axes.text(
                        column, row, f"{table[row, column]:.2f}", ha="center", va="center", fontsize=6, color=shade
                    )
    return figure


def _courses(learned: Sequence[tuple[str, Figures]]) -> Any:
    """Accuracy on the pictures to learn from and on those asked about, epoch by epoch."""
    from matplotlib.figure import Figure

    columns = min(4, len(learned))
    rows = -(-len(learned) // columns)
    figure = Figure((3.4 * columns, 2.7 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, figures) in zip(panels, learned, strict=False):
        epochs = range(1, len(figures.course) + 1)
        axes.plot(epochs, [epoch.train for epoch in figures.course], color="#2458d6", label="learned from")
        asked = [epoch.test for epoch in figures.course]
        if None not in asked:
            axes.plot(epochs, asked, color="#b07410", label="asked about")
        axes.set_title(name, fontsize=9)
        axes.set_ylim(0, 1.02)
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=7)
        axes.set_xlabel("epoch", fontsize=7)
    panels[0].legend(fontsize=7)
    for axes in panels[len(learned) :]:
        axes.set_visible(False)
    return figure
