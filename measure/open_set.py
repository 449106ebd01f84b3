"""How well mated queries are told from strangers: figures in which each identity, not each picture, weighs the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64, Int64


class _Asked:
    """Whom the queries of one role show, ready to be weighted many times."""

    def __init__(self, identities: Int64[np.ndarray, " queries"], count: int) -> None:
        queries = np.bincount(identities, minlength=count)
        self._identities = identities
        self._present = (queries > 0).astype(np.float64)
        self._each = self._present / np.maximum(queries, 1)

    def weights(self, counts: Float64[np.ndarray, " identities"] | None) -> Float64[np.ndarray, " queries"]:
        """One weight per query, so that each identity present weighs as much as it is counted, and all sum to 1."""
        times = self._present if counts is None else self._present * counts
        return (times * self._each / times.sum())[self._identities]


@dataclass(frozen=True)
class OpenSet:
    """What an open-set test saw: the best score of each query, and whom the query shows.

    Identities are numbers from 0; one may be enrolled in some draws and a stranger in others. Scores are higher for
    nearer, -inf where there was no candidate at all.
    """

    mated_scores: Float64[np.ndarray, " mated"]
    mated_identities: Int64[np.ndarray, " mated"]
    right: Bool[np.ndarray, " mated"]
    """Whether the best candidate is the right one."""
    stranger_scores: Float64[np.ndarray, " strangers"]
    stranger_identities: Int64[np.ndarray, " strangers"]
    count: int = field(init=False)
    """Identities are 0 to count - 1."""
    _mated: Int64[np.ndarray, " mated"] = field(init=False, repr=False)
    _asked_mated: _Asked = field(init=False, repr=False)
    _asked_strangers: _Asked = field(init=False, repr=False)
    _above: Int64[np.ndarray, " mated"] = field(init=False, repr=False)
    _reaching: Int64[np.ndarray, " mated"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.mated_scores) or not len(self.stranger_scores):
            raise ValueError(
                f"an open-set figure needs mated queries and strangers, but there are {len(self.mated_scores)} and "
                f"{len(self.stranger_scores)}"
            )
        if np.isnan(self.mated_scores).any() or np.isnan(self.stranger_scores).any():
            raise ValueError("a score is not a number; where there is no candidate, give -inf")
        mated = np.argsort(-self.mated_scores, kind="stable")
        strangers = np.argsort(-self.stranger_scores, kind="stable")
        descending = -self.stranger_scores[strangers]
        set_once = object.__setattr__
        set_once(self, "count", int(max(self.mated_identities.max(), self.stranger_identities.max())) + 1)
        set_once(self, "_mated", mated)
        set_once(self, "_asked_mated", _Asked(self.mated_identities[mated], self.count))
        set_once(self, "_asked_strangers", _Asked(self.stranger_identities[strangers], self.count))
        set_once(self, "_above", np.searchsorted(descending, -self.mated_scores[mated], side="left"))
        set_once(self, "_reaching", np.searchsorted(descending, -self.mated_scores[mated], side="right"))

    def mated_weights(
        self, counts: Float64[np.ndarray, " identities"] | None = None
    ) -> Float64[np.ndarray, " descending"]:
        """Weight of each mated query, best score first; they sum to 1, and NaN where nobody is counted."""
        return self._asked_mated.weights(counts)

    def stranger_shares(
        self, counts: Float64[np.ndarray, " identities"] | None = None
    ) -> tuple[Float64[np.ndarray, " descending"], Float64[np.ndarray, " descending"]]:
        """For each mated query, best score first: the share of strangers scoring more, and of those scoring as much."""
        running = np.append(0.0, np.cumsum(self._asked_strangers.weights(counts)))
        return running[self._above], running[self._reaching]

    def correct(self) -> Bool[np.ndarray, " descending"]:
        """Whether each mated query's best candidate is right, best score first."""
        return self.right[self._mated]


def auroc(test: OpenSet, counts: Float64[np.ndarray, " identities"] | None = None) -> float:
    """P(mated > stranger) + P(mated = stranger) / 2 of the best scores, whoever the best candidate is.

    The area under the ROC curve as the Mann-Whitney statistic (Hanley and McNeil 1982). A query weighs one over the
    number of its identity's queries in that role; `counts` says how often each identity is counted (a bootstrap).

    >>> test = OpenSet(np.array([0.9, 0.6, 0.4]), np.array([0, 0, 1]), np.array([True, False, True]),
    ...                np.array([0.7, 0.3]), np.array([2, 3]))
    >>> auroc(test)  # identity 0: (1 + 1/2) / 2, identity 1: 1/2
    0.625
    """
    above, reaching = test.stranger_shares(counts)
    return float((test.mated_weights(counts) * (1 - (above + reaching) / 2)).sum())


def oscr(test: OpenSet, counts: Float64[np.ndarray, " identities"] | None = None) -> float:
    """Area under the open-set classification rate: correct classification rate over false positive rate.

    CCR(t) is the share of mated queries whose best candidate is right and scores at least t, FPR(t) the share of
    strangers whose best candidate does (Dhamija, Günther, Boult, "Reducing Network Agnostophobia", 2018, section 4.3).
    The area is rank-1 where no stranger comes as near as a rightly named query, and never more than rank-1 or AUROC.
    Weights as in `auroc`.

    >>> test = OpenSet(np.array([0.9, 0.6, 0.4]), np.array([0, 0, 1]), np.array([True, False, True]),
    ...                np.array([0.7, 0.3]), np.array([2, 3]))
    >>> oscr(test)  # identity 0: (1 + 0) / 2, identity 1: 1/2
    0.5
    """
    above, reaching = test.stranger_shares(counts)
    return float((test.mated_weights(counts) * test.correct() * (1 - (above + reaching) / 2)).sum())


def tpir_at_fpir(
    test: OpenSet, fpirs: Float64[np.ndarray, " rates"], counts: Float64[np.ndarray, " identities"] | None = None
) -> Float64[np.ndarray, " rates"]:
    """Share of mated queries given the right name, at the lowest threshold that names a share <= FPIR of strangers.

    The threshold is set on these very strangers, as the field does (ISO/IEC 19795-1:2021; NIST FRTE 1:N, at rank 1); a
    query that scores as much as a stranger is named only if that stranger may be. Weights as in `auroc`.

    >>> test = OpenSet(np.array([0.9, 0.6, 0.4]), np.array([0, 0, 1]), np.array([True, False, True]),
    ...                np.array([0.7, 0.3]), np.array([2, 3]))
    >>> tpir_at_fpir(test, np.array([0.1, 0.5])).tolist()
    [0.25, 0.75]
    """
    return _share_at(test, test.correct(), fpirs, counts)


def threshold_at_fpir(test: OpenSet, fpir: float) -> float:
    """The score above which a share <= FPIR of the strangers lies: a query scoring more is named; -inf where all are.

    >>> test = OpenSet(np.array([0.9, 0.6, 0.4]), np.array([0, 0, 1]), np.array([True, False, True]),
    ...                np.array([0.7, 0.3]), np.array([2, 3]))
    >>> threshold_at_fpir(test, 0.1), threshold_at_fpir(test, 0.5)
    (0.7, 0.3)
    """
    order = np.argsort(-test.stranger_scores, kind="stable")
    reached = np.cumsum(_Asked(test.stranger_identities[order], test.count).weights(None))
    too_many = np.flatnonzero(reached > fpir + 5e-10)
    return float(test.stranger_scores[order[too_many[0]]]) if len(too_many) else -np.inf


def misidentification_at_fpir(
    test: OpenSet, fpirs: Float64[np.ndarray, " rates"], counts: Float64[np.ndarray, " identities"] | None = None
) -> Float64[np.ndarray, " rates"]:
    """Share of mated queries given another enrolled identity's name, at the thresholds of `tpir_at_fpir`.

    >>> test = OpenSet(np.array([0.9, 0.6, 0.4]), np.array([0, 0, 1]), np.array([True, False, True]),
    ...                np.array([0.7, 0.3]), np.array([2, 3]))
    >>> misidentification_at_fpir(test, np.array([0.1, 0.5])).tolist()
    [0.0, 0.25]
    """
    return _share_at(test, ~test.correct(), fpirs, counts)


def det_curve(
    test: OpenSet, fpirs: Float64[np.ndarray, " rates"], counts: Float64[np.ndarray, " identities"] | None = None
) -> Float64[np.ndarray, " rates"]:
    """FNIR at each FPIR: 1 - TPIR, the error trade-off of an identification system (ISO/IEC 19795-1:2021, DET).

    >>> test = OpenSet(np.array([0.9, 0.6, 0.4]), np.array([0, 0, 1]), np.array([True, False, True]),
    ...                np.array([0.7, 0.3]), np.array([2, 3]))
    >>> det_curve(test, np.array([0.1, 0.5])).tolist()
    [0.75, 0.25]
    """
    return 1 - tpir_at_fpir(test, fpirs, counts)


def bootstrap_open_set(
    test: OpenSet,
    figures: Callable[[OpenSet, Float64[np.ndarray, " identities"]], Float64[np.ndarray, " figures"]],
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[Float64[np.ndarray, " figures"], Float64[np.ndarray, " figures"]]:
    """Percentile bootstrap intervals of several figures: the low and the high ends.

    Identities are drawn with replacement, whole and in both their roles, and `figures` is asked with how often each was
    drawn. The galleries stay as they were: what another gallery would change is seen only through several draws.

    >>> test = OpenSet(np.array([0.9, 0.8]), np.array([0, 1]), np.array([True, True]),
    ...                np.array([0.7, 0.3]), np.array([0, 1]))
    >>> low, high = bootstrap_open_set(test, lambda test, counts: tpir_at_fpir(test, np.array([0.1]), counts))
    >>> low.tolist(), high.tolist()
    ([1.0], [1.0])
    """
    random = np.random.default_rng(seed)
    present = np.union1d(test.mated_identities, test.stranger_identities)
    drawn = []
    with np.errstate(invalid="ignore"):  # a resample without strangers, or without mated queries, is NaN and left out
        for _ in range(resamples):
            picked = present[random.integers(0, len(present), len(present))]
            drawn.append(figures(test, np.bincount(picked, minlength=test.count).astype(np.float64)))
    rows = np.stack(drawn)
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not len(rows):
        raise ValueError(f"{len(present)} identities are too few to resample: no resample has both roles")
    tail = 50 * (1 - confidence)
    low, high = np.percentile(rows, [tail, 100 - tail], axis=0)
    return low, high


def _share_at(
    test: OpenSet,
    which: Bool[np.ndarray, " descending"],
    fpirs: Float64[np.ndarray, " rates"],
    counts: Float64[np.ndarray, " identities"] | None,
) -> Float64[np.ndarray, " rates"]:
    """Weighted share of the mated queries that are `which` and as near as at most that share of strangers is."""
    _, reaching = test.stranger_shares(counts)
    running = np.append(0.0, np.cumsum(test.mated_weights(counts) * which))
    # shares are sums of weights: half a part in 10^9 absorbs their rounding
    return running[np.searchsorted(reaching, fpirs + 5e-10, side="right")]
