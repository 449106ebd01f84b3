import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.conformal import NullScores, certified_rate, identities_needed

samples = st.lists(st.tuples(st.integers(0, 5), st.integers(-4, 4)), min_size=0, max_size=25)


def naive_p(score: float, pairs: list[tuple[int, float]]) -> float:
    names = {identity for identity, _ in pairs}
    total = 1.0
    for name in names:
        scores = [value for identity, value in pairs if identity == name]
        total += sum(value >= score for value in scores) / len(scores)
    return total / (len(names) + 1)


def null_of(pairs: list[tuple[int, float]]) -> NullScores:
    return NullScores(
        np.array([value for _, value in pairs], np.float64), np.array([identity for identity, _ in pairs], np.int64)
    )


@given(samples, st.lists(st.integers(-5, 5), min_size=1, max_size=5))
def test_p_values_equal_the_sum(pairs, asked):
    found = null_of(pairs).p_values(np.array(asked, np.float64))
    assert found == pytest.approx([naive_p(score, pairs) for score in asked])


@given(samples, st.floats(0.001, 1.0))
def test_the_score_needed_is_where_p_falls(pairs, fpir):
    null = null_of(pairs)
    needed = null.score_needed(fpir)
    if np.isinf(needed) and needed > 0:
        assert 1 / (null.count + 1) > fpir
        return
    above = np.nextafter(max(needed, -1e9), np.inf)
    assert naive_p(above, pairs) <= fpir + 1e-6
    if np.isfinite(needed):
        assert naive_p(needed, pairs) > fpir


@pytest.mark.parametrize("references", [1, 3])
@pytest.mark.parametrize("fpir", [0.05, 0.1])
def test_the_promise_holds_where_strangers_are_each_others_nearest(references, fpir):
    """With few references the closest pair of a set often holds the query. Points on a circle, by brute force."""
    random = np.random.default_rng(references)
    found = []
    for _ in range(300):
        identities = np.repeat(np.arange(41), references)
        angles = np.repeat(random.random(41) * 7, references) + 0.05 * random.normal(size=len(identities))
        similarity = np.cos(angles[:, None] - angles[None, :])
        enrolled = identities < 40
        scores = np.where(identities[:, None] == identities, -np.inf, similarity)[enrolled][:, enrolled].max(axis=1)
        null = NullScores(scores, identities[enrolled])
        query = np.flatnonzero(~enrolled)[:1]
        near = similarity[query][:, enrolled]
        named = identities[enrolled][near.argmax(axis=1)]
        found.append(null.p_values(near.max(axis=1), named)[0] <= fpir)
    assert np.mean(found) <= fpir + 2.5 * np.sqrt(fpir / 300)


def test_rates_are_reached_exactly():
    for identities, fpir in ((299, 0.01), (29, 0.1), (999, 0.003)):
        scores = np.repeat(np.linspace(0, 1, identities), 20)
        null = NullScores(scores, np.repeat(np.arange(identities), 20))
        just_above = np.nextafter(null.score_needed(fpir), 2)
        assert null.p_values(np.array([just_above]))[0] <= fpir


def test_no_candidate_is_never_named():
    null = NullScores(np.full(200, -np.inf), np.arange(200))
    assert null.p_values(np.array([-np.inf, 0.1])).tolist() == [1.0, pytest.approx(1 / 201)]


@given(samples, samples)
def test_joined_scores_keep_their_identities_apart(one, other):
    together = null_of(one).joined(null_of(other))
    pairs = one + [(identity + 100, value) for identity, value in other]
    assert together.count == len({identity for identity, _ in pairs})
    assert together.p_values(np.array([0.0])) == pytest.approx([naive_p(0.0, pairs)])


def test_strangers_are_named_at_the_promised_rate():
    """Exchangeable identities with repeated, dependent measurements: the found rate is the promised one on average."""
    random = np.random.default_rng(1)
    found = {0.1: [], 0.05: []}
    for _ in range(400):
        looks = random.normal(size=60)
        scores = looks[:, None] + 0.5 * random.normal(size=(60, 8))
        null = NullScores(scores[:39].ravel(), np.repeat(np.arange(39), 8))
        p = null.p_values(scores[39:].ravel())
        for rate, rates in found.items():
            rates.append((p <= rate).mean())
    for rate, rates in found.items():
        # never above; somewhat below, as the query itself counts as one whole identity among the n + 1
        assert 0.6 * rate < np.mean(rates) <= 1.05 * rate, rate


@settings(max_examples=20, deadline=None)
@given(st.integers(20, 400), st.sampled_from([0.1, 0.05]))
def test_the_certified_rate_holds_for_95_of_100_galleries(identities, fpir):
    random = np.random.default_rng(identities)
    bound = certified_rate(fpir, identities)
    allowed = int(fpir * (identities + 1) + 1e-9)
    thresholds = np.sort(random.random((4000, identities)), axis=1)[:, identities - allowed]
    assert (1 - thresholds <= bound).mean() == pytest.approx(0.95, abs=0.02)


def test_rates_too_small_for_the_identities():
    assert certified_rate(0.01, 50) is None
    assert identities_needed(0.01) == 99 and identities_needed(0.001) == 999
    null = NullScores(np.linspace(0, 1, 98), np.arange(98))
    assert null.score_needed(0.01) == np.inf
    assert NullScores(np.linspace(0, 1, 99), np.arange(99)).score_needed(0.01) == 1.0
    assert certified_rate(0.001, 5000) < 0.0025
