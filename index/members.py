"""Which references belong to an identity, and which of those show one picture."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Int64

from data.near_duplicates import NEAR_DUPLICATE_DISTANCE, linked_to
from index.records import Vectors


class Members:
    """The references of some identities by position, found in one pass over the gallery."""

    def __init__(self, held: Vectors, identities: Int64[np.ndarray, " some"]) -> None:
        """`identities` are those that will be asked about, in any order."""
        self._held = held
        wanted = np.unique(identities)
        positions = np.flatnonzero(np.isin(held.identities, wanted))
        identities = held.identities[positions]
        order = np.argsort(identities, kind="stable")
        self._positions = positions[order]
        bounds = np.searchsorted(identities[order], np.append(wanted, wanted[-1:] + 1)).tolist()
        self._bounds = dict(zip(wanted.tolist(), pairwise(bounds), strict=True))

    def count(self, identity: int) -> int:
        """How many references an identity has."""
        first, last = self._bounds[identity]
        return last - first

    def of(self, identity: int) -> Int64[np.ndarray, " members"]:
        """Ascending positions of an identity's references."""
        first, last = self._bounds[identity]
        return self._positions[first:last]

    def same_picture(self, positions: Int64[np.ndarray, " some"]) -> Bool[np.ndarray, "some members"]:
        """Which of an identity's references (see `of`) show the pictures that the ones at some positions show.

        They come from one picture file, or are near-duplicates; or a chain of such references leads to them.
        """
        members = self.of(int(self._held.identities[positions[0]]))
        hashes, pictures = self._held.hashes[members], self._held.pictures[members]
        rows = np.searchsorted(members, positions)
        same: np.ndarray = pictures[rows][:, None] == pictures
        same |= np.bitwise_count(hashes[rows][:, None] ^ hashes) <= NEAR_DUPLICATE_DISTANCE
        for row in np.flatnonzero(same.sum(axis=1) > 1).tolist():
            before = np.flatnonzero(same[:row, rows[row]])
            if len(before):  # a chain that was followed already leads here
                same[row] = same[before[0]]
            else:
                same[row, linked_to(int(rows[row]), hashes, pictures)] = True
        return same
