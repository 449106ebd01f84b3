"""One system in the closed protocol: fitted once, asked once, and given one more identity."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int64, Shaped

from bench.systems.classifier import Classifier, Enrolls
from measure import bootstrap_interval, mean_per_identity

_SCORED_AT_ONCE = 1024


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
        lists = {name: tuple(kept[name]) for name in ("train", "test", "remarks")}
        return cls(**{**kept, **lists})


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
    start = time.perf_counter()
    classifier.fit(sides.references, sides.identities)
    fitting = time.perf_counter() - start
    adding = fitting
    if isinstance(classifier, Enrolls):
        classifier.fit(sides.references[~own], sides.identities[~own])
        start = time.perf_counter()
        classifier.enroll(sides.references[own], last)
        adding = time.perf_counter() - start
    known, _ = _right(classifier, sides.references, sides.identities)
    right, scoring = _right(classifier, sides.queries, sides.truth)
    return Figures(
        tuple(mean_per_identity(known, sides.identities, last + 1).tolist()),
        tuple(mean_per_identity(right, sides.truth, last + 1).tolist()),
        seconds_each * references + fitting,
        1000 * (seconds_each + scoring / len(sides.truth)),
        seconds_each * references / (last + 1) + adding,
        isinstance(classifier, Enrolls),
        getattr(classifier, "out_of_bag", None),
        tuple(getattr(classifier, "remarks", ())),
        os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    )


def _right(
    classifier: Classifier, inputs: Shaped[np.ndarray, "pictures ..."], truth: Int64[np.ndarray, " pictures"]
) -> tuple[Float64[np.ndarray, " pictures"], float]:
    """Is the best score the right identity's, and the seconds it took; of equal scores the first counts.

    So do scikit-learn's classifiers decide; neighbours and trees often score several identities the same.
    """
    best = []
    start = time.perf_counter()
    for first in range(0, len(inputs), _SCORED_AT_ONCE):
        scores: Float[np.ndarray, "pictures identities"] = classifier.scores(inputs[first : first + _SCORED_AT_ONCE])
        best.append(scores.argmax(axis=1))
    seconds = time.perf_counter() - start
    return (np.concatenate(best) == truth).astype(np.float64), seconds
