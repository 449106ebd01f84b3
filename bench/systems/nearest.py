"""Identities by their nearest references, searched exactly: what every system on unit vectors shares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int64

from bench.systems import Variant
from index.voting import centroids, vote

_AHEAD = np.float32(4.0)  # more than the width of [-1, 1], in which similarities lie


class NearestReferences:
    """References as unit vectors, compared by inner product; every identity 0 to count - 1 needs one at least."""

    def __init__(
        self,
        references: Float32[np.ndarray, "references dim"],
        identities: Int64[np.ndarray, " references"],
        count: int,
    ) -> None:
        order = np.argsort(identities, kind="stable")
        self._references, self._identities = references[order], identities[order]
        whose, self._starts = np.unique(self._identities, return_index=True)
        if not np.array_equal(whose, np.arange(count)):
            raise ValueError(f"{count} identities need references, but only {len(whose)} have any")
        self._centroids = centroids(self._references, self._identities)[1]

    def scores(
        self, queries: Float32[np.ndarray, "queries dim"], variant: Variant
    ) -> Float32[np.ndarray, "queries identities"]:
        """Rank the candidates that got votes as the rule does; identities without a vote follow, by best similarity.

        The rest makes rank-5 comparable between values of k: with k = 1 there is but one candidate.
        """
        if variant.rule == "centroid":
            return queries @ self._centroids.T
        similarities = queries @ self._references.T
        nearest = nearest_columns(similarities, variant.k)
        votes = vote(np.take_along_axis(similarities, nearest, axis=1), self._identities[nearest], variant.rule)
        best = np.maximum.reduceat(similarities, self._starts, axis=1)
        places = votes.identities.shape[1]
        ahead = _AHEAD + np.arange(places, 0, -1, dtype=np.float32)
        padded = np.concatenate([best, np.zeros((len(best), 1), np.float32)], axis=1)  # where identity -1 is put
        np.put_along_axis(padded, votes.identities, np.broadcast_to(ahead, votes.identities.shape), axis=1)
        return padded[:, :-1]

    def neighbours(self, queries: Float32[np.ndarray, "queries dim"], count: int) -> Int64[np.ndarray, "queries count"]:
        """The identities of the nearest references, nearest first, -1 past the last."""
        found = self._identities[nearest_columns(queries @ self._references.T, count)]
        return np.pad(found, ((0, 0), (0, count - found.shape[1])), constant_values=-1)


class KeepsReferences:
    """A system that is fitted by keeping its references' features, which are unit vectors."""

    def fit(
        self,
        references: Float32[np.ndarray, "references dim"],
        identities: Int64[np.ndarray, " references"],
        count: int,
    ) -> NearestReferences:
        """Keep the references."""
        return NearestReferences(references, identities, count)


class NearestNeighbour(KeepsReferences):
    """Such a system that asks the nearest reference alone."""

    def variants(self, rules: Sequence[str], ks: Sequence[int]) -> list[Variant]:
        """1-NN, whatever is asked for."""
        return [Variant("nearest", 1)]


def nearest_columns(
    similarities: Float32[np.ndarray, "queries references"], count: int
) -> Int64[np.ndarray, "queries nearest"]:
    """Columns of the `count` highest (of all, where there are fewer), highest first, the first of equals first."""
    if count < similarities.shape[1]:
        columns = np.sort(np.argpartition(-similarities, count - 1, axis=1)[:, :count], axis=1)
    else:
        columns = np.broadcast_to(np.arange(similarities.shape[1]), similarities.shape)
    order = np.argsort(-np.take_along_axis(similarities, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
