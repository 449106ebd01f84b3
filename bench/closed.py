"""One system in the closed protocol: fitted once, asked once, and given one more identity."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64, Shaped

from bench.systems.classifier import Classifier, Enrolls, Watches
from bench.systems.network_classifier import Epoch
from measure import bootstrap_interval, mean_per_identity

_SCORED_AT_ONCE = 1024

MOST_PAIRED = 60
"""More identities make a table of pairs that nobody reads."""


@dataclass(frozen=True)
class Figures:
    """What one system did; accuracies are shares in [0, 1], one of each identity that was asked about."""

    train: tuple[float, ...]
    """On the pictures that it learned from."""
    test: tuple[float, ...]
    fit_seconds: float
    """To describe the pictures and learn them."""
    query_ms: float
    """To describe and score one picture, in batches."""
    add_seconds: float
    """To describe an identity's pictures (as many as identities have on average) and know it beside the others."""
    enrolls: bool
    """Whether that took enrolling it alone; else everyone is learned again, from descriptions that are kept."""
    out_of_bag: float | None = None
    remarks: tuple[str, ...] = ()
    load: float | None = None
    """Processes that wanted a core at the time, this one among them, where the system tells."""
    top_3: tuple[float, ...] = ()
    """As `test`, where the right identity is among the best three (see `among_three`)."""
    shown: tuple[int, ...] = ()
    """Whom each picture that was asked about shows,"""
    named: tuple[int, ...] = ()
    """and who it was taken for."""
    pairs: tuple[tuple[float, ...], ...] = ()
    """For each two identities, where there are at most MOST_PAIRED: accuracy on their pictures, asked which of them."""
    course: tuple[Epoch, ...] = ()
    """How a network fared, epoch by epoch."""
    stopped: str = ""
    """Where a budget ended the fit early, after how many steps: these are not figures of the system's settings."""

    def accuracy(self) -> float:
        """On new pictures: the mean over identities, each with the same weight."""
        return float(np.mean(self.test))

    def train_accuracy(self) -> float:
        """The same on the pictures that it learned from."""
        return float(np.mean(self.train))

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy, by bootstrap over identities."""
        return bootstrap_interval(np.array(self.test))

    def as_json(self) -> dict[str, Any]:
        """All of it, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Figures:
        """What `as_json` gave."""
        lists = {name: tuple(kept[name]) for name in ("train", "test", "remarks", "top_3", "shown", "named")}
        pairs, course = tuple(map(tuple, kept["pairs"])), tuple(Epoch(**epoch) for epoch in kept["course"])
        return cls(**{**kept, **lists, "pairs": pairs, "course": course})


@dataclass(frozen=True)
class Sides:
    """Inputs and labels to learn from and to ask about; identities are numbered from 0, and each is on both sides."""

    references: Shaped[np.ndarray, "references ..."]
    identities: Int64[np.ndarray, " references"]
    queries: Shaped[np.ndarray, "queries ..."]
    truth: Int64[np.ndarray, " queries"]


def measure_closed(classifier: Classifier, sides: Sides, seconds_each: float) -> Figures:
    """Fit, ask, and add the last identity once more; `seconds_each` is what describing one picture took.

    A system that enrols is fitted on all identities but the last, and enrols that one: so it must be as good that way.
    """
    last = int(sides.identities.max())
    own = sides.identities == last
    references = len(sides.identities)
    if isinstance(classifier, Watches):
        classifier.watch(sides.queries, sides.truth)
    start = time.perf_counter()
    classifier.fit(sides.references, sides.identities)
    fitting = time.perf_counter() - start
    adding = fitting
    if isinstance(classifier, Enrolls):
        classifier.fit(sides.references[~own], sides.identities[~own])
        start = time.perf_counter()
        classifier.enroll(sides.references[own], last)
        adding = time.perf_counter() - start
    course = tuple(getattr(classifier, "course", ()))
    known, _ = _scored(classifier, sides.references)
    scores, scoring = _scored(classifier, sides.queries)
    named = scores.argmax(axis=1)  # of equal scores the first, as scikit-learn's classifiers decide

    def by_identity(right: Shaped[np.ndarray, " pictures"], truth: Int64[np.ndarray, " pictures"]) -> tuple[float, ...]:
        return tuple(mean_per_identity(right.astype(np.float64), truth, last + 1).tolist())

    return Figures(
        by_identity(known.argmax(axis=1) == sides.identities, sides.identities),
        by_identity(named == sides.truth, sides.truth),
        seconds_each * references + fitting,
        1000 * (seconds_each + scoring / len(sides.truth)),
        seconds_each * references / (last + 1) + adding,
        isinstance(classifier, Enrolls),
        getattr(classifier, "out_of_bag", None),
        tuple(getattr(classifier, "remarks", ())),
        os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        by_identity(among_three(scores, sides.truth), sides.truth),
        tuple(sides.truth.tolist()),
        tuple(named.tolist()),
        pair_accuracies(scores, sides.truth) if last < MOST_PAIRED else (),
        course,
        getattr(classifier, "stopped", ""),
    )


def among_three(
    scores: Float[np.ndarray, "pictures identities"], truth: Int64[np.ndarray, " pictures"]
) -> Float[np.ndarray, " pictures"]:
    """How surely the right identity is among the best three, in [0, 1]: equal scores share the places that are left.

    Whoever is named, the first of the best, is among them: so this is never below the accuracy.

    >>> among_three(np.array([[4.0, 3, 2, 1], [1, 1, 0, 1], [0, 0, 0, 1]]), np.array([3, 0, 2])).round(2).tolist()
    [0.0, 1.0, 0.67]
    """
    own = scores[np.arange(len(truth)), truth][:, None]
    left = 3 - (scores > own).sum(axis=1)
    share = np.clip(left / (scores == own).sum(axis=1), 0.0, 1.0)
    return np.where(scores.argmax(axis=1) == truth, 1.0, share)


def pair_accuracies(
    scores: Float[np.ndarray, "pictures identities"], truth: Int64[np.ndarray, " pictures"]
) -> tuple[tuple[float, ...], ...]:
    """For each two identities the accuracy on their pictures if only the two could be named; 1 on the diagonal.

    The mean of both identities' shares. Equal scores count one half.

    >>> pair_accuracies(np.float32([[3, 1, 0], [2, 1, 0], [0, 2, 1]]), np.int64([0, 1, 2]))
    ((1.0, 0.5, 1.0), (0.5, 1.0, 0.5), (1.0, 0.5, 1.0))
    """
    count = scores.shape[1]
    wins = np.zeros((count, count))
    for one in range(count):
        own = scores[truth == one]
        wins[one] = ((own[:, [one]] > own).mean(axis=0) + (own[:, [one]] >= own).mean(axis=0)) / 2
    accuracies = (wins + wins.T) / 2
    np.fill_diagonal(accuracies, 1.0)
    return tuple(tuple(row) for row in accuracies.tolist())


def _scored(
    classifier: Classifier, inputs: Shaped[np.ndarray, "pictures ..."]
) -> tuple[Float[np.ndarray, "pictures identities"], float]:
    """Everyone's scores for every picture, and the seconds they took."""
    parts = []
    start = time.perf_counter()
    for first in range(0, len(inputs), _SCORED_AT_ONCE):
        parts.append(classifier.scores(inputs[first : first + _SCORED_AT_ONCE]))
    seconds = time.perf_counter() - start
    return np.concatenate(parts), seconds
