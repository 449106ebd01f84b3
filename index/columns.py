"""Who the references of a shelf are, as arrays that grow at their end."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int64, UInt64

REMOVED = -1
"""The identity of a tombstone: a reference that was removed and keeps its place."""

_HEADROOM = 16
"""What is full grows by a sixteenth, so that adding one to a million moves nothing in most cases, and wastes little."""


class Columns:
    """Ids, identities, pictures and hashes of references, in ascending order of ids; removed ones are tombstones."""

    def __init__(self, room: int = 0) -> None:
        self._count = 0
        self._references = np.empty(room, np.int64)
        self._identities = np.empty(room, np.int64)
        self._pictures = np.empty(room, np.uint64)
        self._hashes = np.empty(room, np.uint64)
        self._removed = np.empty(room, bool)
        self.tombstones = 0

    def __len__(self) -> int:
        return self._count

    @property
    def references(self) -> Int64[np.ndarray, " references"]:
        """Ids, ascending."""
        return self._references[: self._count]

    @property
    def identities(self) -> Int64[np.ndarray, " references"]:
        """Whose each reference is; REMOVED for a tombstone."""
        return self._identities[: self._count]

    @property
    def pictures(self) -> UInt64[np.ndarray, " references"]:
        """The first 64 bits of the picture file's SHA-256."""
        return self._pictures[: self._count]

    @property
    def hashes(self) -> UInt64[np.ndarray, " references"]:
        """Perceptual hashes of the crops."""
        return self._hashes[: self._count]

    @property
    def removed(self) -> Bool[np.ndarray, " references"] | None:
        """Which are tombstones; None where none is."""
        return self._removed[: self._count] if self.tombstones else None

    def extend(
        self,
        references: Int64[np.ndarray, " new"],
        identities: Int64[np.ndarray, " new"],
        pictures: UInt64[np.ndarray, " new"],
        hashes: UInt64[np.ndarray, " new"],
    ) -> None:
        """Append enrolled references, whose ids are above all others'."""
        last = self._count + len(references)
        if last > len(self._references):
            for name in ("_references", "_identities", "_pictures", "_hashes", "_removed"):
                grown = np.empty(last + last // _HEADROOM, getattr(self, name).dtype)
                grown[: self._count] = getattr(self, name)[: self._count]
                setattr(self, name, grown)
        new = slice(self._count, last)
        self._references[new] = references
        self._identities[new] = identities
        self._pictures[new] = pictures
        self._hashes[new] = hashes
        self._removed[new] = False
        self._count = last

    def find(
        self, references: Int64[np.ndarray, " wanted"]
    ) -> tuple[Bool[np.ndarray, " wanted"], Int64[np.ndarray, " wanted"]]:
        """Which references are here, and at which positions."""
        if not self._count:
            return np.zeros(len(references), bool), np.zeros(len(references), np.int64)
        positions = np.searchsorted(self.references, references).astype(np.int64)
        return self.references[np.minimum(positions, self._count - 1)] == references, positions

    def assign(self, positions: Int64[np.ndarray, " some"], identities: Int64[np.ndarray, " some"]) -> None:
        """Give references, each named once, to other identities, or to none (REMOVED)."""
        removed = identities == REMOVED
        self.tombstones += int(removed.sum()) - int(self._removed[positions].sum())
        self._identities[positions] = identities
        self._removed[positions] = removed
