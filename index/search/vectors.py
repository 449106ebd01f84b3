"""Vectors under positions, and the nearest of them by the fastest exact route."""

from __future__ import annotations

from functools import partial
from io import BufferedIOBase

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int64

from index.search.candidates import Candidates, float32_bound, live, rank, settle
from index.search.gpu import GpuVectors, gpu_vectors
from index.search.product import all_similarities, nearest_by_product
from index.search.proposal import can_propose, propose_candidates
from index.search.routes import Route, fastest_route
from index.search.scan import HeldVectors

MOST_NEIGHBOURS = 2000
"""The largest k: a little below the 2,048 that FAISS allows on a GPU, so that answers are the same everywhere."""

QUERIES_AT_ONCE = 256
"""More queries are taken in turns, which bounds what they need in memory."""

Found = tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]


class VectorSearch:
    """Float16 unit vectors (within 1 %) under positions 0, 1, 2 …, searched exactly (but see `approximate_beyond`).

    The similarities are those of the stored float16 numbers with the float32 query, summed in float64 and rounded to
    float32; equal ones are ordered by position. They do not depend on the route, the batch or the device. Vectors can
    be added, not taken out: who owns the search says with each question which positions are removed.
    """

    def __init__(self, dimension: int, device: str = "auto") -> None:
        """`device` is `auto` (all GPUs that FAISS sees, else the CPU), `cpu`, or `cuda:N`.

        Raises MissingDependency without FAISS, or without the GPU that was asked for.
        """
        self.dimension = dimension
        self._held = HeldVectors(dimension)
        self._gpu: GpuVectors | None = gpu_vectors(dimension, device)
        self.approximate_beyond: int | None = None
        """More vectors than this, where a GPU cannot hold them in float16, it may search approximately; None: never."""

    @property
    def device(self) -> str:
        """Where the search runs: `cpu`, `cuda:N`, or several of these with commas."""
        return self._gpu.device(len(self)) if self._gpu is not None else "cpu"

    def __len__(self) -> int:
        return len(self._held)

    def reserve(self, count: int) -> None:
        """Make room for `count` vectors in all, so that adding up to then moves nothing."""
        self._held.reserve(count)

    def add(self, vectors: Float16[np.ndarray, "vectors dim"]) -> None:
        """Append vectors; their positions go on from `len(self)`. Raises ValueError for another dimension."""
        if vectors.shape[1] != self.dimension:
            raise ValueError(f"vectors of {vectors.shape[1]} numbers do not fit a search over {self.dimension}")
        self._held.add(vectors)

    def read(self, file: BufferedIOBase, count: int) -> None:
        """Append `count` rows of a file of little-endian float16. Raises GalleryDamaged where it ends early."""
        self._held.read(file, count)

    def vectors(self) -> Float16[np.ndarray, "vectors dim"]:
        """All vectors by position: a view of the search's own memory, valid until vectors are added."""
        return self._held.view()

    def search(
        self, queries: Float32[np.ndarray, "queries dim"], k: int, removed: Bool[np.ndarray, " vectors"] | None = None
    ) -> Found:
        """The k nearest positions of each query, best first, with their similarities; past the last: -inf and -1.

        `removed` marks positions that are never given. Raises ValueError for a wrong dimension, or a k out of range.
        """
        vectors = self.vectors()
        _check(queries, k, vectors)
        return _in_turns(lambda some: self._candidates(vectors, some, k, removed), vectors, queries, k)

    def _candidates(
        self,
        vectors: Float16[np.ndarray, "vectors dim"],
        queries: Float32[np.ndarray, "queries dim"],
        k: int,
        removed: Bool[np.ndarray, " vectors"] | None,
    ) -> Candidates:
        if self._gpu is not None:
            self._gpu.follow(vectors, removed, self.approximate_beyond)
            if self._gpu.usable:
                return self._gpu.candidates(vectors, queries, k, removed)
        if fastest_route(len(vectors), len(queries), can_propose=can_propose()) is Route.SCAN:
            everything = partial(all_similarities, vectors, removed=removed)
            propose = partial(self._held.scan, removed=removed)
            count = live(removed, len(vectors))
            return settle(propose, everything, queries, k, float32_bound(self.dimension), count)
        return _by_matrix(vectors, queries, k, removed)


def nearest(
    vectors: Float16[np.ndarray, "vectors dim"],
    queries: Float32[np.ndarray, "queries dim"],
    k: int,
    removed: Bool[np.ndarray, " vectors"] | None = None,
) -> Found:
    """As `VectorSearch.search`, on the CPU, over an array that somebody else owns; k may be any number.

    >>> near, where = nearest(np.eye(3, dtype=np.float16), np.float32([[0.6, 0.8, 0.0]]), 2)
    >>> near.round(2).tolist(), where.tolist()
    ([[0.8, 0.6]], [[1, 0]])
    """
    _check(queries, k, vectors, most=max(1, len(vectors)))
    return _in_turns(lambda some: _by_matrix(vectors, some, k, removed), vectors, queries, k)


def _by_matrix(
    vectors: Float16[np.ndarray, "vectors dim"],
    queries: Float32[np.ndarray, "queries dim"],
    k: int,
    removed: Bool[np.ndarray, " vectors"] | None,
) -> Candidates:
    if fastest_route(len(vectors), len(queries), can_propose=can_propose()) is Route.PROPOSAL:
        return propose_candidates(vectors, queries, k, removed)
    everything = partial(all_similarities, vectors, removed=removed)
    propose = partial(_product, vectors, removed)
    return settle(propose, everything, queries, k, float32_bound(vectors.shape[1]), live(removed, len(vectors)))


def _product(vectors, removed, queries, k):
    return nearest_by_product(vectors, queries, k, removed)


def _in_turns(candidates, vectors, queries, k) -> Found:
    near = np.full((len(queries), k), -np.inf, np.float32)
    where = np.full((len(queries), k), -1, np.int64)
    if len(vectors):
        queries = np.ascontiguousarray(queries)
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            some = slice(start, start + QUERIES_AT_ONCE)
            near[some], where[some] = rank(vectors, queries[some], candidates(queries[some]), k)
    return near, where


def _check(queries: np.ndarray, k: int, vectors: np.ndarray, most: int = MOST_NEIGHBOURS) -> None:
    if queries.shape[1] != vectors.shape[1]:
        raise ValueError(f"queries of {queries.shape[1]} numbers do not fit a search over {vectors.shape[1]}")
    if not 1 <= k <= most:
        raise ValueError(f"k must be between 1 and {most}, not {k}")
