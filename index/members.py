"""Which references belong to an identity, and which of those show one picture."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Int64

from data.near_duplicates import linked_to
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
        self._linked: dict[int, list[np.ndarray]] = {}

    def count(self, identity: int) -> int:
        """How many references an identity has."""
        first, last = self._bounds[identity]
        return last - first

    def of(self, identity: int) -> Int64[np.ndarray, " members"]:
        """Ascending positions of an identity's references."""
        first, last = self._bounds[identity]
        return self._positions[first:last]

    def twins(self, position: int) -> Int64[np.ndarray, " twins"]:
        """Ascending positions, itself among them, of the identity's references that show the same picture.

        From one picture file, or near-duplicates; also those that a chain of such references leads to.
        """
        identity = int(self._held.identities[position])
        known = self._linked.setdefault(identity, [])
        for linked in known:
            if linked[min(int(np.searchsorted(linked, position)), len(linked) - 1)] == position:
                return linked
        members = self.of(identity)
        start = int(np.searchsorted(members, position))
        known.append(members[linked_to(start, self._held.hashes[members], self._held.pictures[members])])
        return known[-1]
