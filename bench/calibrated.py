"""The references of one draw, calibrated and asked as a gallery calibrates itself and is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt64

from bench.systems import Variant
from bench.systems.nearest import nearest_columns
from index.calibration import Outcomes, margins, null_scores, outcomes_as_mated, outcomes_as_strangers
from index.conformal import NullScores
from index.neighbourhoods import DEPTH, find_neighbourhoods, sample
from index.records import Vectors
from index.voting import centroids, vote


@dataclass(frozen=True)
class Asked:
    """The best candidate of each query."""

    named: Int64[np.ndarray, " queries"]
    scores: Float64[np.ndarray, " queries"]
    margins: Float64[np.ndarray, " queries"]
    """By how much it beats the runner-up: see `index.calibration.margins`."""


class CalibratedReferences:
    """References as unit vectors, kept in float16 as a gallery keeps them, each from another picture."""

    def __init__(
        self,
        references: Float32[np.ndarray, "references dim"],
        identities: Int64[np.ndarray, " references"],
        hashes: UInt64[np.ndarray, " references"],
        k: int,
    ) -> None:
        numbers = np.arange(len(references))
        self._held = Vectors(numbers, identities, numbers.astype(np.uint64), hashes, references.astype(np.float16))
        self._known = find_neighbourhoods(self._held, sample(numbers, identities), max(k, DEPTH))
        self._encodings = self._held.encodings.astype(np.float32)
        self._centroids = centroids(self._held.encodings, identities)

    def calibrate(self, variant: Variant) -> tuple[NullScores, Outcomes]:
        """The scores of the references as strangers, and their outcomes as mated queries."""
        strangers = outcomes_as_strangers(self._known, self._held, variant.k, variant.rule)
        return null_scores(strangers), outcomes_as_mated(self._known, self._held, variant.k, variant.rule)

    def ask(self, queries: Float32[np.ndarray, "queries dim"], variant: Variant) -> Asked:
        """The best candidate for each query, as a gallery would name it."""
        whose, means = self._centroids if variant.rule == "centroid" else (self._held.identities, self._encodings)
        similarities = np.clip(queries @ means.T, -1, 1)
        nearest = nearest_columns(similarities, variant.k)
        votes = vote(np.take_along_axis(similarities, nearest, axis=1), whose[nearest], variant.rule)
        return Asked(votes.identities[:, 0], votes.scores[:, 0].astype(np.float64), margins(votes))

    def nearest_of(
        self, queries: Float32[np.ndarray, "queries dim"], identities: Int64[np.ndarray, " queries"]
    ) -> Int64[np.ndarray, " queries"]:
        """For each query, the position of the nearest reference of the given identity."""
        similarities = queries @ self._encodings.T
        return np.where(self._held.identities == identities[:, None], similarities, -np.inf).argmax(axis=1)
