"""P-values for "is this a stranger?": the rank of a query's score among the scores of strangers."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import comb, exp, floor, inf, lgamma, log, log1p

import numpy as np
from jaxtyping import Float64, Int64


@dataclass(frozen=True)
class NullScores:
    """What strangers score against a gallery: repeated measurements of n identities, each identity with weight one."""

    scores: Float64[np.ndarray, " samples"]
    """Higher is nearer to being named; -inf where a stranger met no candidate at all."""
    identities: Int64[np.ndarray, " samples"]
    """Whose score it is; any numbers."""
    units: int = 0
    """How many measurements the p-value counts with; 0 means n, the number of identities, which alone is conformal."""
    typical_share: float = -1.0
    """The mean of 1/R over the identities that can be named, 1 where each has one sample; worked out where negative."""
    _whose: Int64[np.ndarray, " identities"] = field(init=False, repr=False)
    _shares: Float64[np.ndarray, " identities"] = field(init=False, repr=False)
    _ascending: Float64[np.ndarray, " samples"] = field(init=False, repr=False)
    _weight_from: Float64[np.ndarray, " samples_and_one"] = field(init=False, repr=False)
    count: int = field(init=False)
    """n, the number of identities."""

    def __post_init__(self) -> None:
        names, whose, repeats = np.unique(self.identities, return_inverse=True, return_counts=True)
        object.__setattr__(self, "_whose", names)
        object.__setattr__(self, "_shares", 1.0 / repeats)
        if self.typical_share < 0:
            object.__setattr__(self, "typical_share", float((1.0 / repeats).mean()) if len(repeats) else 1.0)
        order = np.argsort(self.scores, kind="stable")
        weights = (1.0 / repeats)[whose][order] if len(order) else np.zeros(0)
        from_the_top = np.append(np.cumsum(weights[::-1])[::-1], 0.0)
        object.__setattr__(self, "count", len(repeats))
        object.__setattr__(self, "units", self.units or self.count)
        object.__setattr__(self, "_ascending", self.scores[order])
        object.__setattr__(self, "_weight_from", from_the_top * (self.units / max(self.count, 1)))

    def joined(self, other: NullScores) -> NullScores:
        """These and other identities' scores together, of whom only these can be named; they share no identity."""
        shifted = other.identities - other.identities.min(initial=0) + self.identities.max(initial=-1) + 1
        return NullScores(
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.identities, shifted]),
            typical_share=self.typical_share,
        )

    def p_values(
        self, scores: Float64[np.ndarray, " queries"], named: Int64[np.ndarray, " queries"] | None = None
    ) -> Float64[np.ndarray, " queries"]:
        """p(s) = (1 + 1/R_c + sum over identities i of mean over r of [S_ir >= s]) / (n + 1), in (0, 1].

        If a query is a stranger exchangeable with the n identities, P(p <= alpha) <= alpha (conformal prediction with
        repeated measurements: Dunn, Wasserman, Ramdas 2018, arXiv 1809.07441; Lee, Barber, Willett 2023,
        arXiv 2306.06342). Exchangeable means: each is scored against all the others, the query among them. That changes
        the score of one sample only, the reference that the query is nearest to, for which the query scores s: so the
        candidate c that is `named` counts with one of its R_c samples. Without `named` (strangers that are not in
        the gallery, such as an encoder's) that term is left out. No candidate at all (-inf) gives 1. With other `units`
        U the sum is scaled to U and the denominator is U + 1: a finer scale, without the guarantee.

        >>> null = NullScores(np.array([0.1, 0.3, 0.5]), np.array([0, 0, 1]))
        >>> null.p_values(np.array([0.2, 0.6])).round(3).tolist()  # (1 + 1/2 + 1) / 3 and 1 / 3
        [0.833, 0.333]
        >>> null.p_values(np.array([0.6]), np.array([0])).tolist()  # (1 + 1/2) / 3
        [0.5]
        """
        at = np.searchsorted(self._ascending, scores, side="left")
        counted = 1.0 + self._weight_from[at]
        if named is not None:
            counted = counted + self.share_of(named)
        p = np.minimum(np.round(counted / (self.units + 1.0), 12), 1.0)  # sums of 1/R are not exact, rates are
        return np.where(np.isneginf(scores), 1.0, p)

    def share_of(self, identities: Int64[np.ndarray, " some"]) -> Float64[np.ndarray, " some"]:
        """1/R of each identity; 0 for one that is not among these."""
        at = np.searchsorted(self._whose, identities)
        known = np.append(self._whose, -2)[at] == identities
        return np.where(known, np.append(self._shares, 0.0)[at], 0.0)

    def score_needed(self, fpir: float, share: float = 0.0) -> float:
        """The lowest score above which p <= fpir holds for a candidate of that share.

        inf where n identities are too few: (1 + share) / (n + 1) > fpir.

        >>> NullScores(np.array([0.1, 0.3, 0.5]), np.array([0, 1, 2])).score_needed(0.5)
        0.3
        """
        allowed = fpir * (self.units + 1.0) - 1.0 - share
        if allowed < -1e-9:
            return inf
        # scores strictly above the last score whose weight from the top is too much
        too_heavy = self._weight_from[:-1] > allowed + 1e-9
        return float(self._ascending[np.flatnonzero(too_heavy)[-1]]) if too_heavy.any() else -inf


@dataclass(frozen=True)
class WorstOf:
    """Several populations of strangers: the one that comes nearest to the gallery decides."""

    populations: tuple[NullScores, ...]

    typical_share: float = 0.0
    """None of them is in the gallery, where the nearest reference would count a query."""

    @property
    def units(self) -> int:
        """The finest scale that all of them have."""
        return min(null.units for null in self.populations)

    def p_values(
        self, scores: Float64[np.ndarray, " queries"], named: Int64[np.ndarray, " queries"] | None = None
    ) -> Float64[np.ndarray, " queries"]:
        """The largest of the populations' p-values, whoever is named."""
        return np.max([null.p_values(scores) for null in self.populations], axis=0)

    def score_needed(self, fpir: float, share: float = 0.0) -> float:
        """The lowest score above which p <= fpir holds in all of them."""
        return max(null.score_needed(fpir, share) for null in self.populations)


def certified_rate(fpir: float, identities: int, confidence: float = 0.95) -> float | None:
    """Upper bound, at that confidence, on the rate of one gallery whose expected rate is `fpir`; None where none holds.

    Over draws of n calibration identities the rate that a fixed gallery really has follows Beta(l, n + 1 - l) with
    l = floor(fpir (n + 1)) (Vovk 2012, Prop. 2a, for one score per identity; averaging several scores of an identity
    narrows the spread, so the bound stays on the safe side). Solved through P(Beta(l, n + 1 - l) <= x) =
    P(Binomial(n, x) >= l).

    >>> round(certified_rate(0.01, 299), 4)  # expected 0.01, of 299 identities
    0.0209
    """
    rank = floor(fpir * (identities + 1) + 1e-9)
    if rank < 1:
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _binomial_at_least(rank, identities, middle) < confidence:
            low = middle
        else:
            high = middle
    return high


def identities_needed(fpir: float, share: float = 0.0) -> int:
    """How many identities a rate needs at least, for candidates of that share: (1 + share) / (n + 1) <= fpir.

    >>> identities_needed(0.01), identities_needed(0.1), identities_needed(0.1, share=1.0)
    (99, 9, 19)
    """
    return max(0, int(np.ceil((1.0 + share) / fpir - 1e-9)) - 1)


def _binomial_at_least(successes: int, trials: int, chance: float) -> float:
    """P(Binomial(trials, chance) >= successes)."""
    if chance <= 0.0 or chance >= 1.0:
        return float(chance >= 1.0 or successes == 0)
    below = 0.0
    for count in range(successes):
        if trials < 1000:
            below += comb(trials, count) * chance**count * (1 - chance) ** (trials - count)
        else:
            logarithm = lgamma(trials + 1) - lgamma(count + 1) - lgamma(trials - count + 1)
            below += exp(logarithm + count * log(chance) + (trials - count) * log1p(-chance))
    return 1.0 - below
