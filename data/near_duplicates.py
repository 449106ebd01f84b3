"""Near-duplicates: pictures so alike that one as reference and the other as query would test memory alone."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Int64, UInt8, UInt64

from data.near_pairs import NearPairs

NEAR_DUPLICATE_DISTANCE = 10
"""Up to how many of 64 bits two pictures of one identity may differ to be taken for one drawing.

Chosen on the near-duplicate labels of two collections of face crops, over all pairs within an identity: the distance
with the best F1 on both together (0.56; 0.47 at 8, 0.53 at 12). There it finds 0.51 of the labelled pairs of fan art
with precision 0.68 (303 pairs, 7,892 crops) and 0.38 with precision 0.97 of game art, whose pairs are drawings with
other clothes or expressions (442 pairs, 1,422 pictures). It is a floor, not a proof: where the source pictures or the
near-duplicates are known, give them.
"""

_SIDE = 32

_MANY = 16_384
"""Hashes from which looking up is faster than a sweep."""

_FAR = 11
"""Bits up to which looking up pays: beyond, parts may differ in three bits."""


def perceptual_hash(picture: UInt8[np.ndarray, "height width 3"]) -> int:
    """The 64 bits of a picture's coarse structure: which of its low spatial frequencies lie above their median.

    The picture is shrunk to 32 x 32 grey and transformed by the DCT; the bits are the 8 x 8 coefficients of rows and
    columns 1 to 8, row by row, the first in the highest bit (Zauner, "Implementation and Benchmarking of Perceptual
    Image Hash Functions", 2010, section 3.2.1; here shrinking by area takes the place of its mean filter). A flat
    picture has the hash 0.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    # Rounded, so that what should be 0 is 0 and not the transform's last digit, which differs between machines.
    frequencies = np.round(cv2.dct(small)[1:9, 1:9], 6)
    bits = (frequencies > np.median(frequencies)).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def hamming(hashes: UInt64[np.ndarray, " n"], other: int | np.uint64) -> UInt8[np.ndarray, " n"]:
    """How many bits each hash differs in from another, 0 to 64.

    >>> hamming(np.array([0b1011, 0b1000], np.uint64), 0b1000).tolist()
    [2, 0]
    """
    return np.bitwise_count(hashes ^ np.uint64(other))


def near_duplicate_groups(
    hashes: UInt64[np.ndarray, " n"], within: int = NEAR_DUPLICATE_DISTANCE
) -> Int64[np.ndarray, " n"]:
    """Group hashes that chains of at most `within` bits a step connect; groups are numbered by first appearance.

    Many hashes are looked up by their parts (see `data.near_pairs`), which takes a second for 100,000 unlike ones.

    >>> near_duplicate_groups(np.array([0b0000, 0b1111, 0b0001, 0b0011], np.uint64), within=1).tolist()
    [0, 1, 0, 0]
    """
    if len(hashes) < _MANY:
        return _groups_by_sweep(hashes, within)
    _, first, back = np.unique(hashes, return_index=True, return_inverse=True)
    distinct = hashes[np.sort(first)]
    back = np.argsort(np.argsort(first))[back]
    return _groups_of_distinct(distinct, within)[back]


def _groups_of_distinct(hashes: UInt64[np.ndarray, " n"], within: int) -> Int64[np.ndarray, " n"]:
    if within > _FAR:
        return _groups_by_sweep(hashes, within)
    pairs = NearPairs(hashes, within)
    if pairs.candidates > len(hashes) ** 2 // 32:  # many share a part: then looking up is no faster than a sweep
        return _groups_by_sweep(hashes, within)
    lowest = np.arange(len(hashes))  # the first of each group; of those apart, each its own
    for left, right in pairs:
        lowest = _joined(lowest, left, right)
    return np.unique(lowest, return_inverse=True)[1].astype(np.int64)


def _joined(
    lowest: Int64[np.ndarray, " n"], left: Int64[np.ndarray, " pairs"], right: Int64[np.ndarray, " pairs"]
) -> Int64[np.ndarray, " n"]:
    """Join the groups that pairs connect, each known by its lowest member."""
    while True:
        one, other = lowest[left], lowest[right]
        apart = one != other
        if not apart.any():
            return lowest
        left, right = left[apart], right[apart]
        np.minimum.at(lowest, np.maximum(one, other)[apart], np.minimum(one, other)[apart])
        while (lowest[lowest] != lowest).any():
            lowest = lowest[lowest]


def _groups_by_sweep(hashes: UInt64[np.ndarray, " n"], within: int) -> Int64[np.ndarray, " n"]:
    """The same by comparing each hash once with those that have no group yet: n²/2 comparisons, no list of pairs."""
    groups = np.full(len(hashes), -1, np.int64)
    waiting = np.arange(len(hashes))
    group = -1
    while len(waiting):
        group += 1
        reached, waiting = [waiting[0]], waiting[1:]
        while reached:
            item = reached.pop()
            groups[item] = group
            near = hamming(hashes[waiting], hashes[item]) <= within
            reached += list(waiting[near])
            waiting = waiting[~near]
    return groups


def linked_to(
    start: int,
    hashes: UInt64[np.ndarray, " n"],
    pictures: UInt64[np.ndarray, " n"],
    within: int = NEAR_DUPLICATE_DISTANCE,
) -> Int64[np.ndarray, " linked"]:
    """Ascending positions of all that chains of links lead to from `start`, itself among them.

    Two are linked that come from one picture, or whose hashes differ in at most `within` bits.

    >>> linked_to(0, np.array([0b0000, 0b1111, 0b0001, 0b0011], np.uint64), np.arange(4, dtype=np.uint64), within=1)
    array([0, 2, 3])
    """
    waiting = np.delete(np.arange(len(hashes)), start)
    linked = frontier = np.array([start])
    while len(frontier) and len(waiting):
        own = pictures[frontier]
        near = pictures[waiting] == own[0] if len(own) == 1 else np.isin(pictures[waiting], own)
        found, waiting = [waiting[near]], waiting[~near]
        for value in set(hashes[frontier].tolist()):
            near = hamming(hashes[waiting], value) <= within
            if near.any():
                found.append(waiting[near])
                waiting = waiting[~near]
        frontier = np.concatenate(found)
        linked = np.concatenate([linked, frontier])
    return np.sort(linked)
