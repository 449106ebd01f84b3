"""Counts of errors against sums and simulations."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure import beta_binomial_interval, binomial_interval, binomial_upper, trials_needed


@given(st.integers(1, 60).flatmap(lambda trials: st.tuples(st.integers(0, trials - 1), st.just(trials))))
def test_the_upper_bound_is_where_so_few_errors_become_unlikely(counts):
    errors, trials = counts
    rate = binomial_upper(errors, trials)
    few = sum(comb(trials, count) * rate**count * (1 - rate) ** (trials - count) for count in range(errors + 1))
    assert few == pytest.approx(0.05, abs=1e-9)
    low, high = binomial_interval(errors, trials)
    assert 0 <= low <= errors / trials < high <= 1
    mirrored = binomial_interval(trials - errors, trials)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high))


@given(st.sampled_from([0.1, 0.01, 0.003, 0.001]), st.integers(0, 3))
def test_trials_needed_are_just_enough(rate, errors):
    trials = trials_needed(rate, errors)
    assert binomial_upper(errors, trials) < rate
    assert trials == errors + 1 or binomial_upper(errors, trials - 1) >= rate


def test_beta_binomial_ends_are_those_of_simulated_galleries():
    random = np.random.default_rng(0)
    for calibrated, strangers in ((30, 30), (99, 400)):
        rank = int(0.1 * (calibrated + 1))
        rates = random.beta(rank, calibrated + 1 - rank, 200_000)
        found = random.binomial(strangers, rates) / strangers
        low, high = beta_binomial_interval(0.1, calibrated, strangers)
        assert (found < low).mean() <= 0.026 and (found > high).mean() <= 0.026
        assert (found <= low).mean() >= 0.024 and (found >= high).mean() >= 0.024


def test_extremes():
    assert binomial_upper(3, 3) == 1.0 and binomial_interval(0, 5)[0] == 0.0
    assert beta_binomial_interval(1.0, 5, 10) == (1.0, 1.0)
    with pytest.raises(ValueError, match="9 are needed"):
        beta_binomial_interval(0.1, 8, 10)
    for errors, trials in ((-1, 3), (4, 3), (0, 0)):
        with pytest.raises(ValueError, match="there must be a trial"):
            binomial_upper(errors, trials)
