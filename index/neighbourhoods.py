"""How a gallery's own references would be answered: as strangers (their identity left out), and as new pictures.

Both are what calibration stands on. The neighbours of a sample of references are found once, exactly, and kept: a
change of the gallery touches few of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt64

from data.near_duplicates import near_duplicate_groups
from data.splits import unite_groupings
from index.records import Vectors

DEPTH = 16
"""Neighbours kept of each sampled reference: any k up to this is served from the cache."""

MOST_PER_IDENTITY = 20
MOST_SAMPLES = 10_000

MOST_ADDED = 1024
"""Additions up to which it pays to compare every known sample with them, instead of searching anew."""

_COLUMNS = 65_536
_ROWS = 256
_CHUNK = 64


@dataclass(frozen=True)
class Neighbourhoods:
    """The nearest references of each sampled reference, best first; past the last: similarity -inf, reference -1."""

    samples: Int64[np.ndarray, " samples"]
    """Ids of the sampled references."""
    stranger_similarities: Float32[np.ndarray, "samples depth"]
    """Of the neighbours with the sample's whole identity left out."""
    stranger_references: Int64[np.ndarray, "samples depth"]
    mated_similarities: Float32[np.ndarray, "samples depth"]
    """Of the neighbours with only the sample's picture, and what is near-duplicate to it, left out."""
    mated_references: Int64[np.ndarray, "samples depth"]
    others: Int64[np.ndarray, " samples"]
    """How many references of the sample's identity show another picture."""

    def select(self, which: np.ndarray) -> Neighbourhoods:
        """Some of the samples, by mask or positions."""
        return Neighbourhoods(*(array[which] for array in self._arrays()))

    def joined(self, other: Neighbourhoods) -> Neighbourhoods:
        """These samples and others."""
        return Neighbourhoods(*(np.concatenate(pair) for pair in zip(self._arrays(), other._arrays(), strict=True)))

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return (
            self.samples,
            self.stranger_similarities,
            self.stranger_references,
            self.mated_similarities,
            self.mated_references,
            self.others,
        )


def sample(
    references: Int64[np.ndarray, " references"],
    identities: Int64[np.ndarray, " references"],
    per_identity: int = MOST_PER_IDENTITY,
    most: int = MOST_SAMPLES,
) -> Int64[np.ndarray, " samples"]:
    """Positions of the sampled references, ascending: at most `per_identity` of each identity, at most `most` in all.

    Each reference has a fixed pseudo-random rank, and an identity's lowest ranks are taken. So the choice is even over
    an identity's references, and adding or removing some hardly changes it.
    """
    enrolled = np.flatnonzero(identities >= 0)
    whose = identities[enrolled]
    names = np.unique(whose)
    if len(names) > most:
        names = names[np.argsort(_scrambled(names))[:most]]
        enrolled = enrolled[np.isin(whose, names)]
        whose = identities[enrolled]
    if not len(enrolled):
        return enrolled
    order = np.lexsort((_scrambled(references[enrolled]), whose))
    _, starts, sizes = np.unique(whose[order], return_index=True, return_counts=True)
    place = np.arange(len(order)) - np.repeat(starts, sizes)
    share = max(1, min(per_identity, most // len(names)))
    return np.sort(enrolled[order[place < share]])


def _scrambled(numbers: Int64[np.ndarray, " n"]) -> UInt64[np.ndarray, " n"]:
    """The numbers as if drawn at random, always the same (the finaliser of SplitMix64: Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def find_neighbourhoods(held: Vectors, positions: Int64[np.ndarray, " samples"], depth: int = DEPTH) -> Neighbourhoods:
    """The neighbourhoods of the references at these positions, by a product with all encodings, piece by piece."""
    members = Members(held)
    stranger = _Best(len(positions), depth)
    mated = _Best(len(positions), depth)
    queries = held.encodings[positions].astype(np.float32)
    twins = [members.twins(int(position)) for position in positions]
    own = [members.of(int(held.identities[position])) for position in positions]
    for start in range(0, len(held.references), _COLUMNS):
        block = held.encodings[start : start + _COLUMNS].astype(np.float32)
        removed = np.flatnonzero(held.identities[start : start + _COLUMNS] < 0)
        for first in range(0, len(positions), _ROWS):
            rows = slice(first, min(first + _ROWS, len(positions)))
            similarities = queries[rows] @ block.T
            similarities[:, removed] = -np.inf
            _leave_out(similarities, twins[rows], start)
            mated.offer(rows, similarities, start)
            _leave_out(similarities, own[rows], start)
            stranger.offer(rows, similarities, start)
    return Neighbourhoods(
        held.references[positions],
        *stranger.told(held.references),
        *mated.told(held.references),
        np.array([len(mine) - len(same) for mine, same in zip(own, twins, strict=True)], np.int64),
    )


def update_neighbourhoods(
    known: Neighbourhoods,
    held: Vectors,
    changed: Int64[np.ndarray, " identities"],
    added: Int64[np.ndarray, " references"],
    per_identity: int = MOST_PER_IDENTITY,
    most: int = MOST_SAMPLES,
) -> Neighbourhoods:
    """The neighbourhoods of today's sample, of which most are known from before the gallery changed.

    `changed` are the identities that gained or lost references since, `added` the ids of references that came in.
    A known sample of another identity only has to be compared with what was added; it is searched anew where one of
    its neighbours has gone. Gives what `find_neighbourhoods` gives, up to the order of equal similarities.
    """
    depth = known.stranger_references.shape[1]
    if len(added) > MOST_ADDED:
        return find_neighbourhoods(held, sample(held.references, held.identities, per_identity, most), depth)
    positions = sample(held.references, held.identities, per_identity, most)
    at = np.searchsorted(known.samples, held.references[positions])
    is_known = np.append(known.samples, -1)[at] == held.references[positions]
    fresh = ~is_known | np.isin(held.identities[positions], changed)
    kept = known.select(at[~fresh])
    gone = _any_gone(kept.stranger_references, held) | _any_gone(kept.mated_references, held)
    kept = kept.select(~gone)
    kept_positions = positions[~fresh][~gone]
    new = np.searchsorted(held.references, added)
    if len(new):
        queries = held.encodings[kept_positions].astype(np.float32)
        near = np.minimum(queries @ held.encodings[new].astype(np.float32).T, np.float32(1))
        best = np.argpartition(-near, min(depth, len(new)) - 1, axis=1)[:, :depth]
        near, ids = np.take_along_axis(near, best, 1), held.references[new][best]
        kept = Neighbourhoods(
            kept.samples,
            *_merged(kept.stranger_similarities, kept.stranger_references, near, ids, depth),
            *_merged(kept.mated_similarities, kept.mated_references, near, ids, depth),
            kept.others,
        )
    searched = np.setdiff1d(positions, kept_positions)
    together = kept.joined(find_neighbourhoods(held, searched, depth))
    return together.select(np.argsort(together.samples))


def _any_gone(references: Int64[np.ndarray, "samples depth"], held: Vectors) -> np.ndarray:
    at = np.searchsorted(held.references, references)
    there = np.append(held.references, -1)[at] == references
    enrolled = there & (np.append(held.identities, -1)[at] >= 0)
    return ((references >= 0) & ~enrolled).any(axis=1)


def _merged(
    similarities: Float32[np.ndarray, "samples depth"],
    references: Int64[np.ndarray, "samples depth"],
    more_similarities: Float32[np.ndarray, "samples more"],
    more_references: Int64[np.ndarray, "samples more"],
    depth: int,
) -> tuple[Float32[np.ndarray, "samples depth"], Int64[np.ndarray, "samples depth"]]:
    """The best `depth` of both, best first, equal ones by age."""
    all_similarities = np.concatenate([similarities, more_similarities], axis=1)
    all_references = np.concatenate([references, more_references], axis=1)
    order = np.lexsort((all_references, -all_similarities), axis=-1)[:, :depth]
    return np.take_along_axis(all_similarities, order, 1), np.take_along_axis(all_references, order, 1)


class Members:
    """Which positions belong to an identity, and which of those show one picture."""

    def __init__(self, held: Vectors) -> None:
        self._held = held
        self._order = np.argsort(held.identities, kind="stable")
        self._sorted = held.identities[self._order]
        self._groups: dict[int, np.ndarray] = {}

    def of(self, identity: int) -> Int64[np.ndarray, " members"]:
        """Ascending positions of an identity's references."""
        first, last = np.searchsorted(self._sorted, [identity, identity + 1])
        return self._order[first:last]

    def twins(self, position: int) -> Int64[np.ndarray, " twins"]:
        """Positions, itself among them, of the identity's references from the same picture or a near-duplicate."""
        identity = int(self._held.identities[position])
        members = self.of(identity)
        if identity not in self._groups:
            _, pictures = np.unique(self._held.pictures[members], return_inverse=True)
            self._groups[identity] = unite_groupings(
                pictures.astype(np.int64), near_duplicate_groups(self._held.hashes[members])
            )
        groups = self._groups[identity]
        return members[groups == groups[np.searchsorted(members, position)]]


class _Best:
    """The best `depth` columns of each row of a matrix that comes in pieces."""

    def __init__(self, rows: int, depth: int) -> None:
        self._similarities = np.full((rows, depth), -np.inf, np.float32)
        self._columns = np.full((rows, depth), -1, np.int64)

    def offer(self, rows: slice, similarities: Float32[np.ndarray, "rows columns"], start: int) -> None:
        """Consider a piece whose first column has number `start`."""
        depth = self._columns.shape[1]
        columns = _candidates(similarities, depth)
        if columns.shape[1] > depth:
            best = np.argpartition(-np.take_along_axis(similarities, columns, 1), depth - 1, axis=1)[:, :depth]
            columns = np.take_along_axis(columns, best, 1)
        found = np.minimum(np.take_along_axis(similarities, columns, 1), np.float32(1))  # float16 lengths are not exact
        self._similarities[rows], self._columns[rows] = _merged(
            self._similarities[rows],
            self._columns[rows],
            found,
            np.where(np.isneginf(found), -1, columns + start),
            depth,
        )

    def told(self, references: Int64[np.ndarray, " references"]) -> tuple[np.ndarray, np.ndarray]:
        """The similarities, and the ids in place of the columns."""
        return self._similarities, np.where(self._columns >= 0, np.append(references, -1)[self._columns], -1)


def _candidates(similarities: Float32[np.ndarray, "rows columns"], depth: int) -> Int64[np.ndarray, "rows some"]:
    """Columns among which each row's best `depth` are: those of its best chunks of 64, by their largest value.

    A chunk is every n-th column, so that the maxima are taken over long runs of memory. The best `depth` lie in at most
    `depth` chunks, and each of these has a largest value that no chunk left out exceeds.
    """
    rows, columns = similarities.shape
    whole = columns // _CHUNK * _CHUNK
    chunks = whole // _CHUNK
    rest = np.broadcast_to(np.arange(whole, columns), (rows, columns - whole))
    if chunks <= depth:
        return np.broadcast_to(np.arange(columns), (rows, columns)).astype(np.int64)
    largest = similarities[:, :whole].reshape(rows, _CHUNK, chunks).max(axis=1)
    best = np.argpartition(-largest, depth - 1, axis=1)[:, :depth]
    inside = (best[:, :, None] + chunks * np.arange(_CHUNK)).reshape(rows, depth * _CHUNK)
    return np.concatenate([inside, rest], axis=1).astype(np.int64)


def _leave_out(
    similarities: Float32[np.ndarray, "rows columns"], positions: list[Int64[np.ndarray, " _"]], start: int
) -> None:
    """Set the given positions of each row to -inf, where they lie in this piece of columns."""
    width = similarities.shape[1]
    for row, out in enumerate(positions):
        first, last = np.searchsorted(out, [start, start + width])
        similarities[row, out[first:last] - start] = -np.inf
