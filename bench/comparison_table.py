"""A comparison of systems over several collections as lines: for a Markdown table, a plot, and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from bench.comparison import FIGURES, Comparison, interval, ratios

MEAN = "mean"
"""What stands in the place of a collection's name where a line is about all collections, each weighing the same."""

_HEADINGS = {"rank1": "rank-1", "tpir_10": "TPIR@10 %", "tpir_1": "TPIR@1 %"}


@dataclass(frozen=True)
class Line:
    """FIGURES of one system on one collection, and their ratios to the baseline's, each with a 95 % interval."""

    collection: str
    shots: int | None
    identities: int
    """For a mean, of all collections together."""
    system: str
    rule: str
    figures: Float64[np.ndarray, " figures"]
    ends: tuple[Float64[np.ndarray, " figures"], Float64[np.ndarray, " figures"]]
    ratios: Float64[np.ndarray, " figures"] | None
    """See `bench.comparison.ratios`; None for the baseline itself, and where it took no part."""
    ratio_ends: tuple[Float64[np.ndarray, " figures"], Float64[np.ndarray, " figures"]] | None

    def as_json(self) -> dict[str, Any]:
        """Numbers by name; null for what is not a finite number."""
        written: dict[str, Any] = {
            "collection": self.collection,
            "references": self.shots,
            "identities": self.identities,
            "system": self.system,
            "rule": self.rule,
            **_named(self.figures),
            "intervals": _paired(self.ends),
        }
        if self.ratios is not None and self.ratio_ends is not None:
            names = ("errors", *FIGURES[1:])
            written["ratios"] = _named(self.ratios, names)
            written["ratio_intervals"] = _paired(self.ratio_ends, names)
        return written


def lines(comparisons: Sequence[Comparison], against: str) -> list[Line]:
    """One line per collection, system and rule, in that order; then the means of those that met all collections.

    A mean's ratio is the ratio of the means. Its resamples are drawn in each collection apart.
    """
    found = []
    for one in comparisons:
        for place, sample in enumerate(one.samples):
            base = _baseline(one, against, sample.variant.rule)
            found.append(
                _line(
                    (one.collection, one.shots, one.identities, sample.name, sample.variant.rule),
                    (one.figures[place], one.resampled[place]),
                    None if base in (None, place) else (one.figures[base], one.resampled[base]),
                )
            )
    return found + (_means(comparisons, against) if len(comparisons) > 1 else [])


def _means(comparisons: Sequence[Comparison], against: str) -> list[Line]:
    asked = dict.fromkeys((sample.name, sample.variant.rule) for one in comparisons for sample in one.samples)
    everyone = sum(one.identities for one in comparisons)
    found = []
    for name, rule in asked:
        own = [one.place(name, rule) for one in comparisons]
        bases = [_baseline(one, against, rule) for one in comparisons]
        if None in own:
            continue
        itself = None in bases or own == bases
        found.append(
            _line(
                (MEAN, None, everyone, name, rule),
                _mean_of(comparisons, own),
                None if itself else _mean_of(comparisons, bases),
            )
        )
    return found


def _baseline(comparison: Comparison, against: str, rule: str) -> int | None:
    """The baseline asked by the same rule, or, where it knows but one, as it is."""
    place = comparison.place(against, rule)
    return comparison.place(against) if place is None else place


def _mean_of(comparisons: Sequence[Comparison], places: Sequence[int | None]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.mean([one.figures[place] for one, place in zip(comparisons, places, strict=True)], axis=0),
        np.mean([one.resampled[place] for one, place in zip(comparisons, places, strict=True)], axis=0),
    )


def _line(
    whose: tuple[str, int | None, int, str, str],
    own: tuple[np.ndarray, np.ndarray],
    base: tuple[np.ndarray, np.ndarray] | None,
) -> Line:
    return Line(
        *whose,
        own[0],
        interval(own[1]),
        None if base is None else ratios(own[0], base[0]),
        None if base is None else interval(ratios(own[1], base[1])),
    )


def markdown(found: Sequence[Line], against: str, rule: str) -> str:
    """The lines asked by the nearest reference as a table; rank-1 by another rule stands in a column of its own."""
    headings = [
        "collection, identities, references",
        "system",
        _HEADINGS["rank1"],
        f"errors / {against}",
        _HEADINGS["tpir_10"],
        _HEADINGS["tpir_1"],
        f"{_HEADINGS['tpir_1']} / {against}",
        f"rank-1, {rule}",
    ]
    other = {(line.collection, line.system): line for line in found if line.rule == rule}
    rows, before = [headings, ["---"] * len(headings)], ""
    for line in found:
        if line.rule != "nearest":
            continue
        beside = other.get((line.collection, line.system))
        rows.append(
            [
                "" if line.collection == before else _place(line),
                line.system,
                _figure(line, 0),
                _ratio(line, 0),
                _figure(line, 1),
                _figure(line, 2),
                _ratio(line, 2),
                "" if beside is None else _figure(beside, 0),
            ]
        )
        before = line.collection
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _place(line: Line) -> str:
    if line.shots is None:
        return "**mean of the collections**"
    return f"{line.collection}, {line.identities}, {line.shots}"


def _figure(line: Line, column: int) -> str:
    return f"{line.figures[column]:.3f} ({line.ends[0][column]:.3f}–{line.ends[1][column]:.3f})"


def _ratio(line: Line, column: int) -> str:
    if line.ratios is None or line.ratio_ends is None:
        return ""
    return f"{line.ratios[column]:.2f} ({line.ratio_ends[0][column]:.2f}–{line.ratio_ends[1][column]:.2f})"


def _named(values: Float64[np.ndarray, " figures"], names: Sequence[str] = FIGURES) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in zip(names, values, strict=True)}


def _paired(
    ends: tuple[Float64[np.ndarray, " figures"], Float64[np.ndarray, " figures"]], names: Sequence[str] = FIGURES
) -> dict[str, list[float | None]]:
    return {name: [_finite(low), _finite(high)] for name, low, high in zip(names, *ends, strict=True)}


def _finite(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
