"""A bench's answer: as a table for people, as JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from bench.measured import Measured, Table
from bench.protocol import FIGURES, Row

COLUMNS = ("system", ">shots", ">k", "rule", ">rank-1", "95 %", ">rank-5", ">mAP@R", ">precision@k", ">ms/query")
"""Headings of `cells`; a column that begins with > is one of numbers."""

OPEN_SET = ("auroc", "oscr", "tpir", "promised", "found", "misidentification")
"""Figures of open-set answers: part of the format, null where all identities are enrolled."""


@dataclass(frozen=True)
class Report(Measured):
    """The figures of mated queries, everyone being enrolled."""

    protocol_name: ClassVar[str] = "few-shot"

    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """The report in the form that DESIGN.md promises to programs."""
        return {"protocol": self.protocol_json(), "systems": [row_json(row) for row in self.rows], **self.pairs_json()}

    def tables(self) -> list[Table]:
        """The one table."""
        return [(COLUMNS, self.cells())]

    def cells(self) -> list[tuple[str, ...]]:
        """The table's rows, under COLUMNS."""
        return [_cells(row) for row in self.rows]


def row_json(row: Row) -> dict[str, Any]:
    """One row in the form that DESIGN.md promises, open-set figures being null."""
    return {
        "name": row.name,
        "shots": row.shots,
        "k": row.variant.k,
        "rule": row.variant.rule,
        **{figure: row.figure(figure) for figure in FIGURES},
        **dict.fromkeys(OPEN_SET),
        "fit_seconds": row.fit_seconds,
        "query_ms": row.query_ms,
        "intervals": {figure: interval for figure in FIGURES if (interval := row.interval(figure))},
        "identities": len(row.identities),
        "queries": row.queries,
    }


def _cells(row: Row) -> tuple[str, ...]:
    low, high = row.interval("rank1") or (float("nan"), float("nan"))
    return (
        row.name,
        str(row.shots),
        str(row.variant.k),
        row.variant.rule,
        share(row.figure("rank1")),
        f"{low:.3f}–{high:.3f}",
        share(row.figure("rank5")),
        share(row.figure("map")),
        share(row.figure("precision_at_k")),
        f"{row.query_ms:.2f}",
    )


def share(value: float | None) -> str:
    """A share with three digits; nothing for None."""
    return "" if value is None else f"{value:.3f}"
