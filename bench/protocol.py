"""The protocol: random references and queries, many times over, and the figures of each system on the same draws."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from bench.systems import Fitted, System, Variant
from data.splits import Draw, draw_references_and_queries, usable_identities
from measure import average_precision_at_r, bootstrap_interval, mean_per_identity, precision_at_k, rank_k

FIGURES = ("rank1", "rank5", "precision_at_k", "map")
"""What is measured of each query; a system that ranks no references has no `precision_at_k` and no `map`."""

_QUERIES_AT_ONCE = 1024


@dataclass(frozen=True)
class Protocol:
    """How to measure: shots are references per identity; the same seed draws the same references and queries."""

    shots: tuple[int, ...] = (1, 5, 20)
    ks: tuple[int, ...] = (1, 5, 20)
    rules: tuple[str, ...] = ("weighted",)
    draws: int = 20
    seed: int = 0
    queries_per_identity: int | None = None
    strangers: float | None = None
    """The share of the identities that are strangers in a draw of an open-set test; None where all are enrolled."""

    def __post_init__(self) -> None:
        if not (self.shots and self.ks and self.rules):
            raise ValueError("a protocol needs shots, values of k and rules: at least one of each")
        if min(*self.shots, *self.ks, self.draws) < 1 or self.seed < 0:
            raise ValueError(f"shots, k and draws must be at least 1 and the seed at least 0: {self}")
        if self.strangers is not None and not 0 < self.strangers < 1:
            raise ValueError(f"the share of strangers must lie between 0 and 1, but is {self.strangers}")

    def stranger_count(self, identities: int) -> int:
        """How many of so many identities are strangers in a draw."""
        if self.strangers is None:
            return 0
        return min(max(round(self.strangers * identities), 1), identities - 1)

    @property
    def fewest_identities(self) -> int:
        """How many identities a draw needs: one alone in a gallery has nobody to be taken for."""
        return next(count for count in itertools.count(2) if count - self.stranger_count(count) >= 2)


@dataclass(frozen=True)
class Row:
    """The figures of one system, asked in one way, with some number of references per identity.

    Each figure is the mean over identities of the mean over their queries in all draws, so that an identity of many
    pictures weighs no more than one of few. The interval (95 %) is a bootstrap over identities: it says how much the
    figure would move with other identities, not with other draws.
    """

    name: str
    shots: int
    variant: Variant
    identities: Int64[np.ndarray, " identities"]
    """Whom it was measured on."""
    by_identity: dict[str, Float64[np.ndarray, " identities"]]
    queries: int
    """In all draws together."""
    fit_seconds: float
    """To describe the references of a draw and learn them; files are read before."""
    query_ms: float
    """To describe and rank one query, in batches."""

    def figure(self, name: str) -> float | None:
        """The mean over identities; None where the system has no such figure."""
        return float(self.by_identity[name].mean()) if name in self.by_identity else None

    def interval(self, name: str) -> tuple[float, float] | None:
        """The figure's 95 % interval."""
        return bootstrap_interval(self.by_identity[name]) if name in self.by_identity else None


@dataclass(frozen=True)
class Shortfall:
    """Identities that have too few groups of pictures for some number of references, and so were left out of it."""

    shots: int
    left_out: Int64[np.ndarray, " identities"]
    skipped: bool
    """True where fewer than two identities were left, and nothing was measured."""


def measure(
    systems: Sequence[System],
    features: dict[str, Shaped[np.ndarray, "pictures _"]],
    seconds_each: dict[str, float],
    identities: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    protocol: Protocol,
) -> tuple[list[Row], list[Shortfall]]:
    """Measure every system on the same draws; where nothing can be measured, say so instead.

    `features` and `seconds_each` are what each system made of the pictures, and its time for one, by the system's name.
    """
    rows: list[Row] = []
    shortfalls: list[Shortfall] = []
    for shots in protocol.shots:
        draws = [
            draw_references_and_queries(
                identities, groups, shots, (protocol.seed, shots, number), protocol.queries_per_identity
            )
            for number in range(protocol.draws)
        ]
        usable = usable_identities(identities, groups, shots)
        asked = np.unique(np.concatenate([identities[draw.queries] for draw in draws]))
        if len(asked) < len(np.unique(identities)):
            left_out = np.setdiff1d(identities, asked)
            shortfalls.append(Shortfall(shots, left_out, skipped=len(asked) < 2))
        if len(asked) < 2:
            continue
        places = np.searchsorted(usable, identities)
        for system in systems:
            tallies = {variant: _Tally() for variant in system.variants(protocol.rules, protocol.ks)}
            for draw in draws:
                _play(system, features[system.name], places, len(usable), draw, shots, tallies)
            for variant, tally in tallies.items():
                rows.append(tally.row(system.name, shots, variant, usable, seconds_each[system.name]))
    return rows, shortfalls


class _Tally:
    """Values of all queries of all draws, for one system asked in one way."""

    def __init__(self) -> None:
        self.truth: list[np.ndarray] = []
        self.values: dict[str, list[np.ndarray]] = {}
        self.references: list[int] = []
        self.fitting: list[float] = []
        self.scoring = 0.0

    def add(self, figure: str, values: np.ndarray) -> None:
        self.values.setdefault(figure, []).append(values.astype(np.float64))

    def row(self, name: str, shots: int, variant: Variant, usable: np.ndarray, seconds_each: float) -> Row:
        truth = np.concatenate(self.truth)
        means = {
            figure: mean_per_identity(np.concatenate(values), truth, len(usable))
            for figure, values in self.values.items()
        }
        asked = np.isin(np.arange(len(usable)), truth)
        return Row(
            name,
            shots,
            variant,
            usable[asked],
            {figure: values[asked] for figure, values in means.items()},
            len(truth),
            seconds_each * float(np.mean(self.references)) + float(np.mean(self.fitting)),
            1000 * (seconds_each + self.scoring / len(truth)),
        )


def _play(
    system: System,
    features: Shaped[np.ndarray, "pictures dim"],
    places: Int64[np.ndarray, " pictures"],
    count: int,
    draw: Draw,
    shots: int,
    tallies: dict[Variant, _Tally],
) -> None:
    """One draw: fit on its references, ask all its queries in every way, and tally."""
    start = time.perf_counter()
    fitted = system.fit(features[draw.references], places[draw.references], count)
    fitting = time.perf_counter() - start
    for tally in tallies.values():
        tally.references.append(len(draw.references))
        tally.fitting.append(fitting)
    for first in range(0, len(draw.queries), _QUERIES_AT_ONCE):
        block = draw.queries[first : first + _QUERIES_AT_ONCE]
        _ask(fitted, features[block], places[block], shots, tallies)


def _ask(
    fitted: Fitted,
    queries: Shaped[np.ndarray, "queries dim"],
    truth: Int64[np.ndarray, " queries"],
    shots: int,
    tallies: dict[Variant, _Tally],
) -> None:
    neighbours = fitted.neighbours(queries, max(shots, *(variant.k for variant in tallies)))
    for variant, tally in tallies.items():
        start = time.perf_counter()
        scores = fitted.scores(queries, variant)
        tally.scoring += time.perf_counter() - start
        tally.truth.append(truth)
        tally.add("rank1", rank_k(scores, truth, 1))
        tally.add("rank5", rank_k(scores, truth, 5))
        if neighbours is not None:
            tally.add("precision_at_k", precision_at_k(neighbours, truth, variant.k))
            tally.add("map", average_precision_at_r(neighbours, truth, np.full(len(truth), shots)))
