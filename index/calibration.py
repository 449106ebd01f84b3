"""What a gallery's own references tell about its answers: which scores strangers reach, and what a rate costs.

Pure functions on arrays. Each sampled reference is asked twice, as if it were a new picture: against the gallery
without its identity (a stranger), and without its picture (a mated query).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Bool, Float64, Int64

from index.conformal import NullScores, WorstOf, certified_rate, identities_needed
from index.identity_sums import identity_sums
from index.members import Members
from index.nearest_references import NearestReferences, whose
from index.neighbourhoods import Neighbourhoods
from index.records import Vectors
from index.voting import Votes, vote
from measure import bootstrap_interval, mean_per_identity

_ROWS = 512


@dataclass(frozen=True)
class Outcomes:
    """What the vote says of queries whose identity is known."""

    truths: Int64[np.ndarray, " queries"]
    """Whom the query shows."""
    named: Int64[np.ndarray, " queries"]
    """The best candidate; -1 where there is none."""
    scores: Float64[np.ndarray, " queries"]
    """The best candidate's score; -inf where there is none."""
    margins: Float64[np.ndarray, " queries"]
    """By how much the best candidate beats the runner-up: see `margins`."""

    def select(self, which: Bool[np.ndarray, " queries"]) -> Outcomes:
        """Some of the queries."""
        return Outcomes(self.truths[which], self.named[which], self.scores[which], self.margins[which])


def margins(votes: Votes) -> Float64[np.ndarray, " queries"]:
    """log(w1 / w2) of the best two candidates' weights, at least 0; inf where there are fewer than two.

    >>> votes = vote(np.float32([[0.9, 0.6]]), np.int64([[1, 2]]), "nearest")
    >>> margins(votes).round(3).tolist()  # `nearest` weighs by exp(similarity)
    [0.3]
    """
    if votes.weights.shape[1] < 2:
        return np.full(len(votes.weights), inf)
    ahead = np.full(len(votes.weights), inf)
    several = votes.identities[:, 1] >= 0
    ahead[several] = np.log(votes.weights[several, 0]) - np.log(votes.weights[several, 1])
    return ahead


def outcomes_as_strangers(known: Neighbourhoods, held: Vectors, k: int, rule: str) -> Outcomes:
    """Each sample asked against the gallery without its identity: any name would be wrong."""
    if rule == "centroid":
        return _centroid_outcomes(known, held, leave_out_identity=True)
    return _outcomes(known, held, known.strangers, k, rule)


def outcomes_as_mated(known: Neighbourhoods, held: Vectors, k: int, rule: str) -> Outcomes:
    """Each sample asked against the gallery without its picture and near-duplicates of it.

    Only samples of identities that have another picture: the others would be strangers.
    """
    known = known.select(known.others > 0)
    if rule == "centroid":
        return _centroid_outcomes(known, held, leave_out_identity=False)
    return _outcomes(known, held, known.mated, k, rule)


def null_scores(outcomes: Outcomes) -> NullScores:
    """The scores that the gallery's own identities reach as strangers."""
    return NullScores(outcomes.scores, outcomes.truths)


def margin_needed(
    outcomes: Outcomes, p_values: Float64[np.ndarray, " queries"], fpir: float, misidentification: float
) -> float:
    """The margin up to which a name counts as ambiguous, so that misidentifications stay within their rate.

    The smallest m for which mean over identities i of mean over r of [wrong name, p <= fpir, margin > m] is at most
    `misidentification` on the mated samples; 0 where it holds without any. A plug-in estimate: unlike the FPIR it has
    no finite-sample guarantee, because small galleries could then name nobody.
    """
    wrong = (outcomes.named != outcomes.truths) & (outcomes.named >= 0) & (p_values <= fpir)
    if not wrong.any():
        return 0.0
    _, whose, repeats = np.unique(outcomes.truths, return_inverse=True, return_counts=True)
    weights = (1.0 / repeats)[whose] / len(repeats)
    order = np.argsort(-outcomes.margins[wrong], kind="stable")
    total = np.cumsum(weights[wrong][order])
    over = np.flatnonzero(total > misidentification + 1e-12)
    if not len(over):
        return 0.0
    margin = float(outcomes.margins[wrong][order[over[0]]])
    finite = outcomes.margins[wrong][np.isfinite(outcomes.margins[wrong])]
    # a wrong name without any runner-up cannot be told from a right one by its margin
    return margin if np.isfinite(margin) else float(finite.max(initial=0.0))


@dataclass(frozen=True)
class Cost:
    """What one promised rate costs: the lines of `kaodex calibrate`."""

    fpir: float
    score_needed: float
    """A candidate with a typical number of references needs a score above this; inf where nobody can be named."""
    tpir: float | None
    """Expected share of mated queries given the right name, by leave-one-out; None without mated samples."""
    tpir_interval: tuple[float, float] | None
    misidentification: float | None
    """Expected share of mated queries given a wrong name."""
    misidentification_interval: tuple[float, float] | None
    ambiguous: float | None
    certified: float | None
    """Upper 95 % bound on the rate that this gallery really has; None where there is none."""
    identities_missing: int
    """How many more identities or strangers the rate needs for the gallery's own scores to decide."""


def cost(fpir: float, null: NullScores | WorstOf, own: NullScores, mated: Outcomes, margin: float) -> Cost:
    """What it costs to promise this rate, with 95 % intervals by bootstrap over identities.

    `own` are the scores of the gallery's identities and strangers, `margin` is what `margin_needed` gave.
    """
    named = (null.p_values(mated.scores, mated.named) <= fpir) & (mated.named >= 0)
    clear = named & (mated.margins > margin)
    right = clear & (mated.named == mated.truths)
    wrong = clear & (mated.named != mated.truths)
    _, whose = np.unique(mated.truths, return_inverse=True)
    identities = int(whose.max(initial=-1)) + 1

    def mean(of: Bool[np.ndarray, " queries"]) -> tuple[float | None, tuple[float, float] | None]:
        if not identities:
            return None, None
        each = mean_per_identity(of.astype(np.float64), whose.astype(np.int64), identities)
        return float(each.mean()), bootstrap_interval(each) if identities > 1 else None

    tpir, tpir_interval = mean(right)
    misidentified, misidentified_interval = mean(wrong)
    return Cost(
        fpir=fpir,
        score_needed=null.score_needed(fpir, null.typical_share),
        tpir=tpir,
        tpir_interval=tpir_interval,
        misidentification=misidentified,
        misidentification_interval=misidentified_interval,
        ambiguous=mean(named & ~clear)[0],
        certified=certified_rate(fpir, own.count),
        identities_missing=max(0, identities_needed(fpir, own.typical_share) - own.count),
    )


def _outcomes(known: Neighbourhoods, held: Vectors, nearest: NearestReferences, k: int, rule: str) -> Outcomes:
    if k > nearest.depth:
        raise ValueError(f"neighbourhoods of depth {nearest.depth} cannot answer for k = {k}")
    similarities = np.minimum(nearest.similarities[:, :k], np.float32(1))  # float16 lengths are not exact
    votes = vote(similarities, whose(nearest.references[:, :k], held), rule)
    return _told(whose(known.samples, held), votes)


def _told(truths: Int64[np.ndarray, " samples"], votes: Votes) -> Outcomes:
    return Outcomes(truths, votes.identities[:, 0], votes.scores[:, 0].astype(np.float64), margins(votes))


def _centroid_outcomes(known: Neighbourhoods, held: Vectors, leave_out_identity: bool) -> Outcomes:
    """The nearest centroids of each sample, its own made without its picture, or left out."""
    if not len(known.samples):
        return Outcomes(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    names, sums = identity_sums(held.encodings, held.identities)
    means = (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    positions = np.searchsorted(held.references, known.samples)
    truths = held.identities[positions]
    own = np.searchsorted(names, truths)
    queries = held.encodings[positions].astype(np.float32)
    if not leave_out_identity:
        members = Members(held, truths)
        rest = sums[own]
        for row in range(len(positions)):
            same = members.of(int(truths[row]))[members.same_picture(positions[row : row + 1])[0]]
            rest[row] -= held.encodings[same].astype(np.float64).sum(axis=0)
        own_similarity = (rest * queries).sum(axis=1) / np.maximum(np.linalg.norm(rest, axis=1), 1e-12)
    similarities = np.full((len(positions), 2), -inf, np.float32)
    identities = np.full((len(positions), 2), -1, np.int64)
    for start in range(0, len(positions), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(positions)))
        near = queries[rows] @ means.T
        near[np.arange(len(rows)), own[rows]] = -inf if leave_out_identity else own_similarity[rows]
        for place in range(min(2, len(names))):
            best = near.argmax(axis=1)
            found = near[np.arange(len(rows)), best]
            similarities[rows, place] = np.minimum(found, np.float32(1))
            identities[rows, place] = np.where(np.isneginf(found), -1, names[best])
            near[np.arange(len(rows)), best] = -inf
    return _told(truths, vote(similarities, identities, "nearest"))
