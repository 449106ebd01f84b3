"""Curves drawn by matplotlib, once for light and once for dark screens, as pictures within the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import Any

from data.errors import MissingDependency


@dataclass(frozen=True)
class Palette:
    """Colours on a screen."""

    ink: str
    quiet: str
    kaodex: str
    rival: str
    wrong: str
    stranger: str


LIGHT = Palette("#1c2430", "#c9d1dc", "#2458d6", "#b07410", "#c8324a", "#7b8797")
DARK = Palette("#dfe5ee", "#3d4756", "#7ea6ff", "#e0b050", "#ff7b8e", "#9aa6b8")


def require_drawing() -> None:
    """Raise MissingDependency where matplotlib or scikit-learn is not installed."""
    try:
        import_module("matplotlib.figure")
        import_module("sklearn.manifold")
    except ImportError as error:
        raise MissingDependency(
            f'a report with pictures needs {error.name}: pip install "kaodex[bench]", or leave out --report'
        ) from error


def drawn(draw: Callable[[Any, Palette], None], description: str, width: float = 6.4, height: float = 4.2) -> str:
    """HTML of a figure in both palettes; `draw` is given matplotlib's axes. The browser takes what its screen needs."""
    light, dark = (_svg(draw, palette, width, height) for palette in (LIGHT, DARK))
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img class="plot" src="{light}" alt="{escape(description)}"></picture>'
    )


def _svg(draw: Callable[[Any, Palette], None], palette: Palette, width: float, height: float) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    look: dict[Any, Any] = {
        "font.size": 11,
        "text.color": palette.ink,
        "axes.labelcolor": palette.ink,
        "axes.edgecolor": palette.quiet,
        "xtick.color": palette.ink,
        "ytick.color": palette.ink,
        "grid.color": palette.quiet,
        "grid.linewidth": 0.6,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "svg.hashsalt": "kaodex",  # the same figures, the same file
    }
    with rc_context(look):
        figure = Figure((width, height), layout="constrained")
        draw(figure.subplots(), palette)
        file = io.BytesIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}"
