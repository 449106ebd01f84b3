"""Counts of errors: which rates they can prove, and how far they may lie from a promise."""

from __future__ import annotations

from math import ceil, exp, inf, lgamma, log, log1p


def binomial_interval(errors: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact two-sided interval of a rate from its count (Clopper and Pearson 1934).

    >>> [round(bound, 4) for bound in binomial_interval(1, 20)]
    [0.0013, 0.2487]

    Raises ValueError for a count that is not one of the trials.
    """
    tail = (1 - confidence) / 2
    return 1 - binomial_upper(trials - errors, trials, 1 - tail), binomial_upper(errors, trials, 1 - tail)


def binomial_upper(errors: int, trials: int, confidence: float = 0.95) -> float:
    """The highest rate that so few errors still allow: P(Binomial(trials, rate) <= errors) = 1 - confidence.

    The one-sided bound of Clopper and Pearson (1934), by bisection.

    >>> binomial_upper(0, 299) < 0.01 < binomial_upper(0, 298)
    True

    Raises ValueError for a count that is not one of the trials.
    """
    if not 0 <= errors <= trials or trials < 1:
        raise ValueError(f"{errors} errors in {trials} trials: there must be a trial, and no more errors than trials")
    if errors == trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _binomial_at_most(errors, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def trials_needed(rate: float, errors: int = 0, confidence: float = 0.95) -> int:
    """How many trials with so many errors prove, at that confidence, a rate below this one.

    >>> trials_needed(0.01), trials_needed(0.001), trials_needed(0.01, errors=1)
    (299, 2995, 473)
    """
    low, high = errors + 1, errors + 2
    while binomial_upper(errors, high, confidence) >= rate:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if binomial_upper(errors, middle, confidence) < rate:
            high = middle
        else:
            low = middle + 1
    return high


def beta_binomial_interval(
    promised: float, calibrated: int, strangers: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Between which shares of `strangers` a promised rate is found, for one gallery of `calibrated` identities.

    The rate that one calibrated gallery has is Beta(l, n + 1 - l) with l = floor(rate (n + 1)) (Vovk 2012, Prop. 2a),
    so the count among m new strangers is BetaBinomial(m, l, n + 1 - l), for one score per identity: with several,
    averaged, it varies less. Ends are the quantiles of the count over m.

    >>> beta_binomial_interval(0.1, calibrated=99, strangers=100)
    (0.03, 0.19)

    Raises ValueError where the rate is below 1 / (n + 1): nothing can be promised then.
    """
    rank = int(promised * (calibrated + 1) + 1e-9)
    if rank < 1:
        raise ValueError(f"{calibrated} identities cannot promise {promised}: {ceil(1 / promised) - 1} are needed")
    a, b = rank, calibrated + 1 - rank
    tail = (1 - confidence) / 2
    total, low = 0.0, None
    for errors in range(strangers + 1):
        total += exp(_log_beta_binomial(errors, strangers, a, b))
        if low is None and total > tail:
            low = errors
        if total >= 1 - tail:
            return (low or 0) / strangers, errors / strangers
    return (low or 0) / strangers, 1.0


def _binomial_at_most(errors: int, trials: int, rate: float) -> float:
    """P(Binomial(trials, rate) <= errors)."""
    if rate <= 0.0:
        return 1.0
    if rate >= 1.0:
        return float(errors >= trials)
    terms = (
        _log_choose(trials, count) + count * log(rate) + (trials - count) * log1p(-rate) for count in range(errors + 1)
    )
    return sum(exp(term) for term in terms)


def _log_beta_binomial(errors: int, trials: int, a: int, b: int) -> float:
    if b < 1:  # the rate is 1 for certain
        return 0.0 if errors == trials else -inf
    return _log_choose(trials, errors) + _log_beta(errors + a, trials - errors + b) - _log_beta(a, b)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _log_beta(a: int, b: int) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
