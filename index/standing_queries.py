"""Encodings that are asked again after every change of a gallery, and their nearest references."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

import numpy as np
from jaxtyping import Float16, UInt64

from index.nearest_references import NearestReferences, NetChanges, nearest_added, nearest_references
from index.records import Vectors


@dataclass(frozen=True)
class StandingQueries:
    """What is known of some encodings' nearest references, whatever the order in which they are asked next."""

    keys: UInt64[np.ndarray, " queries"]
    """Which encodings: see `keys_of`; ascending, each once."""
    nearest: NearestReferences

    ARRAYS: ClassVar = ("keys", "similarities", "references")
    """The names of `as_arrays`."""

    def as_arrays(self) -> dict[str, np.ndarray]:
        """For keeping."""
        return dict(zip(self.ARRAYS, (self.keys, self.nearest.similarities, self.nearest.references), strict=True))

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> StandingQueries:
        """What `as_arrays` gave."""
        keys, *nearest = (arrays[name] for name in cls.ARRAYS)
        return cls(keys, NearestReferences(*nearest))

    @classmethod
    def none(cls, depth: int) -> StandingQueries:
        """Nothing is known yet."""
        return cls(np.zeros(0, np.uint64), NearestReferences.none(0, depth))

    def asked(
        self,
        keys: UInt64[np.ndarray, " encodings"],
        encodings: Float16[np.ndarray, "encodings dim"],
        held: Vectors,
        changes: NetChanges,
    ) -> StandingQueries:
        """What the nearest references of these encodings are after the changes; what else was known is dropped.

        Only encodings that are new, or have lost one of their nearest, are compared with the whole gallery. Where all
        was known already, the same object comes back.
        """
        keys, first = np.unique(keys, return_index=True)
        if not changes and np.array_equal(keys, self.keys):
            return self
        queries = encodings[first].astype(np.float32)
        at = np.minimum(np.searchsorted(self.keys, keys), max(0, len(self.keys) - 1))
        stays = self.keys[at] == keys if len(self.keys) else np.zeros(len(keys), bool)
        if 2 * len(changes.added) > len(held.references):
            stays[:] = False
        stays[stays] = ~self.nearest.among(changes.gone)[at[stays]]
        kept = self.nearest.select(at[stays])
        kept = kept.merged(nearest_added(held, queries[stays], changes.added, kept.depth, kept.least))
        found = nearest_references(held, queries[~stays], self.nearest.depth)
        nearest = NearestReferences.none(len(keys), self.nearest.depth)
        for which, some in ((stays, kept), (~stays, found)):
            nearest.similarities[which] = some.similarities
            nearest.references[which] = some.references
        return StandingQueries(keys, nearest)

    def of(self, keys: UInt64[np.ndarray, " encodings"]) -> NearestReferences:
        """The nearest references of encodings that were asked, in any order."""
        return self.nearest.select(np.searchsorted(self.keys, keys))


def keys_of(encodings: Float16[np.ndarray, "encodings dim"]) -> UInt64[np.ndarray, " encodings"]:
    """The first 64 bits of each encoding's SHA-256, so that what is kept holds for the very same numbers alone."""
    rows = np.ascontiguousarray(encodings, "<f2")
    return np.frombuffer(b"".join(sha256(row).digest()[:8] for row in rows), ">u8").astype(np.uint64)
