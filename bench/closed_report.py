"""The closed protocol's answer: as a table for people, as JSON for programs, and in words where Kaodex is behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from bench.closed import Figures
from bench.hair import same_hair, shared_hair_of_errors
from bench.machine import core_count
from bench.measured import Measured, Table
from bench.protocol import FIGURES
from bench.report import OPEN_SET
from bench.systems import published as papers
from bench.systems.entry import Entry
from bench.systems.kaodex import Kaodex
from bench.tuning import Search

COLUMNS = (
    "system",
    "settings",
    "published, and on what",
    ">train",
    ">test",
    "95 %",
    ">top 3",
    ">fit s",
    ">ms/query",
    ">add one s",
    "by",
)
"""Headings of `cells`; a column that begins with > is one of numbers."""

_BUSY = 1.6  # processes per core: a fit on all cores, beside what any system does, stays below


@dataclass(frozen=True)
class ClosedRow:
    """One system, and its figures, or why it has none."""

    entry: Entry
    figures: Figures | None
    reason: str = ""

    @property
    def name(self) -> str:
        """The system's, marked where it could not learn as its settings say."""
        return f"{self.entry.name} (stopped)" if self.figures and self.figures.stopped else self.entry.name

    @property
    def settings(self) -> str:
        """The system's, and where it was stopped."""
        stopped = self.figures.stopped if self.figures else ""
        return f"{self.entry.settings}; {stopped}" if stopped else self.entry.settings

    def told(self) -> str:
        """One line for a log."""
        if self.figures is None:
            return f"{self.entry.name}: {self.reason}"
        stopped = f", {self.figures.stopped}" if self.figures.stopped else ""
        fitted = f"fitted in {self.figures.fit_seconds:.1f} s"
        return f"{self.entry.name}: test {self.figures.accuracy():.3f}, {fitted}{stopped}"


@dataclass(frozen=True)
class ClosedReport(Measured):
    """Every system on one split of one collection."""

    protocol_name: ClassVar[str] = "closed"

    references: int
    """Pictures to learn from."""
    queries: int
    rows: tuple[ClosedRow, ...]
    searches: dict[str, Search]
    """What `--tune` went through, by the system's name."""
    machine: str
    enrolled_names: tuple[str, ...]
    """Of the identities that were asked about, in the order of their numbers."""
    hair: Float[np.ndarray, "identities 3"] | None
    """Their hair colours in CIELAB; artists have none."""

    def as_json(self) -> dict[str, Any]:
        """The report in the form that DESIGN.md promises to programs, with what this protocol has besides."""
        protocol = {
            **self.protocol_json(),
            "name": self.protocol_name,
            **dict.fromkeys(("shots", "k", "rules")),
            "references": self.references,
            "queries": self.queries,
            "machine": self.machine,
        }
        return {
            "protocol": protocol,
            "systems": [_row_json(row, self.queries) for row in self.rows],
            "searches": {name: found.as_json() for name, found in self.searches.items()},
        }

    def tables(self) -> list[Table]:
        """The one table."""
        return [(COLUMNS, self.cells())]

    def cells(self) -> list[tuple[str, ...]]:
        """The table's rows, under COLUMNS."""
        return [_cells(row) for row in self.rows]

    def sentence(self) -> str:
        """What was measured, on what."""
        collection = self.collection
        identities = len(collection.names) - sum(len(one.left_out) for one in self.shortfalls)
        return (
            f"{identities:,} {self.whom}: {self.references:,} pictures to learn from, {self.queries:,} to ask about, "
            f"in {self.groups:,} groups that lie on one side each; {self.seen_by()}; on {self.machine}."
        )

    def characters_told(self) -> str:
        """Which characters the two sides of an artist show."""
        return "an artist's pictures to learn from and those to ask about show different characters"

    def notes(self) -> list[str]:
        """What a reader of the table must know besides."""
        notes = super().notes()
        for row in self.rows:
            if row.figures and row.figures.out_of_bag is not None:
                notes.append(f"{row.name}: out-of-bag accuracy {row.figures.out_of_bag:.3f}")
            if row.figures and row.figures.remarks:
                notes.append(f"{row.name}: {'; '.join(row.figures.remarks)}")
            if row.figures and row.figures.stopped:
                notes.append(f"{row.name}: {row.figures.stopped}, and no figure of the settings beside it")
        notes += self._pairs_told() if self.kind == "artist" else self._confused()
        loads = [row.figures.load for row in self.rows if row.figures and row.figures.load is not None]
        if loads and max(loads) > _BUSY * core_count():
            notes.append(
                f"other work shared the {core_count()} cores, {min(loads):.1f} to {max(loads):.1f} processes at once: "
                "all times are too high, and not all of them equally"
            )
        return [*notes, *self.standing()]

    def _pairs_told(self) -> list[str]:
        """How well each row tells artists two by two, in one sentence."""
        paired = [(row.name, ends) for row in self.rows if row.figures and (ends := pair_ends(row.figures))]
        if not paired:
            return []
        count = len(self.enrolled_names)
        figures = ", ".join(f"{name} {low:.3f} / {mean:.3f} / {high:.3f}" for name, (low, mean, high) in paired)
        return [
            f"artists two by two, accuracy of the worst pair, mean, and of the best of {count * (count - 1) // 2:,}: "
            f"{figures} (published: {papers.ARTIST_PAIRS})"
        ]

    def _confused(self) -> list[str]:
        """How often the most accurate rows take somebody for another of the same hair colour."""
        if self.hair is None:
            return []
        same = same_hair(self.hair)
        ran = [row for row in self.rows if row.figures and row.figures.shown]
        own = [row for row in ran if row.entry.name == Kaodex.name]
        best = sorted((row for row in ran if row.entry.name != Kaodex.name), key=lambda row: -_accuracy(row))
        told = []
        for row in [*own, *best[:1]]:
            assert row.figures
            shares = shared_hair_of_errors(row.figures.shown, row.figures.named, same)
            if shares:
                told.append(
                    f"{row.name}: {100 * shares[0]:.0f} % of its wrong answers name somebody of the same hair "
                    f"colour; chance would do so in {100 * shares[1]:.0f} %"
                )
        return told

    def standing(self) -> list[str]:
        """Where Kaodex stands among the rows that ran: who is ahead of it in what, and what a new identity costs."""
        ran = [(row.name, row.figures) for row in self.rows if row.figures]
        own = next((figures for name, figures in ran if name == Kaodex.name), None)
        rivals = [(name, figures) for name, figures in ran if name != Kaodex.name]
        one_more = "an artist" if self.kind == "artist" else "an identity"
        if own is None or not rivals:
            return []
        measures: tuple[tuple[str, Callable[[Figures], float], str], ...] = (
            ("as good as kaodex or better on new pictures", lambda one: -one.accuracy(), "{0:.3f}"),
            ("quicker to fit than kaodex", lambda one: one.fit_seconds, "{0:.2f} s"),
            ("quicker to answer than kaodex", lambda one: one.query_ms, "{0:.2f} ms"),
            (f"quicker than kaodex to add {one_more} to", lambda one: one.add_seconds, "{0:.2f} s"),
        )
        told = []
        for what, cost, form in measures:
            ahead = sorted(((cost(one), name) for name, one in rivals if cost(one) <= cost(own)))
            if ahead:
                names = ", ".join(f"{name} ({form.format(abs(value))})" for value, name in ahead)
                told.append(f"{what} ({form.format(abs(cost(own)))}): {names}")
            elif what.startswith("as good"):
                told.append(f"no row is as good as kaodex ({own.accuracy():.3f}) on new pictures")
        if refitted := [(name, one) for name, one in rivals if not one.enrolls]:
            name, best = max(refitted, key=lambda pair: pair[1].accuracy())
            told.append(
                f"adding {one_more}: {own.add_seconds:.2f} s for kaodex, {best.add_seconds:.2f} s for {name}, "
                f"the most accurate row that must refit ({best.add_seconds / own.add_seconds:.1f} times as long)"
            )
        return told


def pair_ends(figures: Figures) -> tuple[float, float, float] | None:
    """The lowest, mean and highest accuracy between two identities; None where pairs were not measured."""
    if not figures.pairs:
        return None
    table = np.array(figures.pairs)
    each = table[np.triu_indices(len(table), 1)]
    return float(each.min()), float(each.mean()), float(each.max())


def _accuracy(row: ClosedRow) -> float:
    return row.figures.accuracy() if row.figures else 0.0


def _row_json(row: ClosedRow, queries: int) -> dict[str, Any]:
    entry, figures = row.entry, row.figures
    return {
        "name": entry.name,
        "family": entry.family,
        "settings": entry.settings,
        "published": entry.published or None,
        **dict.fromkeys(("shots", "k", "rule", *FIGURES, *OPEN_SET)),
        "rank1": figures.accuracy() if figures else None,
        "train_accuracy": figures.train_accuracy() if figures else None,
        "test_accuracy": figures.accuracy() if figures else None,
        "top_3_accuracy": float(np.mean(figures.top_3)) if figures else None,
        "pairs": figures.pairs if figures and figures.pairs else None,
        "pair_ends": pair_ends(figures) if figures else None,
        "out_of_bag": figures.out_of_bag if figures else None,
        "fit_seconds": figures.fit_seconds if figures else None,
        "query_ms": figures.query_ms if figures else None,
        "add_seconds": figures.add_seconds if figures else None,
        "adds_by": _by(figures) if figures else None,
        "intervals": {"rank1": figures.interval()} if figures else {},
        "identities": len(figures.test) if figures else 0,
        "queries": queries if figures else 0,
        "reason": row.reason or None,
        "remarks": list(figures.remarks) if figures else [],
        "stopped": (figures.stopped or None) if figures else None,
    }


def _cells(row: ClosedRow) -> tuple[str, ...]:
    entry, figures = row.entry, row.figures
    if figures is None:
        return (entry.name, entry.settings, entry.published, *[""] * 7, row.reason)
    low, high = figures.interval()
    return (
        row.name,
        row.settings,
        entry.published,
        f"{figures.train_accuracy():.3f}",
        f"{figures.accuracy():.3f}",
        f"{low:.3f}–{high:.3f}",
        f"{np.mean(figures.top_3):.3f}",
        f"{figures.fit_seconds:.2f}",
        f"{figures.query_ms:.2f}",
        f"{figures.add_seconds:.2f}",
        _by(figures),
    )


def _by(figures: Figures) -> str:
    return "enrolling" if figures.enrolls else "refitting"
