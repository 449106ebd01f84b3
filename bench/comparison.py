"""Several systems in the same draws of one collection, and how sure the differences between them are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from jaxtyping import Float32, Float64, Int64

from bench.open_set import OpenDraw, draw_open_set
from bench.protocol import Protocol, measure
from bench.systems import System, Variant
from bench.systems.nearest import nearest_columns
from data.errors import UnusableSource
from data.splits import usable_identities
from index.voting import vote
from measure import OpenSet, tpir_at_fpir

FPIRS = (0.1, 0.01)
FIGURES = ("rank1", "tpir_10", "tpir_1")
"""What is compared: rank-1 with everyone enrolled, and TPIR at each of FPIRS with half of them."""

RESAMPLES = 1000


@dataclass(frozen=True)
class Sample:
    """What one system, asked in one way, did in all draws. Identities are numbered 0 to count - 1."""

    name: str
    variant: Variant
    rank1: Float64[np.ndarray, " identities"]
    """Mean over each identity's queries."""
    open_set: OpenSet

    def figures(self, counts: Float64[np.ndarray, " identities"]) -> Float64[np.ndarray, " figures"]:
        """FIGURES, each identity weighing as often as it is counted; NaN where nobody of a role is."""
        with np.errstate(invalid="ignore"):
            tpir = tpir_at_fpir(self.open_set, np.array(FPIRS), counts)
        return np.array([counts @ self.rank1 / counts.sum(), *tpir])


@dataclass(frozen=True)
class Comparison:
    """Samples of the same draws, with paired resamples of all of them."""

    collection: str
    shots: int
    samples: tuple[Sample, ...]
    resamples: int = RESAMPLES
    seed: int = 0

    @property
    def identities(self) -> int:
        """How many there are, all of which were enrolled in some draws and strangers in others."""
        return len(self.samples[0].rank1)

    @cached_property
    def figures(self) -> Float64[np.ndarray, "samples figures"]:
        """FIGURES of each sample."""
        return np.stack([sample.figures(np.ones(self.identities)) for sample in self.samples])

    @cached_property
    def resampled(self) -> Float64[np.ndarray, "samples resamples figures"]:
        """FIGURES of each sample with identities drawn with replacement: the same identities for every sample.

        Identities are drawn whole and in all their roles; the galleries stay as they were. NaN where a resample holds
        nobody of a role.
        """
        random = np.random.default_rng([self.seed, crc32(self.collection.encode())])  # collections apart
        drawn = [
            np.bincount(random.integers(0, self.identities, self.identities), minlength=self.identities)
            for _ in range(self.resamples)
        ]
        return np.stack(
            [np.stack([sample.figures(counts.astype(np.float64)) for counts in drawn]) for sample in self.samples]
        )

    def place(self, name: str, rule: str | None = None) -> int | None:
        """Where the sample of a system stands (with a rule, or else the first of it); None where it took no part."""
        for place, sample in enumerate(self.samples):
            if sample.name == name and rule in (None, sample.variant.rule):
                return place
        return None


def ratios(
    figures: Float64[np.ndarray, "*more figures"], baseline: Float64[np.ndarray, "*more figures"]
) -> Float64[np.ndarray, "*more figures"]:
    """Errors of rank-1 over the baseline's errors, and each TPIR over the baseline's; inf over 0, NaN for 0 over 0.

    >>> ratios(np.array([0.9, 0.6, 0.3]), np.array([0.8, 0.5, 0.2])).round(3).tolist()
    [0.5, 1.2, 1.5]
    """
    over = np.concatenate([1 - figures[..., :1], figures[..., 1:]], axis=-1)
    under = np.concatenate([1 - baseline[..., :1], baseline[..., 1:]], axis=-1)
    over, under = over.round(12), under.round(12)  # 1 less a mean of ones is no error
    with np.errstate(divide="ignore", invalid="ignore"):
        return over / under


def interval(
    values: Float64[np.ndarray, "resamples figures"],
) -> tuple[Float64[np.ndarray, " figures"], Float64[np.ndarray, " figures"]]:
    """The 2.5th and the 97.5th percentile of each column, NaN left out; NaN for a column that has nothing else.

    By rank, without interpolation: between a number and infinity there is nothing.
    """
    low, high = np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    for column, every in enumerate(values.T):
        if len(known := every[~np.isnan(every)]):
            low[column], high[column] = np.percentile(known, [2.5, 97.5], method="nearest")
    return low, high


def compare(
    collection: str,
    systems: Sequence[System],
    features: dict[str, Float32[np.ndarray, "pictures _"]],
    identities: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    protocol: Protocol,
) -> Comparison:
    """Ask every system the same: who is it, with everyone enrolled; and how near do strangers come, with half of them.

    The draws are those of `kaodex bench` with and without --open-set. Identities without groups enough take no part.
    `features` are unit vectors, by the system's name; `protocol` has one number of references. Raises `UnusableSource`
    where too few identities are left.
    """
    (shots,) = protocol.shots
    usable = usable_identities(identities, groups, shots)
    kept = np.isin(identities, usable)
    share = 0.5 if protocol.strangers is None else protocol.strangers
    if len(usable) < 4:
        raise UnusableSource(
            f"{collection}: only {len(usable)} identities have {shots + 1} pictures that are no near-duplicates, and a "
            "test with strangers needs 4; ask for fewer references, or give more identities"
        )
    vectors = {system.name: features[system.name][kept] for system in systems}
    truths, apart = np.searchsorted(usable, identities[kept]), groups[kept]
    rows, _ = measure(systems, vectors, dict.fromkeys(vectors, 0.0), truths, apart, protocol)
    draws = [
        draw_open_set(truths, apart, shots, share, (protocol.seed, shots, number), protocol.queries_per_identity)
        for number in range(protocol.draws)
    ]
    samples = []
    for row in rows:
        if len(row.identities) < len(usable):
            raise UnusableSource(f"{collection}: some identity never had a query of its own; draw more often")
        test = ask_open_set(vectors[row.name], truths, draws, row.variant)
        samples.append(Sample(row.name, row.variant, row.by_identity["rank1"], test))
    return Comparison(collection, shots, tuple(samples))


def ask_open_set(
    features: Float32[np.ndarray, "pictures dim"],
    identities: Int64[np.ndarray, " pictures"],
    draws: Sequence[OpenDraw],
    variant: Variant,
) -> OpenSet:
    """Best candidates of mated queries and of strangers, in all draws together: one threshold is for all of them."""
    mated, right, strangers = [], [], []
    for draw in draws:
        named, scores = _best(features[draw.mated], features[draw.references], identities[draw.references], variant)
        mated.append(scores)
        right.append(named == identities[draw.mated])
        strangers.append(
            _best(features[draw.strangers], features[draw.references], identities[draw.references], variant)[1]
        )
    return OpenSet(
        np.concatenate(mated),
        identities[np.concatenate([draw.mated for draw in draws])],
        np.concatenate(right),
        np.concatenate(strangers),
        identities[np.concatenate([draw.strangers for draw in draws])],
    )


def _best(
    queries: Float32[np.ndarray, "queries dim"],
    references: Float32[np.ndarray, "references dim"],
    identities: Int64[np.ndarray, " references"],
    variant: Variant,
) -> tuple[Int64[np.ndarray, " queries"], Float64[np.ndarray, " queries"]]:
    similarities = np.clip(queries @ references.T, -1, 1)
    nearest = nearest_columns(similarities, variant.k)
    votes = vote(np.take_along_axis(similarities, nearest, axis=1), identities[nearest], variant.rule)
    return votes.identities[:, 0], votes.scores[:, 0].astype(np.float64)
