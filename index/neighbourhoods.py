"""How a gallery's own references would be answered: as strangers (their identity left out), and as new pictures.

Both are what calibration stands on. The neighbours of a sample of references are found once, exactly, and kept: a
change of the gallery touches few of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float32, Int64, UInt64

from index.members import Members
from index.nearest_references import NearestReferences, NetChanges, nearest_added, nearest_references
from index.records import Vectors
from index.search.candidates import Candidates, float32_bound

DEPTH = 16
"""Neighbours kept of each sampled reference, at least."""

MOST_PER_IDENTITY = 20
MOST_SAMPLES = 10_000

_ROWS = 256
_PAIRS = 1 << 22
_COLUMNS = 16_384


@dataclass(frozen=True)
class Neighbourhoods:
    """The nearest references of each sampled reference."""

    samples: Int64[np.ndarray, " samples"]
    """Ids of the sampled references, ascending."""
    strangers: NearestReferences
    """With the sample's whole identity left out."""
    mated: NearestReferences
    """With only the sample's picture, and what is near-duplicate to it, left out."""
    others: Int64[np.ndarray, " samples"]
    """How many references of the sample's identity show another picture."""

    ARRAYS: ClassVar = (
        "samples",
        "stranger_similarities",
        "stranger_references",
        "mated_similarities",
        "mated_references",
        "others",
    )
    """The names of `as_arrays`."""

    def as_arrays(self) -> dict[str, np.ndarray]:
        """For keeping."""
        strangers, mated = self.strangers, self.mated
        found = (self.samples, strangers.similarities, strangers.references, mated.similarities, mated.references)
        return dict(zip(self.ARRAYS, (*found, self.others), strict=True))

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Neighbourhoods:
        """What `as_arrays` gave."""
        samples, *nearest, others = (arrays[name] for name in cls.ARRAYS)
        return cls(samples, NearestReferences(*nearest[:2]), NearestReferences(*nearest[2:]), others)

    @property
    def depth(self) -> int:
        """How many neighbours are kept of each sample."""
        return self.strangers.depth

    def select(self, which: np.ndarray) -> Neighbourhoods:
        """Some of the samples, by mask or positions."""
        return Neighbourhoods(
            self.samples[which], self.strangers.select(which), self.mated.select(which), self.others[which]
        )

    def joined(self, other: Neighbourhoods) -> Neighbourhoods:
        """These samples and others, in the order of their ids."""
        together = Neighbourhoods(
            np.concatenate([self.samples, other.samples]),
            self.strangers.joined(other.strangers),
            self.mated.joined(other.mated),
            np.concatenate([self.others, other.others]),
        )
        return together.select(np.argsort(together.samples))


def sample(
    references: Int64[np.ndarray, " references"],
    identities: Int64[np.ndarray, " references"],
    per_identity: int = MOST_PER_IDENTITY,
    most: int = MOST_SAMPLES,
) -> Int64[np.ndarray, " samples"]:
    """Positions of the sampled references, ascending: at most `per_identity` of each identity, at most `most` in all.

    Each reference has a fixed pseudo-random rank, and an identity's lowest ranks are taken. So the choice is even over
    an identity's references, and adding or removing some hardly changes it. What is left of `most` after equal shares
    goes to identities drawn in the same way, one each: so no share of all changes with the number of identities.
    """
    enrolled = np.flatnonzero(identities >= 0)
    if not len(enrolled):
        return enrolled
    names, whose = _numbered(identities[enrolled])
    lots = _scrambled(names)
    if len(names) > most:
        drawn = np.zeros(len(names), bool)
        drawn[np.argpartition(lots, most)[:most]] = True
        chosen = drawn[whose]
        enrolled, whose = enrolled[chosen], whose[chosen]
    sizes = np.bincount(whose, minlength=len(names))
    share, rest = divmod(most, min(len(names), most))
    shares = np.full(len(names), min(share, per_identity))
    if share < per_identity and rest:
        shares[np.argpartition(lots, rest)[:rest]] += 1
    ranks = _scrambled(references[enrolled])
    # the lowest ranks lie nearly always among those below a bound: only these are sorted
    part = np.minimum((shares + 3 * np.sqrt(shares) + 2) / np.maximum(sizes, 1), 1.0)
    low = ranks <= (part * (2.0**64 - 2048)).astype(np.uint64)[whose]
    short = np.bincount(whose[low], minlength=len(names)) < np.minimum(sizes, shares)
    low |= short[whose]
    enrolled, whose = enrolled[low], whose[low]
    order = np.lexsort((ranks[low], whose))
    sizes = np.bincount(whose, minlength=len(names))
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(enrolled[order[place < shares[whose[order]]]])


def _numbered(
    identities: Int64[np.ndarray, " n"],
) -> tuple[Int64[np.ndarray, " names"], Int64[np.ndarray, " n"]]:
    """The distinct identities, ascending, and which of them each is.

    Without sorting, where their ids are small, as those in a file are.
    """
    span = int(identities.max()) + 1
    if span > 8 * len(identities) + 1024:
        names, whose = np.unique(identities, return_inverse=True)
        return names, whose.astype(np.int64)
    present = np.bincount(identities, minlength=span) > 0
    return np.flatnonzero(present), (np.cumsum(present) - 1)[identities]


def _scrambled(numbers: Int64[np.ndarray, " n"]) -> UInt64[np.ndarray, " n"]:
    """The numbers as if drawn at random, always the same (the finaliser of SplitMix64: Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def find_neighbourhoods(held: Vectors, positions: Int64[np.ndarray, " samples"], depth: int = DEPTH) -> Neighbourhoods:
    """The neighbourhoods of the references at these positions, exactly.

    Samples of several identities are searched together, with all references of these identities left out; what is left
    out is small, and compared with them afterwards. So no search has to go deeper for an identity of many references.
    """
    members = Members(held, held.identities[positions])
    strangers = NearestReferences.none(len(positions), depth)
    mated = NearestReferences.none(len(positions), depth)
    others = np.zeros(len(positions), np.int64)
    for rows in _groups(members, held.identities[positions]):
        found = _search_together(held, members, positions[rows], depth)
        for all_of, some in ((strangers, found.strangers), (mated, found.mated)):
            all_of.similarities[rows] = some.similarities
            all_of.references[rows] = some.references
        others[rows] = found.others
    return Neighbourhoods(held.references[positions], strangers, mated, others)


def _groups(members: Members, identities: Int64[np.ndarray, " samples"]) -> Iterator[Int64[np.ndarray, " rows"]]:
    """Samples to be searched together, by identity: few enough to compare with all references of their identities."""
    order = np.argsort(identities, kind="stable")
    names, first = np.unique(identities[order], return_index=True)
    group: list[np.ndarray] = []
    rows = held = 0
    for name, own in zip(names.tolist(), np.split(order, first[1:]), strict=False):  # of nothing, one empty piece
        count = members.count(name)
        step = max(1, min(_ROWS, _PAIRS // count))
        for some in (own[start : start + step] for start in range(0, len(own), step)):
            if group and (rows + len(some) > _ROWS or (rows + len(some)) * (held + count) > _PAIRS):
                yield np.concatenate(group)
                group, rows, held = [], 0, 0
            group.append(some)
            rows, held = rows + len(some), held + count
    if group:
        yield np.concatenate(group)


def _search_together(
    held: Vectors, members: Members, positions: Int64[np.ndarray, " samples"], depth: int
) -> Neighbourhoods:
    """The neighbourhoods of samples that are sorted by identity."""
    names, first = np.unique(held.identities[positions], return_index=True)
    own = [members.of(int(name)) for name in names]
    left_out = np.concatenate(own)
    columns = np.cumsum([0, *map(len, own)])
    queries = held.encodings[positions].astype(np.float32)
    outside = nearest_references(held, queries, depth, without=left_out)
    similarities = np.empty((len(queries), len(left_out)), np.float32)
    for start in range(0, len(left_out), _COLUMNS):
        some = slice(start, start + _COLUMNS)
        similarities[:, some] = queries @ held.encodings[left_out[some]].astype(np.float32).T
    blocks = [
        (slice(samples[0], samples[-1] + 1), slice(columns[number], columns[number + 1]))
        for number, samples in enumerate(np.split(np.arange(len(positions)), first[1:]))
    ]
    others = np.empty(len(positions), np.int64)
    for rows, own_columns in blocks:
        same = members.same_picture(positions[rows])
        similarities[rows, own_columns][same] = -np.inf
        others[rows] = (~same).sum(axis=1)
    mated = outside.merged(_nearest_of(held, queries, left_out, similarities, depth, outside.least))
    if len(names) == 1:
        return Neighbourhoods(held.references[positions], outside, mated, others)
    for rows, own_columns in blocks:
        similarities[rows, own_columns] = -np.inf
    strangers = outside.merged(_nearest_of(held, queries, left_out, similarities, depth, outside.least))
    return Neighbourhoods(held.references[positions], strangers, mated, others)


def _nearest_of(
    held: Vectors,
    queries: Float32[np.ndarray, "queries dim"],
    positions: Int64[np.ndarray, " some"],
    similarities: Float32[np.ndarray, "queries some"],
    depth: int,
    least: Float32[np.ndarray, " queries"],
) -> NearestReferences:
    """The nearest of some references, by similarities that are rounded as a product rounds; -inf leaves one out.

    Those below `least` need not be among them.
    """
    depth = min(depth, len(positions))
    kth = np.partition(similarities, len(positions) - depth, axis=1)[:, len(positions) - depth]
    near = similarities >= (np.maximum(kth, least) - 2 * float32_bound(queries.shape[1]))[:, None]
    row, column = np.nonzero(near & ~np.isneginf(similarities))
    found, where = held.rank(queries, Candidates(row, positions[column]), depth)
    return NearestReferences(found, np.where(where >= 0, held.references[where], -1))


def update_neighbourhoods(
    known: Neighbourhoods,
    held: Vectors,
    changes: NetChanges,
    per_identity: int = MOST_PER_IDENTITY,
    most: int = MOST_SAMPLES,
) -> Neighbourhoods:
    """The neighbourhoods of today's sample, of which most are known from before the gallery changed.

    A known sample of an identity that did not change only has to be compared with what was added; it is searched anew
    where one of its neighbours has gone. Gives what `find_neighbourhoods` gives.
    """
    positions = sample(held.references, held.identities, per_identity, most)
    if 2 * len(changes.added) > len(held.references):
        return find_neighbourhoods(held, positions, known.depth)
    at = np.minimum(np.searchsorted(known.samples, held.references[positions]), max(0, len(known.samples) - 1))
    stays = ~np.isin(held.identities[positions], changes.identities)
    stays &= known.samples[at] == held.references[positions] if len(known.samples) else False
    lost = known.strangers.among(changes.gone) | known.mated.among(changes.gone)
    stays[stays] = ~lost[at[stays]]
    kept = known.select(at[stays])
    if len(changes.added):
        queries = held.encodings[positions[stays]].astype(np.float32)
        # of the mated neighbours the last is no farther: whatever is nearer than that is also among these
        more = nearest_added(held, queries, changes.added, known.depth, kept.strangers.least)
        kept = Neighbourhoods(kept.samples, kept.strangers.merged(more), kept.mated.merged(more), kept.others)
    return kept.joined(find_neighbourhoods(held, positions[~stays], known.depth))
