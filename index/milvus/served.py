"""References whose encodings stay on the server, which searches them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
from jaxtyping import Bool, Float32, Int64

from data.errors import GalleryError
from index.fetched_rows import FetchedRows
from index.milvus.connection import MOST_HITS, Connection
from index.records import Vectors
from index.search.candidates import MORE, Candidates, float32_bound, rank, settle

_REMEMBERED = 32_768
"""Rows kept in memory, because what was read is mostly asked for again at once."""

_MOST_LEFT_OUT = 65_536
_PIECE = 8192
_QUERIES_AT_ONCE = 256

_DEEPER = 4
"""By how much more than k an approximate index is asked for, to be ranked here."""

Found = tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]
Read = Callable[[Int64[np.ndarray, " wanted"], Int64[np.ndarray, " wanted"]], Vectors]
"""From ids, and whose they are, to the references with all that belongs to them."""


class ServedReferences:
    """References of a kind on the server: rows are read when they are asked for, and the server searches.

    Other rows of the collection, which are removed references or were written and never enrolled, are never given.
    """

    def __init__(
        self,
        connection: Connection,
        collection: str,
        references: Int64[np.ndarray, " references"],
        identities: Int64[np.ndarray, " references"],
        read: Read,
        before: ServedReferences | None = None,
    ) -> None:
        """`references` are all that are enrolled, ascending; `before` is how it was at an earlier revision."""
        self.references = references
        self.identities = identities
        self._connection = connection
        self._collection = collection
        self._read = read
        self._recent = read(references[:0], identities[:0])
        in_the_way = before._in_the_way if before else np.empty(0, np.int64)
        self._in_the_way: np.ndarray = in_the_way[self._positions(in_the_way) < 0]

    @cached_property
    def index(self) -> str:
        """The type of the server's index, in Milvus's words."""
        return self._connection.index(self._collection, "encoding")

    @property
    def exact(self) -> bool:
        """Whether the server's index compares a query with every reference."""
        return self.index == "FLAT"

    @property
    def dimension(self) -> int:
        """Of the encodings."""
        return self._recent.encodings.shape[1]

    def vectors(self) -> Vectors:
        """The references as arrays that are read when they are asked for."""
        return ServedVectors(self)

    def rows(self, name: str) -> FetchedRows:
        """All `encodings`, `pictures` or `hashes`, to be read when some are asked for."""
        shape = (len(self.references), self.dimension) if name == "encodings" else (len(self.references),)
        return FetchedRows(shape, partial(self.column, name))

    def column(self, name: str, positions: Int64[np.ndarray, " wanted"]) -> np.ndarray:
        """`encodings`, `pictures` or `hashes` of the references at some positions."""
        wanted, back = np.unique(positions, return_inverse=True)
        starts = range(0, max(1, len(wanted)), _PIECE)
        parts = [getattr(self._rows(wanted[start : start + _PIECE]), name) for start in starts]
        return (np.concatenate(parts) if len(parts) > 1 else parts[0])[back]

    def _rows(self, positions: Int64[np.ndarray, " wanted"]) -> Vectors:
        """The references at ascending positions, from memory as far as they are there."""
        recent = self._recent
        missing = positions[~np.isin(self.references[positions], recent.references)]
        if len(missing):
            recent = _together(recent, self._read(self.references[missing], self.identities[missing]))
        found = _at(recent, np.searchsorted(recent.references, self.references[positions]))
        self._recent = recent if len(recent.references) <= _REMEMBERED else found
        return found

    def nearest(
        self,
        queries: Float32[np.ndarray, "queries dim"],
        k: int,
        removed: Bool[np.ndarray, " references"] | None = None,
    ) -> Found:
        """The k nearest positions of each query, best first, with their similarities; past the last: -inf and -1.

        What `index.search.nearest` gives, where the server's index is exact; else those of what the index finds.
        """
        near = np.full((len(queries), k), -np.inf, np.float32)
        where = np.full((len(queries), k), -1, np.int64)
        for start in range(0, len(queries), _QUERIES_AT_ONCE):
            some = slice(start, start + _QUERIES_AT_ONCE)
            near[some], where[some] = self.rank(queries[some], self._candidates(queries[some], k, removed), k)
        return near, where

    def rank(self, queries: Float32[np.ndarray, "queries dim"], candidates: Candidates, k: int) -> Found:
        """What `index.search.candidates.rank` gives, of encodings that are read for it."""
        positions, back = np.unique(candidates.positions, return_inverse=True)
        encodings = self.column("encodings", positions)
        near, where = rank(encodings, queries, Candidates(candidates.queries, back), k)
        return near, np.where(where >= 0, np.append(positions, -1)[where], -1)

    def _candidates(
        self, queries: Float32[np.ndarray, "queries dim"], k: int, removed: Bool[np.ndarray, " references"] | None
    ) -> Candidates:
        without = np.empty(0, np.int64) if removed is None else self.references[removed]
        count = len(self.references) - len(without)
        if self.exact or k + MORE > MOST_HITS:
            propose, everything = partial(self._propose, without), partial(self._everything, removed)
            return settle(propose, everything, queries, k, float32_bound(self.dimension), count, MOST_HITS)
        _, positions = self._propose(without, queries, min(MOST_HITS, MORE + _DEEPER * k))
        row, column = np.nonzero(positions >= 0)
        return Candidates(row, positions[row, column])

    def _propose(self, without: Int64[np.ndarray, " _"], queries: Float32[np.ndarray, "queries dim"], k: int) -> Found:
        """What the server finds among the references that count.

        Where another row is among the nearest it takes a reference's place, so the query is asked again without it.
        """
        similarities = np.full((len(queries), k), -np.inf, np.float32)
        positions = np.full((len(queries), k), -1, np.int64)
        rows = np.arange(len(queries))
        while len(rows):
            left_out = np.union1d(without, self._in_the_way).tolist()
            near, keys = self._connection.nearest(self._collection, "encoding", queries[rows], k, left_out)
            where = self._positions(keys)
            near = np.where(where >= 0, near, np.float32(-np.inf))
            order = np.argsort(-near, axis=1, kind="stable")
            similarities[rows], positions[rows] = (
                np.take_along_axis(near, order, 1),
                np.take_along_axis(where, order, 1),
            )
            idle = (keys >= 0) & (where < 0)
            short = idle.any(axis=1) & (keys[:, -1] >= 0)
            self._leave_out(np.unique(keys[short][idle[short]]))
            rows = rows[short]
        return similarities, positions

    def _leave_out(self, idle: Int64[np.ndarray, " idle"]) -> None:
        self._in_the_way = np.union1d(self._in_the_way, idle)
        if len(self._in_the_way) > _MOST_LEFT_OUT:
            raise GalleryError(
                f"more than {_MOST_LEFT_OUT:,} removed references lie nearer to what is asked than enrolled ones: copy "
                "the gallery to an empty place with `kaodex gallery copy`, which leaves removed ones behind"
            )

    def _positions(self, keys: Int64[np.ndarray, "*shape"]) -> Int64[np.ndarray, "*shape"]:
        """Where these references stand; -1 for what is not enrolled."""
        if not len(self.references):
            return np.full(keys.shape, -1)
        at = np.minimum(np.searchsorted(self.references, keys), len(self.references) - 1)
        return np.where(self.references[at] == keys, at, -1)

    def _everything(
        self, removed: Bool[np.ndarray, " references"] | None, query: Float32[np.ndarray, " dim"]
    ) -> Float32[np.ndarray, " references"]:
        """The query's similarity to each reference, by reading all."""
        similarities = np.empty(len(self.references), np.float32)
        for start in range(0, len(similarities), _PIECE):
            some = np.arange(start, min(start + _PIECE, len(similarities)))
            similarities[some] = self.column("encodings", some).astype(np.float32) @ query
        if removed is not None:
            similarities[removed] = -np.inf
        return similarities


class ServedVectors(Vectors):
    """References of which only ids and identities are in memory: 16 bytes a reference."""

    def __init__(self, served: ServedReferences) -> None:
        columns = {name: served.rows(name) for name in ("pictures", "hashes", "encodings")}
        # the record is frozen
        self.__dict__.update(references=served.references, identities=served.identities, **columns, _served=served)

    def nearest(
        self,
        queries: Float32[np.ndarray, "queries dim"],
        k: int,
        removed: Bool[np.ndarray, " references"] | None = None,
    ) -> Found:
        """What the server finds: see `ServedReferences.nearest`."""
        served: ServedReferences = self.__dict__["_served"]
        return served.nearest(queries, k, removed)

    def rank(self, queries: Float32[np.ndarray, "queries dim"], candidates: Candidates, k: int) -> Found:
        """The k nearest of some candidates of each query: see `ServedReferences.rank`."""
        served: ServedReferences = self.__dict__["_served"]
        return served.rank(queries, candidates, k)


def _at(held: Vectors, positions: Int64[np.ndarray, " some"]) -> Vectors:
    return Vectors(*(column[positions] for column in vars(held).values()))


def _together(one: Vectors, other: Vectors) -> Vectors:
    """Both, in ascending order of ids."""
    columns = [np.concatenate(pair) for pair in zip(vars(one).values(), vars(other).values(), strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Vectors(*(column[order] for column in columns))
