"""Search through a graph of earlier vectors: most of the nearest in a small part of the time, exactly ranked."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int64

from index.search.approximate_graph import VectorGraph
from index.search.vectors import Found, nearest

MEASURED_K = 10
"""The k for which a width is chosen; for a larger k as many more candidates are looked at."""

_SPARE = 4
"""Candidates ranked again beyond k, at least: 8 bits misplace neighbours by a place or two."""

_WIDEST = 4096
_NUMBERS_AT_ONCE = 1 << 22


class ApproximateSearch:
    """The nearest vectors by a graph that covers most of them.

    The graph's rows are references by their ids; `follow` says at which positions these stand today. References that
    the graph does not cover are searched exactly, removed ones are never given. Similarities and order are those of
    the exact search; what may be missing is a neighbour.
    """

    def __init__(self, graph: VectorGraph, covered: Int64[np.ndarray, " rows"], width: int) -> None:
        """`covered` are the ids of the graph's rows, `width` how many candidates a query looks at for k up to 10.

        Raises ValueError where the graph has another number of rows.
        """
        if len(graph) != len(covered):
            raise ValueError(f"a graph of {len(graph):,} rows does not fit {len(covered):,} references")
        self._graph = graph
        self.width = width
        self._order = np.argsort(covered, kind="stable")
        self._covered = covered[self._order]
        self._positions = np.full(len(covered) + 1, -1, np.int64)
        self._uncovered = np.zeros(0, np.int64)
        self.live = 0

    def __len__(self) -> int:
        """How many references the graph covers, today's or not."""
        return len(self._covered)

    @property
    def uncovered(self) -> int:
        """How many of today's references the graph does not cover."""
        return len(self._uncovered)

    @property
    def missing(self) -> float:
        """How far the graph is from today's references: those not covered, and rows that are gone, per row."""
        return (self.uncovered + len(self) - self.live) / max(1, len(self))

    def follow(
        self, references: Int64[np.ndarray, " references"], removed: Bool[np.ndarray, " references"] | None
    ) -> None:
        """Take today's references, by ascending ids, and which of them are removed; call it after every change."""
        enrolled = np.ones(len(references), bool) if removed is None else ~removed
        if not len(references):
            self._positions[:], self._uncovered, self.live = -1, np.zeros(0, np.int64), 0
            return
        if len(references) >= len(self) and np.array_equal(references[: len(self)], self._covered):
            places = np.arange(len(self))
        else:
            places = np.searchsorted(references, self._covered)
            places[references[np.minimum(places, len(references) - 1)] != self._covered] = -1
        places = np.where((places >= 0) & enrolled[places], places, -1)
        self._positions[self._order] = places  # one more place stands behind, for row -1
        here = places[places >= 0]
        self.live = len(here)
        enrolled[here] = False
        self._uncovered = np.flatnonzero(enrolled)

    def search(
        self,
        vectors: Float16[np.ndarray, "references dim"],
        queries: Float32[np.ndarray, "queries dim"],
        k: int,
        removed: Bool[np.ndarray, " references"] | None = None,
    ) -> Found:
        """As `VectorSearch.search` over today's `vectors`, of which some of the nearest may be missed."""
        wanted = k + max(_SPARE, k // 4)
        near = np.full((len(queries), k), -np.inf, np.float32)
        where = np.full((len(queries), k), -1, np.int64)
        turn = max(1, min(256, _NUMBERS_AT_ONCE // (wanted * vectors.shape[1])))
        for start in range(0, len(queries), turn):
            some = slice(start, start + turn)
            near[some], where[some] = self._search(vectors, queries[some], k, wanted, removed)
        return near, where

    def _search(self, vectors, queries, k, wanted, removed) -> Found:
        positions = self._propose(queries, k, min(wanted, self.live))
        given_up = np.flatnonzero(positions[:, :1].min(axis=1, initial=0) == -2)
        similarities = np.matmul(vectors[positions].astype(np.float64), queries.astype(np.float64)[:, :, None])
        near = np.where(positions >= 0, similarities[:, :, 0], -np.inf).astype(np.float32)
        if len(self._uncovered):
            new = self._nearest_uncovered(vectors, queries, k)
            near, positions = np.hstack([near, new[0]]), np.hstack([positions, new[1]])
        near, positions = _best(near, positions, k)
        if len(given_up):
            near[given_up], positions[given_up] = nearest(vectors, queries[given_up], k, removed)
        return near, positions

    def _propose(
        self, queries: Float32[np.ndarray, "queries dim"], k: int, wanted: int
    ) -> Int64[np.ndarray, "queries wanted"]:
        """Positions of candidates, roughly best first; a row of -2 where too few could be found."""
        found = np.full((len(queries), wanted), -2, np.int64)
        rows = np.arange(len(queries))
        width = max(wanted, -(-self.width * k // MEASURED_K), self.width)
        while len(rows) and wanted:
            positions = self._positions[self._graph.propose(queries[rows], width)]
            if self.live < len(self):  # who was removed makes room for the next
                positions = np.take_along_axis(positions, np.argsort(positions < 0, axis=1, kind="stable"), 1)
            enough = positions[:, wanted - 1] >= 0
            found[rows[enough]] = positions[enough, :wanted]
            rows = rows[~enough]
            if width >= max(_WIDEST, wanted):
                break
            width *= 4
        return found

    def _nearest_uncovered(self, vectors, queries, k) -> Found:
        first, last = int(self._uncovered[0]), int(self._uncovered[-1]) + 1
        together = last - first == len(self._uncovered)  # what came since stands at the end
        some = vectors[first:last] if together else vectors[self._uncovered]
        near, where = nearest(some, queries, min(k, len(some)))
        return near, np.where(where >= 0, self._uncovered[where], -1)


def _best(near, positions, k) -> Found:
    """The best k of each row; equal ones by position; past the last -inf and -1."""
    order = np.lexsort((positions, -near), axis=-1)[:, :k]
    near, positions = np.take_along_axis(near, order, 1), np.take_along_axis(positions, order, 1)
    short = k - near.shape[1]
    if short > 0:
        near = np.pad(near, ((0, 0), (0, short)), constant_values=-np.inf)
        positions = np.pad(positions, ((0, 0), (0, short)), constant_values=-1)
    return near, np.where(np.isneginf(near), -1, positions)
