"""References of one kind in memory, and the search over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float16, Float32, Int64, UInt64

from data.near_duplicates import hamming
from index.approximate import IndexKeeper
from index.columns import REMOVED, Columns
from index.records import EncoderStamp, Vectors, empty_vectors
from index.search import MOST_NEIGHBOURS, VectorSearch
from index.shelf_files import SMALLEST, TAIL, Snapshot, shelf_files
from index.store import Store
from index.voting import centroids

MOST_TOMBSTONES = 5
"""A shelf is put in order anew when more than one in so many of its references are tombstones."""

LONGEST_TAIL = 4
"""A snapshot is of no use where the journal has grown by more than one row for so many references since."""

_PIECE = 8192


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

    def __init__(self, kind: str, encoder: EncoderStamp | None = None, revision: int = 0, device: str = "auto") -> None:
        """An empty one. `encoder` is which one made the encodings, where the gallery holds any of the kind."""
        self.kind = kind
        self._device = device
        self._empty(encoder, revision)

    def _empty(self, encoder: EncoderStamp | None, revision: int, room: int = 0) -> None:
        """Begin anew, with room for so many references and a sixteenth more: the first that is added moves nothing."""
        room += room // 16
        self.encoder = encoder
        self.revision = revision
        self._columns = Columns(room)
        self._search = VectorSearch(encoder.dimension, self._device) if encoder else None
        if self._search is not None:
            self._search.reserve(room)
        self._centroids: tuple[int, np.ndarray, np.ndarray] | None = None

    def _put(self, held: Vectors) -> None:
        """Append references, whose ids are above all others'."""
        if self._search is not None:
            self._search.add(held.encodings)
            self._columns.extend(held.references, held.identities, held.pictures, held.hashes)

    def __len__(self) -> int:
        """How many references are enrolled."""
        return len(self._columns) - self._columns.tombstones

    @property
    def references(self) -> Int64[np.ndarray, " references"]:
        """Ids, ascending."""
        return self._columns.references

    @property
    def identities(self) -> Int64[np.ndarray, " references"]:
        """Whose each reference is; -1 where it was removed."""
        return self._columns.identities

    @property
    def pictures(self) -> UInt64[np.ndarray, " references"]:
        """The first 64 bits of the picture file's SHA-256: faces of one picture share it."""
        return self._columns.pictures

    @property
    def hashes(self) -> UInt64[np.ndarray, " references"]:
        """Perceptual hashes of the crops."""
        return self._columns.hashes

    @property
    def encodings(self) -> Float16[np.ndarray, "references dim"]:
        """All encodings in the order of `references`, removed ones too; read from the search, without a copy of all."""
        return self._search.vectors() if self._search is not None else np.empty((0, 0), np.float16)

    def vectors(self) -> Vectors:
        """All references as arrays, removed ones too."""
        return Vectors(self.references, self.identities, self.pictures, self.hashes, self.encodings)

    @property
    def device(self) -> str:
        """Where the search runs: `cpu` or `cuda:N`."""
        return self._search.device if self._search is not None else "cpu"

    def only(self, identities: Sequence[int]) -> Shelf:
        """A shelf of these identities' references alone."""
        which = np.flatnonzero(np.isin(self.identities, list(identities)) & (self.identities != REMOVED))
        shelf = Shelf(self.kind, self.encoder, self.revision, self._device)
        shelf._put(
            Vectors(
                self.references[which],
                self.identities[which],
                self.pictures[which],
                self.hashes[which],
                self.encodings[which],
            )
        )
        return shelf

    def alike(self, references: Sequence[int], within: int) -> list[list[int]]:
        """For each reference here, the earlier ones of its identity whose hashes differ in at most `within` bits."""
        _, positions = self._columns.find(np.array(references, np.int64))
        family = np.flatnonzero(np.isin(self.identities, np.unique(self.identities[positions])))
        whose, hashes = self.identities[family], self.hashes[family]
        alike = []
        for position in positions:
            earlier = (whose == self.identities[position]) & (family < position)
            near = earlier & (hamming(hashes, self.hashes[position]) <= within)
            alike.append(self.references[family[near]].tolist())
        return alike

    def search(self, queries: Float32[np.ndarray, "queries dim"], k: int) -> Neighbours:
        """The k nearest enrolled references. Raises ValueError for a wrong dimension, or a k out of range."""
        if not 1 <= k <= MOST_NEIGHBOURS:
            raise ValueError(f"k must be between 1 and {MOST_NEIGHBOURS}, not {k}")
        if not len(self):
            nobody = np.full((len(queries), k), -1, np.int64)
            return Neighbours(np.full((len(queries), k), -np.inf, np.float32), nobody, nobody)
        similarities, positions = self._nearest(queries, k)
        found = positions >= 0
        similarities = np.where(found, np.clip(similarities, -1, 1), np.float32(-np.inf))
        references = np.where(found, self.references[positions], -1)
        identities = np.where(found, self.identities[positions], REMOVED)
        # float16 lengths are not exact: what was clipped to 1 is equal now, and equal ones are told by age
        order = np.lexsort((references, -similarities), axis=-1)
        return Neighbours(*(np.take_along_axis(of, order, axis=1) for of in (similarities, references, identities)))

    def _nearest(
        self, queries: Float32[np.ndarray, "queries dim"], k: int
    ) -> tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]:
        assert self._search is not None
        return self._search.search(queries, k, self._columns.removed)

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
    search. All is read anew only where the gallery moved to another encoder.
    """

    def __init__(self, store: Store, kind: str, device: str = "auto") -> None:
        super().__init__(kind, device=device)
        self._store = store
        self._files = shelf_files(store)
        self.snapshot: Snapshot | None = None
        """What stands on the disk of it, as of an earlier revision."""
        self.index: IndexKeeper | None = None
        """Who knows of an approximate index; without one the search is exact."""
        with store.snapshot():
            self._read()

    def _read(self) -> None:
        """Read all, from the snapshot on the disk where there is one; else from the store."""
        encoder = self._store.encoder(self.kind)
        self.snapshot = self._files.newest(self.kind, encoder) if self._files and encoder else None
        if self.snapshot is not None and self._is_near(self.snapshot):
            self._empty(encoder, self.snapshot.stamp.revision, self.snapshot.stamp.count)
            assert self._search is not None
            if self.snapshot.fill(self._columns, self._search):
                return self._refresh()
            self.snapshot.discard()
            self.snapshot = None
        self._empty(encoder, self._store.revision(), self._store.count(self.kind))
        for part in self._store.vectors_in_batches(self.kind):
            self._put(part)

    def _nearest(
        self, queries: Float32[np.ndarray, "queries dim"], k: int
    ) -> tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]:
        if self.index is not None and self._search is not None:
            self._search.approximate_beyond = self.index.beyond
        if self.index is not None and self.encoder is not None and self.device == "cpu":
            removed = self._columns.removed
            approximate = self.index.search_for(self.encoder, self.revision, self.references, removed)
            if approximate is not None:
                return approximate.search(self.encodings, queries, k, removed)
        return super()._nearest(queries, k)

    def _is_near(self, snapshot: Snapshot) -> bool:
        """Whether reading it and the journal's rest takes less time, and memory, than reading all from the store."""
        return (self._store.revision() - snapshot.stamp.revision) * LONGEST_TAIL <= snapshot.stamp.count

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
            return self._read()
        revision = self._store.revision()
        if revision == self.revision:
            return
        moved = {change.reference: change.after for change in self._store.changes(self.revision, self.kind)}
        wanted = np.fromiter(moved, np.int64, len(moved))
        after = np.fromiter((REMOVED if to is None else to for to in moved.values()), np.int64, len(moved))
        held, positions = self._columns.find(wanted)
        self._columns.assign(positions[held], after[held])
        new = np.sort(wanted[~held & (after != REMOVED)])
        if len(new) and self.encoder is None:
            return self._read()
        come_back = new[new < self.references.max(initial=-1)] if len(new) else new
        if len(come_back) or self._columns.tombstones * MOST_TOMBSTONES > len(self._columns):
            self._rearrange(self._store.vectors(self.kind, come_back.tolist()))
        for start in range(len(come_back), len(new), _PIECE):
            self._put(self._store.vectors(self.kind, new[start : start + _PIECE].tolist()))
        self.revision = revision

    def _rearrange(self, added: Vectors) -> None:
        """Put the shelf in order anew, from memory: tombstones out, and what comes back in its place.

        For a moment there are two of it; the ids must ascend, and the search only grows at its end.
        """
        search, before = self._search, self._columns
        assert search is not None
        kept = np.flatnonzero(before.identities != REMOVED)
        held = Vectors(before.references, before.identities, before.pictures, before.hashes, search.vectors())
        order = np.argsort(np.concatenate([before.references[kept], added.references]), kind="stable")
        self._empty(self.encoder, self.revision, len(order))
        for start in range(0, len(order), _PIECE):
            some = order[start : start + _PIECE]
            old = some < len(kept)
            piece = empty_vectors(len(some), search.dimension)
            for name, column in vars(piece).items():
                column[old] = getattr(held, name)[kept[some[old]]]
                column[~old] = getattr(added, name)[some[~old] - len(kept)]
            self._put(piece)

    def keep(self) -> None:
        """Write the shelf to the disk, where it is large and what stands there is missing or far behind."""
        last = self.snapshot.stamp.revision if self.snapshot else None
        few = len(self) < SMALLEST or (last is not None and (self.revision - last) * TAIL <= len(self))
        if few or self._files is None or self.encoder is None:
            return
        with self._store.snapshot():
            if not self.outdated:  # else the witness would be that of other encodings
                self.snapshot = (
                    self._files.write(self.kind, self.revision, self.encoder, self._columns, self.encodings)
                    or self.snapshot
                )
