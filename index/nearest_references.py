"""The nearest references of queries that stay, while the gallery changes: found once, then kept current."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from index.records import Change, Vectors
from index.search import nearest
from index.search.candidates import float32_bound

_PAIRS = 1 << 22


@dataclass(frozen=True)
class NetChanges:
    """What a stretch of a journal comes to."""

    identities: Int64[np.ndarray, " identities"]
    """Who gained or lost references, ascending."""
    added: Int64[np.ndarray, " added"]
    """Ids of references that were not enrolled before and are now, ascending."""
    gone: Int64[np.ndarray, " gone"]
    """Ids of references that were enrolled before and are not any more, ascending."""

    @classmethod
    def of(cls, journal: Sequence[Change]) -> NetChanges:
        """The journal's rows, in order, taken together.

        >>> NetChanges.of([Change(1, 7, None, 3), Change(2, 8, 3, 4), Change(3, 7, 3, None), Change(4, 8, 4, None)])
        NetChanges(identities=array([3, 4]), added=array([], dtype=int64), gone=array([8]))
        """
        before: dict[int, int | None] = {}
        after: dict[int, int | None] = {}
        for change in journal:
            before.setdefault(change.reference, change.before)
            after[change.reference] = change.after
        touched = {identity for change in journal for identity in (change.before, change.after) if identity is not None}
        added = [reference for reference, was in before.items() if was is None and after[reference] is not None]
        gone = [reference for reference, was in before.items() if was is not None and after[reference] is None]
        return cls(*(np.array(sorted(of), np.int64) for of in (touched, added, gone)))

    def __bool__(self) -> bool:
        return bool(len(self.identities))


@dataclass(frozen=True)
class NearestReferences:
    """The nearest references of each query, best first, equal ones by age; past the last: similarity -inf, id -1."""

    similarities: Float32[np.ndarray, "queries depth"]
    """Inner products; those of float16 encodings may exceed 1 by a little."""
    references: Int64[np.ndarray, "queries depth"]
    """Ids."""

    @classmethod
    def none(cls, queries: int, depth: int) -> NearestReferences:
        """Of so many queries without any reference."""
        return cls(np.full((queries, depth), -np.inf, np.float32), np.full((queries, depth), -1, np.int64))

    def __len__(self) -> int:
        return len(self.references)

    @property
    def least(self) -> Float32[np.ndarray, " queries"]:
        """The lowest similarity that is kept of each query."""
        return self.similarities[:, -1]

    @property
    def depth(self) -> int:
        """How many are kept of each query."""
        return self.references.shape[1]

    def select(self, which: np.ndarray) -> NearestReferences:
        """Those of some queries, by mask or positions."""
        return NearestReferences(self.similarities[which], self.references[which])

    def joined(self, other: NearestReferences) -> NearestReferences:
        """Those of these queries and of others."""
        return NearestReferences(
            np.concatenate([self.similarities, other.similarities]), np.concatenate([self.references, other.references])
        )

    def among(self, references: Int64[np.ndarray, " some"]) -> Bool[np.ndarray, " queries"]:
        """Which queries have one of these references among their nearest."""
        if not len(references):
            return np.zeros(len(self), bool)
        return np.asarray(np.isin(self.references, references).any(axis=1))

    def merged(self, more: NearestReferences) -> NearestReferences:
        """The nearest of these and of other references, of the same queries."""
        if not more.depth:
            return self
        rows = np.flatnonzero((more.similarities[:, 0] >= self.similarities[:, -1]) & (more.references[:, 0] >= 0))
        similarities = np.concatenate([self.similarities[rows], more.similarities[rows]], axis=1)
        references = np.concatenate([self.references[rows], more.references[rows]], axis=1)
        order = np.lexsort((references, -similarities), axis=-1)[:, : self.depth]
        together = NearestReferences(self.similarities.copy(), self.references.copy())
        together.similarities[rows] = np.take_along_axis(similarities, order, axis=1)
        together.references[rows] = np.take_along_axis(references, order, axis=1)
        return together


def nearest_added(
    held: Vectors,
    queries: Float32[np.ndarray, "queries dim"],
    added: Int64[np.ndarray, " added"],
    depth: int,
    least: Float32[np.ndarray, " queries"],
) -> NearestReferences:
    """Of each query the nearest of some references, given by their ids; none of a query where all are below `least`."""
    depth = min(depth, len(added))
    found = NearestReferences.none(len(queries), depth)
    if not depth or not len(queries):
        return found
    encodings = held.encodings[np.searchsorted(held.references, added)]
    columns = encodings.astype(np.float32).T
    step = max(1, _PAIRS // len(added))
    best = np.concatenate([(queries[at : at + step] @ columns).max(axis=1) for at in range(0, len(queries), step)])
    rows = np.flatnonzero(best >= least - 2 * float32_bound(queries.shape[1]))  # mostly few
    similarities, positions = nearest(encodings, queries[rows], depth)
    found.similarities[rows] = similarities
    found.references[rows] = np.where(positions >= 0, added[positions], -1)
    return found


def nearest_references(
    held: Vectors,
    queries: Float32[np.ndarray, "queries dim"],
    depth: int,
    without: Int64[np.ndarray, " positions"] | None = None,
) -> NearestReferences:
    """The nearest enrolled references of each query, without those at some positions."""
    found = NearestReferences.none(len(queries), depth)
    if not len(queries) or not len(held.references):
        return found
    removed = held.identities < 0
    if without is not None:
        removed[without] = True
    k = min(depth, len(held.references))
    similarities, positions = held.nearest(queries, k, removed if removed.any() else None)
    found.similarities[:, :k] = similarities
    found.references[:, :k] = np.where(positions >= 0, held.references[positions], -1)
    return found


def whose(references: Int64[np.ndarray, "*shape"], held: Vectors) -> Int64[np.ndarray, "*shape"]:
    """Whose the references are today; -1 for none. All of them must be held."""
    if not len(held.references):
        return np.full(references.shape, -1, np.int64)
    wanted, back = np.unique(references, return_inverse=True)  # looked up in order, which is faster by far
    at = np.searchsorted(held.references, np.maximum(wanted, held.references[0]))
    return np.where(wanted >= 0, held.identities[at], -1)[back].reshape(references.shape)
