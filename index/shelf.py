"""References of one kind in memory, and the search over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int64, UInt64

from index.records import EncoderStamp, Vectors
from index.search import MOST_NEIGHBOURS, VectorSearch
from index.store import Store
from index.voting import centroids

REMOVED = -1
MOST_TOMBSTONES = 256
MOST_K = MOST_NEIGHBOURS - MOST_TOMBSTONES


@dataclass(frozen=True)
class Neighbours:
    """The nearest references of each query, best first; past the last: similarity -inf, reference and identity -1."""

    similarities: Float32[np.ndarray, "queries k"]
    references: Int64[np.ndarray, "queries k"]
    identities: Int64[np.ndarray, "queries k"]


class Shelf:
    """Ids, identities and hashes of references, and the search over their encodings, as of one revision.

    A removed reference is a tombstone: identity -1.
    """

    references: Int64[np.ndarray, " references"]
    """Ids, ascending."""
    identities: Int64[np.ndarray, " references"]
    """Whose each reference is; -1 where it was removed."""
    pictures: UInt64[np.ndarray, " references"]
    """The first 64 bits of the picture file's SHA-256: faces of one picture share it."""
    hashes: UInt64[np.ndarray, " references"]
    """Perceptual hashes of the crops."""

    encoder: EncoderStamp | None = None
    """Which encoder made the encodings, where a gallery tells."""

    def __init__(self, kind: str, held: Vectors, dimension: int | None, revision: int, device: str = "auto") -> None:
        self.kind = kind
        self._device = device
        self._fill(held, dimension, revision)

    def _fill(self, held: Vectors, dimension: int | None, revision: int) -> None:
        self.revision = revision
        self.references, self.identities = held.references, held.identities
        self.pictures, self.hashes = held.pictures, held.hashes
        self._search = None if dimension is None else VectorSearch(dimension, self._device)
        if self._search is not None:
            self._search.add(held.encodings)
        self._centroids: tuple[int, np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        return int((self.identities != REMOVED).sum())

    def only(self, identities: Sequence[int]) -> Shelf:
        """A shelf of these identities' references alone."""
        which = np.isin(self.identities, list(identities)) & (self.identities != REMOVED)
        held = Vectors(
            self.references[which],
            self.identities[which],
            self.pictures[which],
            self.hashes[which],
            self.encodings[which] if self._search is not None else np.empty((0, 0), np.float16),
        )
        dimension = None if self._search is None else self._search.dimension
        shelf = Shelf(self.kind, held, dimension, self.revision, self._device)
        shelf.encoder = self.encoder
        return shelf

    @property
    def encodings(self) -> Float16[np.ndarray, "references dim"]:
        """All encodings in the order of `references`, removed ones too; read from the search, without a copy of all."""
        return self._search.vectors() if self._search is not None else np.empty((0, 0), np.float16)

    @property
    def device(self) -> str:
        """Where the search runs: `cpu` or `cuda:N`."""
        return self._search.device if self._search is not None else "cpu"

    def search(self, queries: Float32[np.ndarray, "queries dim"], k: int) -> Neighbours:
        """The k nearest enrolled references. Raises ValueError for a wrong dimension, or a k out of range."""
        if not 1 <= k <= MOST_K:
            raise ValueError(f"k must be between 1 and {MOST_K}, not {k}")
        if self._search is None or not len(self.references):
            nobody = np.full((len(queries), k), -1, np.int64)
            return Neighbours(np.full((len(queries), k), -np.inf, np.float32), nobody, nobody)
        tombstones = len(self.references) - len(self)
        similarities, positions = self._search.search(queries, k + tombstones)
        identities = np.where(positions >= 0, self.identities[positions], REMOVED)
        references = np.where(identities != REMOVED, self.references[positions], -1)
        similarities = np.where(identities != REMOVED, np.clip(similarities, -1, 1), np.float32(-np.inf))
        # equal similarities by age, so that an answer never depends on the order in which FAISS meets them
        order = np.lexsort((references, -similarities), axis=-1)[:, :k]
        return Neighbours(*(np.take_along_axis(of, order, axis=1) for of in (similarities, references, identities)))

    def neighbours(self, queries: Float32[np.ndarray, "queries dim"], k: int, rule: str) -> Neighbours:
        """Who votes under a rule: the k nearest references, or with `centroid` the k nearest centroids."""
        return self.search_centroids(queries, k) if rule == "centroid" else self.search(queries, k)

    def search_centroids(self, queries: Float32[np.ndarray, "queries dim"], k: int) -> Neighbours:
        """The k identities whose centroids are nearest; the reference of each is -1."""
        if self._centroids is None or self._centroids[0] != self.revision:
            self._centroids = (self.revision, *centroids(self.encodings, self.identities))
        _, whose, means = self._centroids
        found = min(k, len(whose))
        similarities = np.full((len(queries), k), -np.inf, np.float32)
        identities = np.full((len(queries), k), -1, np.int64)
        if found:
            near = queries @ means.T
            order = np.argsort(-near, axis=1, kind="stable")[:, :found]
            similarities[:, :found] = np.clip(np.take_along_axis(near, order, axis=1), -1, 1)
            identities[:, :found] = whose[order]
        return Neighbours(similarities, np.full((len(queries), k), -1, np.int64), identities)


class StoreShelf(Shelf):
    """All references of a kind, kept current by replaying the journal.

    A cache of the store: `refresh` reads what it was not told yet, so a change by another process is seen by the next
    search. When tombstones are many, or the gallery moved to another encoder, the search is built anew.
    """

    def __init__(self, store: Store, kind: str, device: str = "auto") -> None:
        self._store = store
        with store.snapshot():
            super().__init__(kind, *self._read(kind), device)

    def _read(self, kind: str) -> tuple[Vectors, int | None, int]:
        self.encoder = self._store.encoder(kind)
        dimension = self.encoder.dimension if self.encoder else None
        return self._store.vectors(kind), dimension, self._store.revision()

    @property
    def outdated(self) -> bool:
        """Whether the gallery holds another encoder's encodings by now."""
        return self.encoder is not None and self._store.encoder(self.kind) != self.encoder

    def refresh(self) -> None:
        """Bring the shelf to the store's last revision, reading only what is new."""
        with self._store.snapshot():
            self._refresh()

    def _refresh(self) -> None:
        if self.outdated:
            return self._fill(*self._read(self.kind))
        revision = self._store.revision()
        if revision == self.revision:
            return
        moved = {change.reference: change.after for change in self._store.changes(self.revision, self.kind)}
        wanted = np.fromiter(moved, np.int64, len(moved))
        after = np.fromiter((REMOVED if to is None else to for to in moved.values()), np.int64, len(moved))
        held, position = self._find(wanted)
        self.identities[position[held]] = after[held]
        new = wanted[~held & (after != REMOVED)].tolist()
        come_back = bool(new) and min(new) < self.references.max(initial=-1)  # ids must ascend on the shelf
        if come_back or (new and self._search is None):
            return self._fill(*self._read(self.kind))
        if new and self._search is not None:
            added = self._store.vectors(self.kind, new)
            self._search.add(added.encodings)
            self.references = np.concatenate([self.references, added.references])
            self.identities = np.concatenate([self.identities, added.identities])
            self.pictures = np.concatenate([self.pictures, added.pictures])
            self.hashes = np.concatenate([self.hashes, added.hashes])
        self.revision = revision
        if len(self.references) - len(self) > MOST_TOMBSTONES:
            self._fill(*self._read(self.kind))

    def _find(
        self, references: Int64[np.ndarray, " wanted"]
    ) -> tuple[Bool[np.ndarray, " wanted"], Int64[np.ndarray, " wanted"]]:
        """Which references are on the shelf, and at which position (ids ascend)."""
        position = np.searchsorted(self.references, references).astype(np.int64)
        padded = np.append(self.references, -1)
        return padded[position] == references, position
