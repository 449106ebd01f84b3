"""Calibration of one kind of a gallery: kept in the gallery, and brought up to date by what the journal says."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float16, Float64, Int64

from data.errors import GalleryError
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
from index.neighbourhoods import DEPTH, Neighbourhoods, find_neighbourhoods, sample, update_neighbourhoods
from index.records import Vectors
from index.shelf import Shelf
from index.store import Store
from index.voting import vote

_KEY = "neighbourhoods 1"
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
        self._key = f"{_KEY} {subset}".strip()
        self._whole = not subset
        self._store = store
        self.shelf = shelf
        self._strangers = strangers
        self._known: Neighbourhoods | None = None
        self._known_at = -1
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
        known = self.neighbourhoods(max(k, DEPTH))
        null = null_scores(outcomes_as_strangers(known, held, k, rule))
        if len(self._strangers):
            enrolled = self._strangers.identities >= 0
            strangers = Population(self._strangers.encodings[enrolled], self._strangers.identities[enrolled])
            null = null.joined(NullScores(self._scores(strangers, k, rule), strangers.identities))
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
            for population in bank:
                scores = self._scores(population, k, rule)
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
        """The neighbours of the sampled references as of the shelf's revision; kept in the gallery up to DEPTH."""
        held = self._held()
        if depth > DEPTH:
            return find_neighbourhoods(held, sample(held.references, held.identities), depth)
        if self._known is None:
            kept = self._store.calibration(self.shelf.kind, self._key, self.shelf.encoder)
            if kept and (known := _unpacked(kept[1])):
                self._known_at, self._known = kept[0], known
        if self._known is not None and self._known_at == self.shelf.revision:
            return self._known
        if self._known is None or self._known_at > self.shelf.revision or not self._whole:
            known = find_neighbourhoods(held, sample(held.references, held.identities))
        else:
            known = self._updated(self._known, held)
        self._known, self._known_at = known, self.shelf.revision
        with suppress(GalleryError):  # a gallery that cannot be written can still be asked: it computes this again
            self._store.keep_calibration(self.shelf.kind, self._key, self._known_at, _packed(known), self.shelf.encoder)
        return known

    def _updated(self, known: Neighbourhoods, held: Vectors) -> Neighbourhoods:
        changes = [
            change
            for change in self._store.changes(self._known_at, self.shelf.kind)
            if change.row <= self.shelf.revision
        ]
        changed = {identity for change in changes for identity in (change.before, change.after) if identity is not None}
        first: dict[int, int | None] = {}
        last: dict[int, int | None] = {}
        for change in changes:
            first.setdefault(change.reference, change.before)
            last[change.reference] = change.after
        added = [reference for reference, after in last.items() if after is not None and first[reference] is None]
        return update_neighbourhoods(
            known, held, np.array(sorted(changed), np.int64), np.array(sorted(added), np.int64)
        )

    def _held(self) -> Vectors:
        shelf = self.shelf
        return Vectors(shelf.references, shelf.identities, shelf.pictures, shelf.hashes, shelf.encodings)

    def _scores(self, population: Population, k: int, rule: str) -> Float64[np.ndarray, " encodings"]:
        """What these encodings score against the gallery as it is."""
        scores = [np.zeros(0)]
        for start in range(0, len(population.encodings), _BATCH):
            near = self.shelf.neighbours(population.encodings[start : start + _BATCH].astype(np.float32), k, rule)
            scores.append(vote(near.similarities, near.identities, rule).scores[:, 0].astype(np.float64))
        return np.concatenate(scores)


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


def _packed(known: Neighbourhoods) -> bytes:
    file = io.BytesIO()
    np.savez(file, **vars(known))
    return file.getvalue()


def _unpacked(packed: bytes) -> Neighbourhoods | None:
    """What was kept; None where it is damaged, for it can be computed again."""
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            return Neighbourhoods(**{field.name: arrays[field.name] for field in fields(Neighbourhoods)})
    except (BadZipFile, EOFError, KeyError, OSError, ValueError):
        return None
