"""The open-set protocol: some identities are enrolled, the others ask too, and the promise is put to the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from math import ceil

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, Shaped, UInt64

from bench.calibrated import Asked, CalibratedReferences
from bench.protocol import Protocol, Row, Shortfall
from bench.systems import System, Variant
from bench.systems.nearest import NearestReferences
from bench.systems.refitting import ASKED, Refitting
from data.splits import draw_references_and_queries, hold_out_identities, usable_identities
from index.calibration import Outcomes, margin_needed
from index.conformal import NullScores, certified_rate, identities_needed
from index.decision import decide
from index.gallery import DEFAULT_FPIR, DEFAULT_MISIDENTIFICATION
from measure import (
    OpenSet,
    auroc,
    average_precision_at_r,
    binomial_upper,
    bootstrap_open_set,
    mean_per_identity,
    misidentification_at_fpir,
    oscr,
    place_of_truth,
    precision_at_k,
    share_interval,
    tpir_at_fpir,
)

RATES = (0.1, 0.01, 0.003, 0.001)
"""The FPIRs that are reported."""

RESAMPLES = 1000

_QUERIES_AT_ONCE = 1024


@dataclass(frozen=True)
class OpenDraw:
    """Who is enrolled in one draw, and positions of pictures: references, mated queries, and queries of strangers."""

    enrolled: Int64[np.ndarray, " enrolled"]
    references: Int64[np.ndarray, " references"]
    mated: Int64[np.ndarray, " mated"]
    strangers: Int64[np.ndarray, " strangers"]


def draw_open_set(
    identities: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    shots: int,
    strangers: float,
    seed: Sequence[int],
    queries_per_identity: int | None = None,
) -> OpenDraw:
    """Draw who is a stranger among the identities that could be enrolled, then references and queries of the others.

    Both roles come from the same identities, as the promise assumes. All pictures of a stranger are queries (at most
    `queries_per_identity`), except those of a group that gave a reference.
    """
    usable = np.isin(identities, usable_identities(identities, groups, shots))
    number = int(np.random.SeedSequence(seed).generate_state(1)[0])
    strange = np.zeros(len(identities), bool)
    strange[usable] = hold_out_identities(identities[usable], strangers, number)
    at = np.flatnonzero(usable & ~strange)
    draw = draw_references_and_queries(identities[at], groups[at], shots, seed, queries_per_identity)
    references = at[draw.references]
    asking = np.random.default_rng(number).permutation(
        np.flatnonzero(strange & ~np.isin(groups, groups[references])).astype(np.int64)
    )
    if queries_per_identity is not None:
        order = asking[np.argsort(identities[asking], kind="stable")]
        _, starts, sizes = np.unique(identities[order], return_index=True, return_counts=True)
        asking = order[np.arange(len(order)) - np.repeat(starts, sizes) < queries_per_identity]
    return OpenDraw(np.unique(identities[at]), references, at[draw.queries], np.sort(asking))


@dataclass(frozen=True)
class Answers:
    """What one system, asked in one way, said in all draws. Identities are numbers of the collection's."""

    mated: Int64[np.ndarray, " mated"]
    """Position of the picture that was asked about."""
    mated_truths: Int64[np.ndarray, " mated"]
    mated_named: Int64[np.ndarray, " mated"]
    """The best candidate."""
    mated_scores: Float64[np.ndarray, " mated"]
    places: Int64[np.ndarray, " mated"]
    """Of the right identity among all that are enrolled, from 1."""
    nearest: Int64[np.ndarray, " mated"]
    """Position of the best candidate's nearest reference; of a system that keeps none, of its first one."""
    nearest_right: Int64[np.ndarray, " mated"]
    """Position of the right identity's nearest reference."""
    mated_familiar: Bool[np.ndarray, "mated rates"]
    """Taken for no stranger by the calibration, at each of RATES."""
    mated_ambiguous: Bool[np.ndarray, "mated rates"]
    strangers: Int64[np.ndarray, " strangers"]
    stranger_truths: Int64[np.ndarray, " strangers"]
    stranger_named: Int64[np.ndarray, " strangers"]
    stranger_scores: Float64[np.ndarray, " strangers"]
    stranger_nearest: Int64[np.ndarray, " strangers"]
    """Position of the best candidate's nearest reference."""
    stranger_familiar: Bool[np.ndarray, "strangers rates"]

    @property
    def right(self) -> Bool[np.ndarray, " mated"]:
        """Whether the best candidate is the right one."""
        return self.mated_named == self.mated_truths

    @property
    def everyone(self) -> Int64[np.ndarray, " identities"]:
        """Who asked, in either role."""
        return np.union1d(self.mated_truths, self.stranger_truths)

    @cached_property
    def open_set(self) -> OpenSet:
        """The scores, for the figures of `measure`."""
        return OpenSet(self.mated_scores, self.mated_truths, self.right, self.stranger_scores, self.stranger_truths)


@dataclass(frozen=True)
class Certificate:
    """A promised rate beside what strangers found that calibration never saw; all is None where nothing is promised."""

    rate: float
    promised: float | None
    identities_missing: int
    """How many more identities must be enrolled for this promise."""
    certified: float | None = None
    """Upper 95 % bound on the rate of a single gallery of this size, from theory."""
    found: float | None = None
    found_interval: tuple[float, float] | None = None
    under: bool | None = None
    """Whether the strangers prove, at 95 %, that the rate found is under the one promised."""
    tpir: float | None = None
    """Share of mated queries given the right name by the decision, ambiguous ones not counted."""
    tpir_interval: tuple[float, float] | None = None
    misidentification: float | None = None
    misidentification_interval: tuple[float, float] | None = None
    ambiguous: float | None = None


@dataclass(frozen=True)
class OpenRow:
    """The figures of one system, asked in one way, with some number of references per identity.

    As in `Row`, each identity weighs the same, over all draws together; a figure of scores uses one threshold for all
    draws, whose galleries are of one size.
    """

    closed: Row
    """What is measured of mated queries alone."""
    answers: Answers
    enrolled: int
    """Identities in the gallery of a draw."""
    strangers: int
    """Different identities that were strangers in some draw."""
    certificates: tuple[Certificate, ...]

    @cached_property
    def _figures(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All figures of the scores, with the ends of their intervals: AUROC, OSCR, misidentification, TPIRs."""
        once = _score_figures(self.answers.open_set, None)
        return once, *bootstrap_open_set(self.answers.open_set, _score_figures, resamples=RESAMPLES)

    def figure(self, name: str) -> float:
        """`auroc`, `oscr`, or `misidentification` (at the threshold of FPIR 1 %, the product's default)."""
        return float(self._figures[0][_SCORE_FIGURES.index(name)])

    def interval(self, name: str) -> tuple[float, float]:
        """The figure's 95 % interval, by bootstrap over identities."""
        at = _SCORE_FIGURES.index(name)
        return float(self._figures[1][at]), float(self._figures[2][at])

    def tpir(self, rate: float) -> float:
        """Share of mated queries given the right name, the threshold being set on the strangers found."""
        return float(self._figures[0][len(_SCORE_FIGURES) + RATES.index(rate)])

    def tpir_interval(self, rate: float) -> tuple[float, float]:
        """Its 95 % interval."""
        at = len(_SCORE_FIGURES) + RATES.index(rate)
        return float(self._figures[1][at]), float(self._figures[2][at])


_SCORE_FIGURES = ("auroc", "oscr", "misidentification")


def _score_figures(test: OpenSet, counts: Float64[np.ndarray, " identities"] | None) -> Float64[np.ndarray, " figures"]:
    wrong = misidentification_at_fpir(test, np.array([DEFAULT_FPIR]), counts)
    return np.array([auroc(test, counts), oscr(test, counts), *wrong, *tpir_at_fpir(test, np.array(RATES), counts)])


def measure_open_set(
    systems: Sequence[System],
    features: dict[str, Shaped[np.ndarray, "pictures _"]],
    hashes: UInt64[np.ndarray, " pictures"],
    seconds_each: dict[str, float],
    identities: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    protocol: Protocol,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[list[OpenRow], list[Shortfall]]:
    """Measure every system on the same open draws; where nothing can be measured, say so instead.

    Arguments as for `measure`; the features of systems that keep references are unit vectors. Such a system is
    calibrated from the references of each draw by the product's own functions; one that refits promises nothing, and
    its best score tells strangers. `on_progress` is told of each draw done.
    """
    rows: list[OpenRow] = []
    shortfalls: list[Shortfall] = []
    share = 0.5 if protocol.strangers is None else protocol.strangers
    for shots in protocol.shots:
        usable = usable_identities(identities, groups, shots)
        possible = len(usable) >= protocol.fewest_identities
        if len(usable) < len(np.unique(identities)) or not possible:
            left_out = np.setdiff1d(identities, usable) if possible else np.unique(identities)
            shortfalls.append(Shortfall(shots, left_out, skipped=not possible))
        if not possible:
            continue
        tallies: dict[tuple[str, Variant], _Tally] = {}
        for number in range(protocol.draws):
            seed = (protocol.seed, shots, number)
            draw = draw_open_set(identities, groups, shots, share, seed, protocol.queries_per_identity)
            for system in systems:
                variants = system.variants(protocol.rules, protocol.ks)
                own = {variant: tallies.setdefault((system.name, variant), _Tally()) for variant in variants}
                if isinstance(system, Refitting):
                    _play_refitted(system, features[system.name], identities, draw, own[ASKED])
                else:
                    _play(features[system.name], hashes, identities, draw, shots, own)
            if on_progress:
                on_progress(1)
        if not all(tally.complete() for tally in tallies.values()):
            shortfalls.append(Shortfall(shots, np.unique(identities), skipped=True))
            continue
        for (name, variant), tally in tallies.items():
            rows.append(tally.row(name, shots, variant, len(draw.enrolled), seconds_each[name]))
    return rows, shortfalls


@dataclass
class _Tally:
    """Parts of the answers of all draws, for one system asked in one way."""

    parts: dict[str, list[np.ndarray]] = field(default_factory=dict)
    references: int = 0
    fitting: list[float] = field(default_factory=list)
    asking: float = 0.0

    def add(self, **values: np.ndarray) -> None:
        for name, value in values.items():
            self.parts.setdefault(name, []).append(value)

    def complete(self) -> bool:
        """Whether at least two identities asked in each role: groups may span identities and leave none."""
        roles = (self.parts.get(role, []) for role in ("mated_truths", "stranger_truths"))
        return all(len({int(who) for part in parts for who in part}) >= 2 for parts in roles)

    def row(self, name: str, shots: int, variant: Variant, enrolled: int, seconds_each: float) -> OpenRow:
        whole = {part: np.concatenate(values) for part, values in self.parts.items()}
        answers = Answers(**{part.name: whole[part.name] for part in fields(Answers)})
        asked, truth = np.unique(answers.mated_truths, return_inverse=True)
        of_queries = {"rank1": answers.places <= 1, "rank5": answers.places <= 5}
        of_queries |= {figure: whole[figure] for figure in ("precision_at_k", "map") if figure in whole}
        closed = Row(
            name,
            shots,
            variant,
            asked,
            {
                figure: mean_per_identity(values.astype(np.float64), truth, len(asked))
                for figure, values in of_queries.items()
            },
            len(truth),
            seconds_each * self.references / len(self.fitting) + float(np.mean(self.fitting)),
            1000 * (seconds_each + self.asking / (len(truth) + len(answers.strangers))),
        )
        promises = variant != ASKED
        certificates = tuple(
            _certificate(answers, column, rate, enrolled, 1 / shots) for column, rate in enumerate(RATES) if promises
        )
        return OpenRow(closed, answers, enrolled, len(np.unique(answers.stranger_truths)), certificates)


def _play(
    features: Float32[np.ndarray, "pictures dim"],
    hashes: UInt64[np.ndarray, " pictures"],
    identities: Int64[np.ndarray, " pictures"],
    draw: OpenDraw,
    shots: int,
    tallies: dict[Variant, _Tally],
) -> None:
    """One draw: enrol and calibrate, ask all queries in every way, decide, and tally."""
    places = np.searchsorted(draw.enrolled, identities)
    start = time.perf_counter()
    references = CalibratedReferences(
        features[draw.references],
        places[draw.references],
        hashes[draw.references],
        max(variant.k for variant in tallies),
    )
    fitting = time.perf_counter() - start
    ranking = NearestReferences(
        features[draw.references].astype(np.float16).astype(np.float32), places[draw.references], len(draw.enrolled)
    )
    for variant, tally in tallies.items():
        start = time.perf_counter()
        null, outcomes = references.calibrate(variant)
        tally.fitting.append(fitting + time.perf_counter() - start)
        tally.references += len(draw.references)
        for first in range(0, len(draw.mated), _QUERIES_AT_ONCE):
            block = draw.mated[first : first + _QUERIES_AT_ONCE]
            queries, truth = features[block], places[block]
            start = time.perf_counter()
            asked = references.ask(queries, variant)
            familiar, ambiguous = _decided(asked, null, outcomes)
            tally.asking += time.perf_counter() - start
            neighbours = ranking.neighbours(queries, max(shots, variant.k))
            tally.add(
                mated=block,
                mated_truths=identities[block],
                mated_named=draw.enrolled[asked.named],
                mated_scores=asked.scores,
                places=place_of_truth(ranking.scores(queries, variant), truth),
                nearest=draw.references[references.nearest_of(queries, asked.named)],
                nearest_right=draw.references[references.nearest_of(queries, truth)],
                mated_familiar=familiar,
                mated_ambiguous=ambiguous,
                precision_at_k=precision_at_k(neighbours, truth, variant.k),
                map=average_precision_at_r(neighbours, truth, np.full(len(truth), shots)),
            )
        for first in range(0, len(draw.strangers), _QUERIES_AT_ONCE):
            block = draw.strangers[first : first + _QUERIES_AT_ONCE]
            queries = features[block]
            start = time.perf_counter()
            asked = references.ask(queries, variant)
            familiar, _ = _decided(asked, null, outcomes)
            tally.asking += time.perf_counter() - start
            tally.add(
                strangers=block,
                stranger_truths=identities[block],
                stranger_named=draw.enrolled[asked.named],
                stranger_scores=asked.scores,
                stranger_nearest=draw.references[references.nearest_of(queries, asked.named)],
                stranger_familiar=familiar,
            )


def _play_refitted(
    system: Refitting,
    features: Shaped[np.ndarray, "pictures dim"],
    identities: Int64[np.ndarray, " pictures"],
    draw: OpenDraw,
    tally: _Tally,
) -> None:
    """One draw of a system that learns everyone anew: the best score is all that tells a stranger."""
    places = np.searchsorted(draw.enrolled, identities)
    start = time.perf_counter()
    fitted = system.fit(features[draw.references], places[draw.references], len(draw.enrolled))
    tally.fitting.append(time.perf_counter() - start)
    tally.references += len(draw.references)
    first_of = draw.references[np.unique(places[draw.references], return_index=True)[1]]  # it has no nearest reference

    def asked(block: Int64[np.ndarray, " block"]) -> Float32[np.ndarray, "block enrolled"]:
        start = time.perf_counter()
        scores = fitted.scores(features[block], ASKED)
        tally.asking += time.perf_counter() - start
        return scores

    for first in range(0, len(draw.mated), _QUERIES_AT_ONCE):
        block = draw.mated[first : first + _QUERIES_AT_ONCE]
        scores, truth = asked(block), places[block]
        named = scores.argmax(axis=1)
        tally.add(
            mated=block,
            mated_truths=identities[block],
            mated_named=draw.enrolled[named],
            mated_scores=scores.max(axis=1).astype(np.float64),
            places=place_of_truth(scores, truth),
            nearest=first_of[named],
            nearest_right=first_of[truth],
            mated_familiar=np.zeros((len(block), len(RATES)), bool),
            mated_ambiguous=np.zeros((len(block), len(RATES)), bool),
        )
    for first in range(0, len(draw.strangers), _QUERIES_AT_ONCE):
        block = draw.strangers[first : first + _QUERIES_AT_ONCE]
        scores = asked(block)
        tally.add(
            strangers=block,
            stranger_truths=identities[block],
            stranger_named=draw.enrolled[scores.argmax(axis=1)],
            stranger_scores=scores.max(axis=1).astype(np.float64),
            stranger_nearest=first_of[scores.argmax(axis=1)],
            stranger_familiar=np.zeros((len(block), len(RATES)), bool),
        )


def _decided(
    asked: Asked, null: NullScores, outcomes: Outcomes
) -> tuple[Bool[np.ndarray, "queries rates"], Bool[np.ndarray, "queries rates"]]:
    """Which queries are familiar, and which of them ambiguous, at each of RATES."""
    p_values = null.p_values(asked.scores, asked.named)
    seen = null.p_values(outcomes.scores, outcomes.named)
    decisions = [
        decide(p_values, asked.margins, rate, margin_needed(outcomes, seen, rate, DEFAULT_MISIDENTIFICATION))
        for rate in RATES
    ]
    return np.stack([familiar for familiar, _ in decisions], 1), np.stack([ambiguous for _, ambiguous in decisions], 1)


def _certificate(answers: Answers, column: int, rate: float, enrolled: int, share: float) -> Certificate:
    missing = max(0, identities_needed(rate, share) - enrolled)
    if missing:
        return Certificate(rate, None, missing)
    found = _by_identity(answers.stranger_familiar[:, column], answers.stranger_truths)
    clear = answers.mated_familiar[:, column] & ~answers.mated_ambiguous[:, column]
    right = _by_identity(clear & answers.right, answers.mated_truths)
    wrong = _by_identity(clear & ~answers.right, answers.mated_truths)
    ambiguous = _by_identity(answers.mated_ambiguous[:, column], answers.mated_truths)
    errors = ceil(found.sum() - 1e-9)
    return Certificate(
        rate,
        rate,
        0,
        certified_rate(rate, enrolled),
        float(found.mean()),
        share_interval(found),
        binomial_upper(errors, len(found)) < rate,
        float(right.mean()),
        share_interval(right),
        float(wrong.mean()),
        share_interval(wrong),
        float(ambiguous.mean()),
    )


def _by_identity(
    which: Bool[np.ndarray, " queries"], truths: Int64[np.ndarray, " queries"]
) -> Float64[np.ndarray, " identities"]:
    present, whose = np.unique(truths, return_inverse=True)
    return mean_per_identity(which.astype(np.float64), whose, len(present))
