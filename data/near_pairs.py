"""Which of many hashes differ in few bits: by looking them up, instead of comparing each with each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from jaxtyping import Int64, UInt64

_PARTS = 4
_BITS = 16
_AT_ONCE = 1 << 21


class NearPairs:
    """The pairs of hashes that differ in at most so many of their 64 bits, by multi-index hashing.

    Each hash is cut into 4 parts of 16 bits. Of two that differ in at most r = 4 s + a bits (a < 4), one of the first
    a + 1 parts differs in at most s bits, or one of the others in at most s - 1: else they would differ in at least
    (a + 1)(s + 1) + (3 - a) s = r + 1. So only hashes are compared of which a part is that near (Norouzi, Punjani,
    Fleet 2012, "Fast Search in Hamming Space with Multi-Index Hashing").
    """

    def __init__(self, hashes: UInt64[np.ndarray, " n"], within: int) -> None:
        self._hashes = hashes
        self._within = within
        values = [(hashes >> np.uint64(_BITS * part)).astype(np.uint16) for part in range(_PARTS)]
        self._buckets = [np.bincount(part, minlength=1 << _BITS) for part in values]
        self._values = values
        least, rest = divmod(within, _PARTS)
        self._masks = [_masks(least if part <= rest else least - 1) for part in range(_PARTS)]

    @property
    def candidates(self) -> int:
        """How many pairs `__iter__` compares, some of them several times."""
        together = 0
        numbers = np.arange(1 << _BITS)
        for sizes, masks in zip(self._buckets, self._masks, strict=True):
            together += sum(int(sizes @ sizes[numbers ^ mask]) for mask in masks.tolist())
        return together // 2

    def __iter__(self) -> Iterator[tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]]:
        """The pairs, in pieces, as positions of the hashes; a pair may come several times."""
        for values, sizes, masks in zip(self._values, self._buckets, self._masks, strict=True):
            order = np.argsort(values, kind="stable")
            starts = np.cumsum(sizes) - sizes
            ordered = values[order].astype(np.int64)
            for mask in masks.tolist():
                other = ordered ^ mask
                # each pair once: with the lower value first, or in a bucket of one value with the earlier place first
                first = starts[other] if mask else np.arange(1, len(order) + 1)
                counts = np.where(ordered <= other, starts[other] + sizes[other] - first, 0)
                yield from self._near(order, first, counts)

    def _near(
        self, order: Int64[np.ndarray, " n"], first: Int64[np.ndarray, " n"], counts: Int64[np.ndarray, " n"]
    ) -> Iterator[tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]]:
        """Of the pairs of place i with the `counts[i]` places from `first[i]` on, those that are near."""
        places = np.flatnonzero(counts)
        ends = np.cumsum(counts[places])
        cuts = np.searchsorted(ends, np.arange(_AT_ONCE, ends[-1] if len(ends) else 0, _AT_ONCE))
        for some in np.split(places, np.unique(cuts)):
            left = np.repeat(some, counts[some])
            before = np.cumsum(counts[some]) - counts[some]
            right = np.arange(len(left)) + np.repeat(first[some] - before, counts[some])
            one, other = order[left], order[right]
            near = np.bitwise_count(self._hashes[one] ^ self._hashes[other]) <= self._within
            if near.any():
                yield one[near], other[near]


def _masks(most: int) -> Int64[np.ndarray, " masks"]:
    """All numbers of 16 bits of which at most so many are set."""
    chosen = (bits for count in range(most + 1) for bits in combinations(range(_BITS), count))
    return np.array([sum(1 << bit for bit in bits) for bits in chosen], np.int64)
