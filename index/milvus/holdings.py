"""Where every reference is, after some entries of a journal in their order."""

from __future__ import annotations

from collections import Counter

import numpy as np
from jaxtyping import Bool, Int64

from index.milvus.entry import NOBODY, Entry
from index.milvus.face_table import FaceTable
from index.records import EncoderStamp

NEVER = -2
"""In place of an owner: the reference never came in."""


class Holdings:
    """Whose each reference is. 17 bytes a reference, and what a face takes: a gallery may hold many millions."""

    def __init__(self) -> None:
        self.stamps: dict[str, EncoderStamp] = {}
        self.names: dict[int, tuple[str, str]] = {}
        self.counts: Counter[int] = Counter()
        """References by identity; identities without any are left out."""
        self._kinds: list[str] = []
        self._faces = FaceTable()
        self._size = 0
        self._references = np.empty(1024, np.int64)  # ascending; the first _size of each are in use
        self._owners = np.empty(1024, np.int64)
        self._kind_of = np.empty(1024, np.uint8)

    @property
    def references(self) -> Int64[np.ndarray, " references"]:
        """All that ever came in, ascending."""
        return self._references[: self._size]

    @property
    def owners(self) -> Int64[np.ndarray, " references"]:
        """Whose each of `references` is, NOBODY's where it was removed."""
        return self._owners[: self._size]

    def owners_of(self, references: Int64[np.ndarray, " wanted"]) -> Int64[np.ndarray, " wanted"]:
        """Whose these are, NOBODY's where one was removed, NEVER's where it never came in."""
        if not self._size:
            return np.full(len(references), NEVER)
        at = np.minimum(np.searchsorted(self.references, references), self._size - 1)
        return np.where(self.references[at] == references, self.owners[at], NEVER)

    def members(self, identity: int) -> Int64[np.ndarray, " members"]:
        """The references of an identity, ascending."""
        return self.references[self.owners == identity]

    def enrolled(self, kind: str) -> tuple[Int64[np.ndarray, " enrolled"], Int64[np.ndarray, " enrolled"]]:
        """The enrolled references of a kind, ascending, and whose each is."""
        which = self._enrolled(kind)
        return self.references[which], self.owners[which]

    def count(self, kind: str) -> int:
        """How many references of a kind are enrolled."""
        return int(np.count_nonzero(self._enrolled(kind)))

    def _enrolled(self, kind: str) -> Bool[np.ndarray, " references"]:
        if kind not in self._kinds:
            return np.zeros(self._size, bool)
        return (self._kind_of[: self._size] == self._kinds.index(kind)) & (self.owners != NOBODY)

    def face_taken(self, face: int) -> bool:
        """Whether an enrolled reference holds this face."""
        return bool(self._taken(np.array([face]))[0])

    def apply(self, entry: Entry) -> Bool[np.ndarray, " moves"]:
        """Make the entry's moves; which of them had an effect."""
        self.names.update(entry.names)
        for kind, stamp in entry.stamps.items():
            self.stamps.setdefault(kind, stamp)
        strange = {kind for kind, stamp in entry.stamps.items() if self.stamps[kind].fingerprint != stamp.fingerprint}
        if self._independent(entry.moves):
            return self._move(entry.moves, strange)
        took = [self._move(entry.moves[at : at + 1], strange) for at in range(len(entry.moves))]
        return np.concatenate([*took, np.zeros(0, bool)])

    def _independent(self, moves: Int64[np.ndarray, "moves 4"]) -> bool:
        """Whether the moves can be made all at once: none of them bears on another."""
        references, faces = moves[:, 0], moves[moves[:, 3] != 0, 3]
        holders = self._faces.holders(faces)
        return (
            len(np.unique(references)) == len(references)
            and len(np.unique(faces)) == len(faces)
            and not np.isin(holders, references).any()
        )

    def _move(self, moves: Int64[np.ndarray, "moves 4"], strange: set[str]) -> Bool[np.ndarray, " moves"]:
        references, before, after, faces = moves.T
        owners = self.owners_of(references)
        new = faces != 0
        refused = self._taken(faces) | (owners != NEVER)
        if strange:
            refused |= np.array([who != NOBODY and self.names[who][0] in strange for who in after.tolist()], bool)
        took = np.where(new, ~refused, (owners == before) & (owners != NEVER))
        moved = took & ~new
        self._owners[np.searchsorted(self.references, references[moved])] = after[moved]
        self._insert(references[took & new], after[took & new])
        self._faces.put(faces[took & new], references[took & new])
        for whose, one in ((before[moved], -1), (after[took], 1)):
            for identity, count in zip(*(told.tolist() for told in np.unique(whose, return_counts=True)), strict=True):
                if identity != NOBODY:
                    self.counts[identity] += one * count
                    if not self.counts[identity]:
                        del self.counts[identity]
        return took

    def _taken(self, faces: Int64[np.ndarray, " faces"]) -> Bool[np.ndarray, " faces"]:
        holders = self._faces.holders(faces)
        return (holders >= 0) & (self.owners_of(holders) >= 0)

    def _insert(self, references: Int64[np.ndarray, " new"], owners: Int64[np.ndarray, " new"]) -> None:
        """Take new references in; they lie mostly behind all others, so only the end is sorted anew."""
        if not len(references):
            return
        size = self._size + len(references)
        if size > len(self._references):
            room = max(size, len(self._references) * 5 // 4)
            for name in ("_references", "_owners", "_kind_of"):
                setattr(self, name, np.resize(getattr(self, name), room))
        whose, which = np.unique(owners, return_inverse=True)
        kinds = np.array([self._code(self.names[who][0]) for who in whose.tolist()], np.uint8)[which]
        start = int(np.searchsorted(self.references, references.min()))
        order = np.argsort(np.concatenate([self._references[start : self._size], references]), kind="stable")
        for column, fresh in ((self._references, references), (self._owners, owners), (self._kind_of, kinds)):
            column[start:size] = np.concatenate([column[start : self._size], fresh])[order]
        self._size = size

    def _code(self, kind: str) -> int:
        if kind not in self._kinds:
            self._kinds.append(kind)
        return self._kinds.index(kind)
