"""How much is lost where queries are of another kind than references: the same draws for every kind and system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from bench.comparison import RESAMPLES, Comparison, Sample, ask_open_set, interval
from bench.open_set import OpenDraw, draw_open_set
from bench.systems import Variant
from data.errors import UnusableSource
from data.splits import draw_references_and_queries, usable_identities
from measure import OpenSet, mean_per_identity

NEAREST = Variant("nearest", 1)


@dataclass(frozen=True)
class Loss:
    """One figure of one system for one kind of queries, and how much it is above that for unchanged ones."""

    value: float
    interval: tuple[float, float]
    difference: float
    difference_interval: tuple[float, float]


def compare_kinds(
    collection: str,
    references: Mapping[str, Float32[np.ndarray, "pictures _"]],
    queries: Mapping[tuple[str, str], Float32[np.ndarray, "pictures _"]],
    identities: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    *,
    shots: int,
    draws: int = 20,
    resamples: int = RESAMPLES,
) -> Comparison:
    """One sample for each of `queries`, in their order.

    All are unit vectors of the same pictures: `references` by system as they are, `queries` by system and kind. The
    nearest reference names. Strangers, who set the threshold of TPIR, ask with pictures of the same kind. Raises
    `UnusableSource` where fewer than four identities have groups enough, or one never had a query.
    """
    usable = usable_identities(identities, groups, shots)
    if len(usable) < 4:
        raise UnusableSource(
            f"{collection}: only {len(usable)} identities have {shots + 1} pictures that are no near-duplicates, and a "
            "test with strangers needs 4; ask for fewer references, or give more identities"
        )
    kept = np.isin(identities, usable)
    truths, apart = np.searchsorted(usable, identities[kept]), groups[kept]
    closed = [draw_references_and_queries(truths, apart, shots, (0, shots, number)) for number in range(draws)]
    opened = [draw_open_set(truths, apart, shots, 0.5, (0, shots, number)) for number in range(draws)]
    # Each picture stands twice, as a reference and then as a query.
    twice, count = np.tile(truths, 2), len(truths)
    asked = [OpenDraw(one.enrolled, one.references, one.mated + count, one.strangers + count) for one in opened]
    samples = []
    for (system, kind), turned in queries.items():
        known, asking = references[system][kept], turned[kept]
        rank1 = rank1_by_identity(known, asking, truths, [(one.references, one.queries) for one in closed])
        if np.isnan(rank1).any():
            raise UnusableSource(f"{collection}: some identity never had a query of its own; draw more often")
        test: OpenSet = ask_open_set(np.concatenate([known, asking]), twice, asked, NEAREST)
        samples.append(Sample(f"{system}, {kind}", NEAREST, rank1, test))
    return Comparison(collection, shots, tuple(samples), resamples)


def rank1_by_identity(
    references: Float32[np.ndarray, "pictures dim"],
    queries: Float32[np.ndarray, "pictures dim"],
    identities: Int64[np.ndarray, " pictures"],
    draws: Sequence[tuple[Int64[np.ndarray, " _"], Int64[np.ndarray, " _"]]],
) -> Float64[np.ndarray, " identities"]:
    """Share of each identity's queries whose most similar reference is its own, over draws of positions of references
    and of queries; NaN for an identity that was never asked about. Identities are numbered from 0."""
    right, whose = [], []
    for known, asking in draws:
        nearest = np.argmax(queries[asking] @ references[known].T, axis=1)
        whose.append(identities[asking])
        right.append(identities[known][nearest] == whose[-1])
    truths = np.concatenate(whose)
    return mean_per_identity(np.concatenate(right).astype(np.float64), truths, int(identities.max()) + 1)


def losses(comparisons: Sequence[Comparison], sample: int, unchanged: int, figure: int) -> Loss:
    """A sample's figure beside another's, as means over collections; a resample draws each collection's identities."""

    def mean(place: int) -> tuple[float, Float64[np.ndarray, " resamples"]]:
        return (
            float(np.mean([one.figures[place, figure] for one in comparisons])),
            np.mean([one.resampled[place, :, figure] for one in comparisons], axis=0),
        )

    (value, resampled), (base, base_resampled) = mean(sample), mean(unchanged)
    low, high = interval(np.stack([resampled, resampled - base_resampled], axis=1))
    return Loss(value, (float(low[0]), float(high[0])), value - base, (float(low[1]), float(high[1])))
