"""The curves of a run as one picture: the loss, the learning rate, and the figures on dev identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FIGURES = {
    "rank1": "rank-1",
    "map_at_r": "mAP@R",
    "tpir_10": "TPIR at FPIR 10 %",
    "tpir_1": "TPIR at FPIR 1 %",
}
COLOURS = ("#33608c", "#5a9e6f", "#d08a2e", "#b0413e")
GREY = "#8a8a8a"


def draw_curves(rows: Sequence[Mapping[str, Any]], path: Path, *, title: str, best: int | None = None) -> None:
    """Write a PNG. `rows` are those of `curve.jsonl`; `best` is the step that was exported."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    validated = [row for row in rows if "dev/mean/rank1" in row]
    collections = sorted({key.split("/")[1] for row in validated for key in row if key.endswith("/rank1")} - {"mean"})
    count = 1 + bool(validated) + (len(collections) > 1)
    with pyplot.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        page, places = pyplot.subplots(1, count, figsize=(4.8 * count, 3.8), layout="constrained", squeeze=False)
        panels = list(places[0])
        page.suptitle(title, x=0.01, ha="left", fontweight="bold")
        _draw_loss(panels[0], rows)
        if validated:
            steps = [row["step"] for row in validated]
            for (name, label), colour in zip(FIGURES.items(), COLOURS, strict=True):
                _line(panels[1], steps, [row[f"dev/mean/{name}"] for row in validated], label, colour)
            _dress(panels[1], "dev identities, mean over collections", best)
        if len(collections) > 1:
            shades = matplotlib.colormaps["tab10"]
            for place, name in enumerate(collections):
                _line(panels[2], steps, [row[f"dev/{name}/rank1"] for row in validated], name, shades(place % 10))
            _dress(panels[2], "rank-1 on each collection's dev identities", best)
        page.savefig(path, dpi=150)
        pyplot.close(page)


def _draw_loss(panel: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    steps = [row["step"] for row in rows]
    panel.plot(steps, [row["loss"] for row in rows], color=COLOURS[0], linewidth=1.2)
    panel.set_title("loss, and learning rate (grey)", loc="left", fontsize=9)
    panel.set_xlabel("step")
    panel.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    rate = panel.twinx()
    rate.plot(steps, [row["learning_rate"] for row in rows], color=GREY, linewidth=0.9, linestyle="--")
    rate.set_ylim(bottom=0)
    rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    rate.tick_params(axis="y", colors=GREY)
    rate.spines["right"].set_visible(False)


def _line(panel: Any, steps: Sequence[int], values: Sequence[float], label: str, colour: Any) -> None:
    panel.plot(steps, values, color=colour, label=label, linewidth=1.4, marker="o", markersize=2.5)


def _dress(panel: Any, title: str, best: int | None) -> None:
    panel.set_title(title, loc="left", fontsize=9)
    panel.set_xlabel("step")
    panel.set_ylim(0, 1)
    panel.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    if best is not None:
        panel.axvline(best, color=GREY, linewidth=0.8, linestyle=":")
    panel.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4, columnspacing=1.2)
