"""The answer of an open-set bench: two tables for people, JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float32

from bench.measured import Measured, Table
from bench.open_set import RATES, Certificate, OpenRow
from bench.report import row_json, share
from index.gallery import DEFAULT_FPIR
from measure import binomial_upper, trials_needed

COLUMNS = (
    "system", ">shots", ">k", "rule", ">rank-1", ">mAP@R", ">AUROC", ">OSCR",
    *(f">TPIR@{100 * rate:g}%" for rate in RATES), f">misid.@{100 * DEFAULT_FPIR:g}%",
)  # fmt: skip
"""Headings of `cells`; a column that begins with > is one of numbers. A rate after @ is the FPIR at which it holds."""

ENOUGH_TO_RESAMPLE = 20
"""From about so many identities on, a bootstrap interval is as wide as it says."""

CERTIFICATE_COLUMNS = (
    "system", ">shots", ">k", "rule", ">promised", ">found", "95 %", ">one gallery up to", ">TPIR", ">misidentified",
    ">ambiguous",
)  # fmt: skip
"""Headings of `certificate_cells`."""


@dataclass(frozen=True)
class OpenSetReport(Measured):
    """The figures of mated queries and strangers, and the promised rates beside those found."""

    protocol_name: ClassVar[str] = "open-set"

    rows: tuple[OpenRow, ...]
    encodings: Float32[np.ndarray, "pictures dim"]
    """Kaodex's encodings of the collection's pictures."""

    def as_json(self) -> dict[str, Any]:
        """The report in the form that DESIGN.md promises to programs."""
        return {"protocol": self.protocol_json(), "systems": [_as_json(row) for row in self.rows], **self.pairs_json()}

    def tables(self) -> list[Table]:
        """All figures, and the promises."""
        return [(COLUMNS, self.cells()), (CERTIFICATE_COLUMNS, self.certificate_cells())]

    def cells(self) -> list[tuple[str, ...]]:
        """The table's rows, under COLUMNS."""
        return [
            (
                *asked_how(row),
                *(_with_interval(row.closed.figure(name), row.closed.interval(name)) for name in ("rank1", "map")),
                *(_with_interval(row.figure(name), row.interval(name)) for name in ("auroc", "oscr")),
                *(_with_interval(row.tpir(rate), row.tpir_interval(rate)) for rate in RATES),
                _with_interval(row.figure("misidentification"), row.interval("misidentification")),
            )
            for row in self.rows
        ]

    def certificate_cells(self) -> list[tuple[str, ...]]:
        """The rows of the table of promises, under CERTIFICATE_COLUMNS; promises that cannot be made are left out."""
        return [
            (*asked_how(row), *_certificate_cells(certificate))
            for row in self.rows
            for certificate in row.certificates
            if certificate.promised is not None
        ]

    def notes(self) -> list[str]:
        """What a reader of the tables must know besides."""
        return [*super().notes(), *_missing(self.rows), *_proved(self.rows)]


def asked_how(row: OpenRow) -> tuple[str, str, str, str]:
    """The first four cells of a row: which system, with how many references, asked how."""
    return row.closed.name, str(row.closed.shots), str(row.closed.variant.k), row.closed.variant.rule


def _missing(rows: tuple[OpenRow, ...]) -> list[str]:
    """Which promises need more identities, for each size of gallery and number of references."""
    notes = []
    for (enrolled, shots), row in {(row.enrolled, row.closed.shots): row for row in rows}.items():
        lacking = [one for one in row.certificates if one.promised is None]
        if lacking:
            needs = ", ".join(f"{100 * one.rate:g} % ({one.identities_missing:,} more)" for one in lacking)
            each = f"{shots:,} reference{'s' * (shots > 1)}"
            notes.append(f"{enrolled:,} enrolled identities of {each} are too few for a promise of {needs}")
    return notes


def _proved(rows: tuple[OpenRow, ...]) -> list[str]:
    """Which rates the strangers prove, and which they are too few to prove."""
    notes = []
    fewest = min(row.strangers for row in rows)
    if fewest < ENOUGH_TO_RESAMPLE:
        notes.append(
            f"bootstrap intervals of fewer than about {ENOUGH_TO_RESAMPLE} identities are too narrow; here are "
            f"{fewest:,}"
        )
    for row in rows:
        proved = [one.rate for one in row.certificates if one.under]
        if proved:
            name, shots, k, rule = asked_how(row)
            notes.append(
                f"{name} ({shots} shots, k = {k}, {rule}): an FPIR under {100 * min(proved):g} %, proved at 95 % by "
                f"{row.strangers:,} strangers"
            )
    for strangers in dict.fromkeys(row.strangers for row in rows):
        few = [rate for rate in RATES if strangers < trials_needed(rate)]
        if few:
            needs = ", ".join(f"{100 * rate:g} % takes {trials_needed(rate):,}" for rate in few)
            notes.append(
                f"{strangers:,} strangers, none of them named, would prove an FPIR under "
                f"{100 * binomial_upper(0, strangers):.2g} % (at 95 %); to prove one under {needs}"
            )
    return notes


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    """A figure, and below it its interval."""
    return share(value) if interval is None else f"{share(value)}\n{interval[0]:.2f}–{interval[1]:.2f}"


def _certificate_cells(certificate: Certificate) -> tuple[str, ...]:
    low, high = certificate.found_interval or (float("nan"), float("nan"))
    return (
        f"{certificate.promised:.3f}",
        share(certificate.found),
        f"{low:.3f}–{high:.3f}",
        share(certificate.certified),
        share(certificate.tpir),
        share(certificate.misidentification),
        share(certificate.ambiguous),
    )


def _as_json(row: OpenRow) -> dict[str, Any]:
    closed = row_json(row.closed)
    intervals = closed.pop("intervals")
    figures = ("auroc", "oscr", "misidentification")
    by_rate = {f"{certificate.rate:g}": certificate for certificate in row.certificates}
    return {
        **closed,
        **{figure: row.figure(figure) for figure in figures},
        "tpir": {f"{rate:g}": row.tpir(rate) for rate in RATES},
        "promised": {rate: certificate.promised for rate, certificate in by_rate.items()},
        "found": {rate: certificate.found for rate, certificate in by_rate.items()},
        "intervals": {
            **intervals,
            **{figure: row.interval(figure) for figure in figures},
            "tpir": {f"{rate:g}": row.tpir_interval(rate) for rate in RATES},
            "found": {rate: certificate.found_interval for rate, certificate in by_rate.items()},
        },
        "enrolled": row.enrolled,
        "strangers": row.strangers,
        "stranger_queries": len(row.answers.strangers),
        "certificates": {
            rate: {
                "certified": one.certified,
                "found_under": one.under,
                "identities_missing": one.identities_missing,
                "tpir": one.tpir,
                "misidentification": one.misidentification,
                "ambiguous": one.ambiguous,
                "intervals": {"tpir": one.tpir_interval, "misidentification": one.misidentification_interval},
            }
            for rate, one in by_rate.items()
        },
    }
