"""From figures of queries to one figure with its interval: identities, not queries, are the sample of the world."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from measure.binomial import binomial_interval

_AT_ONCE = 4_000_000


def mean_per_identity(
    values: Float64[np.ndarray, " queries"], identities: Int64[np.ndarray, " queries"], count: int
) -> Float64[np.ndarray, " identities"]:
    """Mean of each identity's queries, identities being numbered 0 to count - 1; NaN for one without queries.

    The mean of these means gives each identity the same weight, however many pictures it has.

    >>> mean_per_identity(np.array([1.0, 0.0, 1.0]), np.array([0, 0, 2]), count=3).tolist()
    [0.5, nan, 1.0]
    """
    sums = np.bincount(identities, weights=values, minlength=count)
    queries = np.bincount(identities, minlength=count)
    return np.divide(sums, queries, out=np.full(count, np.nan), where=queries > 0)


def bootstrap_interval(
    values: Float64[np.ndarray, " identities"], *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of one value per identity.

    Identities are drawn with replacement, whole: the pictures of one identity are no independent evidence (a cluster
    bootstrap; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3; Davison and Hinkley, 1997,
    section 3.8). With fewer than about 20 identities it is somewhat too narrow.

    >>> low, high = bootstrap_interval(np.array([0.0, 0.0, 1.0, 1.0]))
    >>> low, high
    (0.0, 1.0)

    Raises ValueError for fewer than two values, or any that is not finite.
    """
    if len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"an interval needs two finite values or more, but these are {values}")
    random = np.random.default_rng(seed)
    block = max(1, _AT_ONCE // len(values))
    means = [
        values[random.integers(0, len(values), (min(block, resamples - start), len(values)))].mean(axis=1)
        for start in range(0, resamples, block)
    ]
    tail = 50 * (1 - confidence)
    low, high = np.percentile(np.concatenate(means), [tail, 100 - tail])
    return float(low), float(high)


def share_interval(values: Float64[np.ndarray, " identities"], *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean of one share per identity: by bootstrap, or exact where all of them are 0, or all 1.

    No resample of zeros holds anything but zeros, so that the bootstrap would be certain of a rate of 0; the binomial
    interval of as many trials as identities (Clopper and Pearson 1934) is not.

    >>> [round(bound, 3) for bound in share_interval(np.zeros(58))]
    [0.0, 0.062]

    Raises ValueError as `bootstrap_interval`.
    """
    if len(values) >= 2 and values[0] in (0.0, 1.0) and (values == values[0]).all():
        return binomial_interval(int(values.sum()), len(values), confidence)
    return bootstrap_interval(values, confidence=confidence)
