"""Whole pictures or cropped faces: how often is the right character first, or among the first three?

    python benchmarks/whole_or_face.py ../shared/data [--systems NAME,...] [--picture FILE.png]

Half-body pictures of characters that are drawn at least twice, none of which the detector learned from, under the split
of the closed protocol: once shown whole (the centre square), once as the detector's face; the same pictures on
either side. Shares of pictures, each character with the same weight, 95 % intervals by bootstrap over characters.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.closed_report import ClosedReport
from bench.closed_run import Terms, run_closed
from bench.half_bodies import half_bodies
from bench.kept_figures import KeptFigures
from bench.systems.catalogue import catalogue, choose
from embedder import Encoder, load_detector
from measure import bootstrap_interval

SHOWN = {"whole picture": "whole", "face": "auto"}
"""What is shown of a picture, and by which detector."""
SYSTEMS = "kaodex,colour-histogram,hog-lab,hand-made-lr,hand-made-knn,hand-made-rf,hand-made-svm,pixel-forest"
FIRST, AMONG_THREE = "#2458d6", "#a9c0f5"


def measure(data: Path, encoder: Encoder, systems: str) -> dict[str, ClosedReport]:
    """A report for each way to show the pictures."""
    collection = half_bodies(data, held_back=True)
    entries = choose(catalogue(encoder), systems)
    return {
        shown: run_closed(collection, encoder, entries, Terms(), KeptFigures(None, ()), detector=load_detector(name))
        for shown, name in SHOWN.items()
    }


def table(reports: dict[str, ClosedReport]) -> list[str]:
    """Markdown: a row for each system, first and among three for each way."""
    heads = [f"{shown}: {what}" for shown in reports for what in ("first", "among three")]
    lines = ["| system | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for rows in zip(*(report.rows for report in reports.values()), strict=True):
        cells = []
        for row in rows:
            if row.figures is None:
                cells += [row.reason, ""]
                continue
            for values in (row.figures.test, row.figures.top_3):
                low, high = bootstrap_interval(np.array(values))
                cells.append(f"{np.mean(values):.3f} ({low:.2f}–{high:.2f})")
        lines.append(f"| {rows[0].name} | " + " | ".join(cells) + " |")
    return lines


def draw(reports: dict[str, ClosedReport], file: Path) -> None:
    """Two bars for each system: how often right among the first three, and in it how often at once."""
    from matplotlib.figure import Figure

    rows = list(zip(*(report.rows for report in reports.values()), strict=True))
    figure = Figure((8, 0.55 * len(rows) + 1), layout="constrained")
    axes = figure.subplots()
    for place, ways in enumerate(rows):
        for way, (shown, row) in enumerate(zip(reports, ways, strict=True)):
            if row.figures is None:
                continue
            at = place + 0.4 * (way - 0.5)
            first, three = float(np.mean(row.figures.test)), float(np.mean(row.figures.top_3))
            axes.barh(at, three, 0.36, color=AMONG_THREE, label=None if place or way else "among the first three")
            axes.barh(at, first, 0.36, color=FIRST, label=None if place or way else "first")
            axes.text(three + 0.01, at, f"{shown}: {first:.2f}, {three:.2f}", va="center", fontsize=7)
    axes.set_yticks(range(len(rows)), [ways[0].name for ways in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlabel("the right character", fontsize=8)
    axes.legend(fontsize=7, loc="lower right")
    figure.savefig(file, dpi=120, metadata={"Software": None} if file.suffix == ".png" else None)


def main() -> None:
    """Print the table, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--systems", default=SYSTEMS)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    reports = measure(options.data, Encoder.load(device="cpu"), options.systems)
    first = next(iter(reports.values()))
    people = len(first.enrolled_names)
    print(f"{people} characters, {first.references} pictures to learn from, {first.queries} asked about\n")
    print("\n".join(table(reports)))
    if options.picture:
        draw(reports, options.picture)


if __name__ == "__main__":
    main()
