"""A bench's answer: as a table for people, as JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.collection import Collection
from bench.protocol import FIGURES, Protocol, Row, Shortfall

COLUMNS = ("system", ">shots", ">k", "rule", ">rank-1", "95 %", ">rank-5", ">mAP@R", ">precision@k", ">ms/query")
"""Headings of `cells`; a column that begins with > is one of numbers."""

LATER = ("auroc", "oscr", "tpir", "promised", "found", "misidentification")
"""Figures of open-set answers: part of the format, null until they are measured."""


@dataclass(frozen=True)
class Report:
    """What was measured, on what, and how."""

    collection: Collection
    groups: int
    """How many groups the pictures fell into."""
    protocol: Protocol
    encoder: str
    fingerprint: str
    rows: tuple[Row, ...]
    shortfalls: tuple[Shortfall, ...]
    unreadable: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The report in the form that DESIGN.md promises to programs."""
        collection, protocol = self.collection, self.protocol
        return {
            "protocol": {
                "data": str(collection.source),
                "identities": len(collection.names),
                "pictures": len(collection.paths),
                "groups": self.groups,
                "grouped_by": list(collection.grouped_by),
                "shots": list(protocol.shots),
                "k": list(protocol.ks),
                "rules": list(protocol.rules),
                "draws": protocol.draws,
                "seed": protocol.seed,
                "queries_per_identity": protocol.queries_per_identity,
                "encoder": self.encoder,
                "fingerprint": self.fingerprint,
                "region": "whole",
                "mean_over": "identities",
                "interval": "95 % percentile bootstrap over identities",
                "left_out": {
                    str(shortfall.shots): [collection.names[identity] for identity in shortfall.left_out]
                    for shortfall in self.shortfalls
                },
                "unreadable": list(self.unreadable),
            },
            "systems": [_as_json(row) for row in self.rows],
        }

    def cells(self) -> list[tuple[str, ...]]:
        """The table's rows, under COLUMNS."""
        return [_cells(row) for row in self.rows]

    def notes(self) -> list[str]:
        """What a reader of the table must know besides."""
        notes = list(self.collection.notes)
        for shortfall in self.shortfalls:
            names = [self.collection.names[identity] for identity in shortfall.left_out]
            some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            need = f"{shortfall.shots} {'reference' if shortfall.shots == 1 else 'references'} and a query apart"
            if shortfall.skipped:
                notes.append(f"fewer than 2 identities have pictures for {need}: nothing measured with that many")
            else:
                notes.append(f"left out, too few pictures for {need}: {len(names):,} ({some})")
        return notes


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "shots": row.shots,
        "k": row.variant.k,
        "rule": row.variant.rule,
        **{figure: row.figure(figure) for figure in FIGURES},
        **dict.fromkeys(LATER),
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
        _share(row.figure("rank1")),
        f"{low:.3f}–{high:.3f}",
        _share(row.figure("rank5")),
        _share(row.figure("map")),
        _share(row.figure("precision_at_k")),
        f"{row.query_ms:.2f}",
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
