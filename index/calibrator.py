"""Calibration of one kind of a gallery: kept in the gallery, and brought up to date by what the journal says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float16, Float64, Int64

from index.calibration import (
    Cost,
    Outcomes,
    cost,
    margin_needed,
    null_scores,
    outcomes_as_mated,
    outcomes_as_strangers,
)
from index.conformal import NullScores, WorstOf, identities_needed
from index.kept_arrays import keep, kept
from index.nearest_references import NearestReferences, NetChanges, whose
from index.neighbourhoods import DEPTH, Neighbourhoods, find_neighbourhoods, sample, update_neighbourhoods
from index.records import Vectors
from index.shelf import Shelf
from index.standing_queries import StandingQueries, keys_of
from index.store import Store
from index.voting import vote

KEPT_DEPTHS = (DEPTH, 64)
"""How many neighbours are found and kept, for any k up to that; above the last they are found anew each time."""

_BATCH = 1024


@dataclass(frozen=True)
class Population:
    """Encodings of people who are nobody in particular, and whose each is."""

    encodings: Float16[np.ndarray, "encodings dim"]
    identities: Int64[np.ndarray, " encodings"]


Bank = tuple[Population, ...]
"""The strangers that an encoder brings along, by where they come from; the nearest population decides."""


@dataclass(frozen=True)
class Promise:
    """What a rate stands on: whose scores are the null distribution, and which margins are ambiguous."""

    fpir: float
    null: NullScores | WorstOf
    basis: str
    """`own`, `strangers` (the gallery's bank joins its identities) or `borrowed` (the encoder's bank)."""
    margin: float
    """A named query whose margin is at most this is ambiguous."""


class Calibrator:
    """Null scores and mated outcomes of a kind, for any k and rule."""

    def __init__(self, store: Store, shelf: Shelf, strangers: Shelf, subset: str = "") -> None:
        """`subset` names the identities that the shelf is restricted to, for what is kept; empty for all."""
        self._subset = subset
        self._store = store
        self.shelf = shelf
        self._strangers = strangers
        self._known: dict[int, tuple[int, Neighbourhoods]] = {}
        self._asked: dict[str, tuple[int, StandingQueries]] = {}
        self._told: dict[tuple, tuple[int, NullScores, Outcomes]] = {}
        self._borrowed: dict[tuple, tuple[int, WorstOf]] = {}

    def promise(self, fpir: float, misidentification: float, *, k: int, rule: str, bank: Bank = ()) -> Promise:
        """On what a promised rate stands: the gallery's own scores, or the bank's where the identities are too few."""
        null: NullScores | WorstOf
        null, mated = self.outcomes(k, rule)
        basis = "strangers" if len(self._strangers) else "own"
        if null.units < identities_needed(fpir, null.typical_share) and bank:
            null, basis = self.borrowed(bank, k, rule), "borrowed"
        margin = margin_needed(mated, null.p_values(mated.scores, mated.named), fpir, misidentification)
        return Promise(fpir, null, basis, margin)

    def costs(
        self, rates: Sequence[float], misidentification: float, *, k: int, rule: str, bank: Bank = ()
    ) -> list[tuple[Promise, Cost]]:
        """What each promised rate stands on, and what it costs."""
        own, mated = self.outcomes(k, rule)
        promises = [self.promise(rate, misidentification, k=k, rule=rule, bank=bank) for rate in rates]
        return [(promise, cost(promise.fpir, promise.null, own, mated, promise.margin)) for promise in promises]

    def suspicious_above(self, k: int, rule: str, bank: Bank = ()) -> float:
        """The score above which a supposed stranger looks like somebody enrolled.

        What three in four of the gallery's own mated references reach, and fewer than one in a thousand of the
        encoder's strangers; inf where neither is known.
        """
        _, mated = self.outcomes(k, rule)
        bounds = [float(np.quantile(mated.scores, 0.25))] if len(mated.scores) else []
        if bank:
            bounds.append(self.borrowed(bank, k, rule).score_needed(0.001))
        return max((bound for bound in bounds if bound < np.inf), default=np.inf)

    def outcomes(self, k: int, rule: str) -> tuple[NullScores, Outcomes]:
        """Scores of strangers (own identities, and the gallery's bank), and the outcomes of mated references."""
        told = self._told.get((k, rule))
        if told and told[0] == self._revision():
            return told[1], told[2]
        held = self._held()
        known = self.neighbourhoods(_depth(k))
        null = null_scores(outcomes_as_strangers(known, held, k, rule))
        if len(self._strangers):
            enrolled = self._strangers.identities >= 0
            strangers = Population(self._strangers.encodings[enrolled], self._strangers.identities[enrolled])
            scores = self._scores("strangers", strangers.encodings, k, rule)
            null = null.joined(NullScores(scores, strangers.identities))
        mated = outcomes_as_mated(known, held, k, rule)
        self._told[k, rule] = (self._revision(), null, mated)
        return null, mated

    def borrowed(self, bank: Bank, k: int, rule: str) -> WorstOf:
        """The scores that the encoder's strangers reach against this gallery, counted by encodings.

        A stranger of the bank may be enrolled here; one whose scores are far out of the others' is left out.
        """
        told = self._borrowed.get((k, rule))
        if told is None or told[0] != self.shelf.revision:
            populations = []
            together = np.concatenate([population.encodings for population in bank])
            ends = np.cumsum([len(population.encodings) for population in bank])
            split = np.split(self._scores("borrowed strangers", together, k, rule), ends[:-1])
            for population, scores in zip(bank, split, strict=True):
                strange = ~_enrolled_here(scores, population)
                populations.append(
                    NullScores(scores[strange], population.identities[strange], units=int(strange.sum()))
                )
            told = (self.shelf.revision, WorstOf(tuple(populations)))
            self._borrowed[k, rule] = told
        return told[1]

    def _revision(self) -> int:
        return max(self.shelf.revision, self._strangers.revision)

    def neighbourhoods(self, depth: int = DEPTH) -> Neighbourhoods:
        """The neighbours of the sampled references as of the shelf's revision; kept for the depths of KEPT_DEPTHS."""
        key = self._key(f"neighbourhoods 2 {depth}")
        known = self._known.get(depth)
        if (
            known is None
            and depth in KEPT_DEPTHS
            and (read := kept(self._store, self.shelf, key, Neighbourhoods.ARRAYS))
        ):
            known = self._known[depth] = read[0], Neighbourhoods.from_arrays(read[1])
        if known is not None and known[0] == self.shelf.revision:
            return known[1]
        held = self._held()
        if known is None or self._subset:
            found = find_neighbourhoods(held, sample(held.references, held.identities), depth)
        else:
            found = update_neighbourhoods(known[1], held, self._changes(known[0]))
        self._known[depth] = self.shelf.revision, found
        if depth in KEPT_DEPTHS:
            keep(self._store, self.shelf, key, found.as_arrays())
        return found

    def _nearest(self, population: str, encodings: Float16[np.ndarray, "encodings dim"], k: int) -> NearestReferences:
        """The nearest references of a population's encodings, kept like the neighbourhoods."""
        depth = _depth(k)
        name = f"{population} 1 {depth}"
        known = self._asked.get(name)
        if known is None and not self._subset and (read := kept(self._store, self.shelf, name, StandingQueries.ARRAYS)):
            known = read[0], StandingQueries.from_arrays(read[1])
        if known is None or (self._subset and known[0] != self.shelf.revision):
            known = self.shelf.revision, StandingQueries.none(depth)
        keys = keys_of(encodings)
        today = known[1].asked(keys, encodings, self._held(), self._changes(known[0]))
        if not self._subset and today is not known[1]:
            keep(self._store, self.shelf, name, today.as_arrays())
        self._asked[name] = self.shelf.revision, today
        return today.of(keys)

    def _key(self, name: str) -> str:
        return f"{name} {self._subset}".strip()

    def _changes(self, since: int) -> NetChanges:
        if since == self.shelf.revision:
            return NetChanges.of([])
        journal = self._store.changes(since, self.shelf.kind)
        return NetChanges.of([change for change in journal if change.row <= self.shelf.revision])

    def _held(self) -> Vectors:
        return self.shelf.vectors()

    def _scores(
        self, population: str, encodings: Float16[np.ndarray, "encodings dim"], k: int, rule: str
    ) -> Float64[np.ndarray, " encodings"]:
        """What these encodings score against the gallery as it is."""
        if rule != "centroid" and k <= KEPT_DEPTHS[-1]:
            near = self._nearest(population, encodings, k)
            names = whose(near.references[:, :k], self._held())
            votes = vote(np.minimum(near.similarities[:, :k], np.float32(1)), names, rule)
            return votes.scores[:, 0].astype(np.float64)
        scores = [np.zeros(0)]
        for start in range(0, len(encodings), _BATCH):
            neighbours = self.shelf.neighbours(encodings[start : start + _BATCH].astype(np.float32), k, rule)
            scores.append(vote(neighbours.similarities, neighbours.identities, rule).scores[:, 0].astype(np.float64))
        return np.concatenate(scores)


def _depth(k: int) -> int:
    """How many neighbours are found for this k."""
    return next((depth for depth in KEPT_DEPTHS if depth >= k), k)


def _enrolled_here(scores: Float64[np.ndarray, " encodings"], population: Population) -> Bool[np.ndarray, " encodings"]:
    """Which encodings are of somebody who must be enrolled here.

    Two things speak for it, and both are asked for. The identity's median score is an outlier: more than 3 standard
    deviations above the middle of the identities' medians, both estimated robustly (the median, and 1.4826 times the
    median absolute deviation of the lower half, where nobody is enrolled: after Rousseeuw and Croux 1993). And it is at
    least 0.85 of what the identity's encodings reach among themselves, where a look-alike stays below. Fewer than 3
    encodings may all be near by chance.
    """
    finite = np.where(np.isneginf(scores), -1.0, scores)
    names, whose = np.unique(population.identities, return_inverse=True)
    if not len(names):
        return np.zeros(0, bool)
    members = np.split(np.argsort(whose, kind="stable"), np.cumsum(np.bincount(whose))[:-1])
    medians = np.array([np.median(finite[of]) for of in members])
    middle = np.median(medians)
    deviation = 1.4826 * np.median(middle - medians[medians <= middle])
    enrolled = np.zeros(len(names), bool)
    for number in np.flatnonzero(medians > middle + 3 * deviation):
        if len(members[number]) >= 3:
            encodings = population.encodings[members[number]].astype(np.float32)
            among_themselves = encodings @ encodings.T
            np.fill_diagonal(among_themselves, -1)
            enrolled[number] = medians[number] >= 0.85 * np.median(among_themselves.max(axis=1))
    return enrolled[whose]
