"""The curves of a search as one picture: accuracy over each setting, and for forests the time too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.tuning import Curve, Search
from data.whole_file import whole_file

_COLUMNS = 4
_NAMES = {"n_estimators": "trees", "n_neighbors": "k", "max_depth": "depth"}


def draw_curves(searches: Mapping[str, Search], path: Path) -> None:
    """Write a PNG with a panel for each curve of each system."""
    from matplotlib.figure import Figure

    panels = [(name, curve) for name, found in searches.items() for curve in found.curves]
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure((3.1 * min(_COLUMNS, len(panels)), 2.5 * rows), layout="constrained")
    every = figure.subplots(rows, min(_COLUMNS, len(panels)), squeeze=False).ravel()
    for axes, (name, curve) in zip(every, panels, strict=False):
        _draw(axes, name, curve)
    for axes in every[len(panels) :]:
        axes.set_visible(False)
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=110, metadata={"Software": None})


def _draw(axes: Any, name: str, curve: Curve) -> None:
    places = range(len(curve.values))  # settings grow by factors, and "no limit" has no number
    for label, line in curve.lines.items():
        axes.plot(places, line, marker=".", label=label or None, color=None if label else "#2458d6")
    axes.set_xticks(places, ["none" if value is None else f"{value:g}" for value in curve.values], fontsize=6)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_title(f"{name}: {_NAMES.get(curve.setting, curve.setting)}", fontsize=9)
    axes.set_ylabel("accuracy", fontsize=7)
    axes.grid(alpha=0.3)
    if len(curve.lines) > 1:
        axes.legend(fontsize=6)
    if curve.setting == "n_estimators":
        time = axes.twinx()
        time.plot(places, curve.seconds, linestyle="--", color="#b07410")
        time.set_ylabel("seconds to fit", fontsize=7, color="#b07410")
        time.tick_params(axis="y", labelsize=7)
