"""Means and intervals over identities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure import binomial_interval, bootstrap_interval, mean_per_identity, share_interval

shares = st.floats(0, 1, allow_subnormal=False)


@given(st.lists(st.tuples(shares, st.integers(0, 4)), max_size=30))
def test_mean_per_identity_against_a_loop(rows):
    values = np.array([value for value, _ in rows], np.float64)
    identities = np.array([identity for _, identity in rows], np.int64)
    means = mean_per_identity(values, identities, 5)
    for identity in range(5):
        own = [value for value, name in rows if name == identity]
        assert np.isclose(means[identity], sum(own) / len(own)) if own else np.isnan(means[identity])


@given(st.lists(shares, min_size=2, max_size=30), st.integers(0, 5))
def test_interval_holds_the_mean_and_stays_in_range(values, seed):
    low, high = bootstrap_interval(np.array(values), resamples=300, seed=seed)
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12
    assert (low, high) == bootstrap_interval(np.array(values), resamples=300, seed=seed)


def test_interval_against_a_loop():
    values = np.random.default_rng(5).random(12)
    random = np.random.default_rng(0)
    means = sorted(np.mean([values[random.integers(12)] for _ in range(12)]) for _ in range(4000))
    low, high = bootstrap_interval(values, resamples=4000)
    assert abs(low - means[100]) < 0.02 and abs(high - means[3900]) < 0.02


def test_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(1)
    covered = 0
    for trial in range(300):
        low, high = bootstrap_interval(random.beta(2, 1, 60), resamples=400, seed=trial)
        covered += low <= 2 / 3 <= high
    assert 0.90 <= covered / 300 <= 0.99


def test_blocks_change_nothing_but_memory(monkeypatch):
    values = np.random.default_rng(2).random(10)
    whole = bootstrap_interval(values, resamples=500)
    monkeypatch.setattr("measure.interval._AT_ONCE", 70)
    assert bootstrap_interval(values, resamples=500) == whole


@pytest.mark.parametrize("values", [[], [0.5], [0.5, np.nan]])
def test_too_little_to_resample_is_refused(values):
    with pytest.raises(ValueError, match="two finite values"):
        bootstrap_interval(np.array(values))


def test_no_error_is_not_no_doubt():
    assert share_interval(np.zeros(20)) == binomial_interval(0, 20)
    assert share_interval(np.ones(20)) == binomial_interval(20, 20)
    mixed = np.array([0.0, 1.0, 0.5])
    assert share_interval(mixed) == bootstrap_interval(mixed)
    assert share_interval(np.full(4, 0.5)) == (0.5, 0.5)
    with pytest.raises(ValueError, match="two finite values"):
        share_interval(np.zeros(1))
