"""Open-set figures against loops over thresholds, and their bootstrap against a loop over resamples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure import (
    OpenSet,
    auroc,
    bootstrap_open_set,
    det_curve,
    misidentification_at_fpir,
    oscr,
    threshold_at_fpir,
    tpir_at_fpir,
)

scores = st.sampled_from([-np.inf, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0])
people = st.integers(0, 4)
tests = st.builds(
    lambda mated, strangers: (mated, strangers),
    st.lists(st.tuples(scores, people, st.booleans()), min_size=1, max_size=12),
    st.lists(st.tuples(scores, people), min_size=1, max_size=12),
)


def built(rows):
    mated, strangers = rows
    return OpenSet(
        np.array([score for score, _, _ in mated], np.float64),
        np.array([who for _, who, _ in mated], np.int64),
        np.array([right for _, _, right in mated], bool),
        np.array([score for score, _ in strangers], np.float64),
        np.array([who for _, who in strangers], np.int64),
    )


def share(rows, counted):
    """Mean over identities of the mean over their rows of `counted(row)`; rows have the identity second."""
    people = {row[1] for row in rows}
    means = [np.mean([counted(row) for row in rows if row[1] == who]) for who in people]
    return float(np.mean(means))


@given(tests)
def test_areas_against_loops_over_pairs(rows):
    mated, strangers = rows

    def nearer_than_strangers(row):
        return share(strangers, lambda other: float(row[0] > other[0]) + (row[0] == other[0]) / 2)

    test = built(rows)
    assert auroc(test) == pytest.approx(share(mated, nearer_than_strangers))
    assert oscr(test) == pytest.approx(share(mated, lambda row: row[2] * nearer_than_strangers(row)))
    assert oscr(test) <= auroc(test) + 1e-12


@given(tests, st.sampled_from([0.0, 0.001, 0.1, 0.25, 0.5, 1.0]))
def test_rates_against_a_loop_over_thresholds(rows, fpir):
    mated, strangers = rows
    threshold = np.inf
    for at in sorted({row[0] for row in [*mated, *strangers]}, reverse=True):
        if share(strangers, lambda row, at=at: row[0] >= at) > fpir + 1e-9:
            break
        threshold = at
    assert threshold_at_fpir(built(rows), fpir) < threshold or threshold == -np.inf
    rates = np.array([fpir])
    right = share(mated, lambda row: row[2] and row[0] >= threshold)
    wrong = share(mated, lambda row: not row[2] and row[0] >= threshold)
    assert tpir_at_fpir(built(rows), rates)[0] == pytest.approx(right)
    assert misidentification_at_fpir(built(rows), rates)[0] == pytest.approx(wrong)
    assert det_curve(built(rows), rates)[0] == pytest.approx(1 - right)
    # naming what scores above the threshold is naming the same queries
    above = share(mated, lambda row: row[2] and row[0] > threshold_at_fpir(built(rows), fpir))
    assert above == pytest.approx(right) or -np.inf in {row[0] for row in mated}


@given(tests)
def test_counting_everyone_once_is_not_counting_and_twice_changes_nothing(rows):
    test = built(rows)
    for counts in (np.ones(test.count), np.full(test.count, 2.0)):
        assert auroc(test, counts) == pytest.approx(auroc(test))
        assert oscr(test, counts) == pytest.approx(oscr(test))


def test_counting_an_identity_twice_is_having_two_of_it():
    random = np.random.default_rng(3)
    mated = [(float(score), who, bool(random.integers(2))) for who in range(4) for score in random.random(5)]
    strangers = [(float(score), who) for who in range(4) for score in random.random(3)]
    counts = np.array([2.0, 0.0, 1.0, 1.0])
    copies = [0, 4, 2, 3]  # identity 4 is 0 again
    originals = {0: 0, 4: 0, 2: 2, 3: 3}
    twice = (
        [(score, who, right) for who in copies for score, old, right in mated if old == originals[who]],
        [(score, who) for who in copies for score, old in strangers if old == originals[who]],
    )
    rates = np.array([0.1, 0.3])
    once = built((mated, strangers))
    assert auroc(once, counts) == pytest.approx(auroc(built(twice)))
    assert tpir_at_fpir(once, rates, counts) == pytest.approx(tpir_at_fpir(built(twice), rates))


def test_det_falls_and_oscr_is_rank_1_where_strangers_are_far():
    random = np.random.default_rng(0)
    right = random.random(40) < 0.8
    everyone = np.arange(40) % 8
    test = OpenSet(random.random(40) + 2, everyone, right, random.random(40), everyone)
    assert oscr(test) == pytest.approx(np.mean([right[everyone == who].mean() for who in range(8)]))
    assert auroc(test) == pytest.approx(1.0)
    near = OpenSet(random.random(40), everyone, right, random.random(40), everyone)
    assert (np.diff(det_curve(near, np.linspace(0, 1, 30))) <= 1e-12).all()


def test_bootstrap_holds_the_figure_and_repeats():
    random = np.random.default_rng(1)
    whose = np.repeat(np.arange(30), 4)
    shift = random.normal(0, 1, 30)[whose]
    test = OpenSet(random.normal(1.5, 1, 120) + shift, whose, random.random(120) < 0.9, random.normal(0, 1, 120), whose)

    def figures(test, counts):
        return np.append(tpir_at_fpir(test, np.array([0.1, 0.01]), counts), auroc(test, counts))

    low, high = bootstrap_open_set(test, figures, resamples=300)
    once = figures(test, None)
    assert (low <= once).all() and (once <= high).all() and (high - low > 0.01).all()
    again = bootstrap_open_set(test, figures, resamples=300)
    assert (low == again[0]).all() and (high == again[1]).all()


def test_resamples_without_a_role_are_left_out():
    test = OpenSet(np.array([0.9]), np.array([0]), np.array([True]), np.array([0.1]), np.array([1]))
    low, high = bootstrap_open_set(test, lambda test, counts: np.array([auroc(test, counts)]), resamples=50)
    assert low.tolist() == high.tolist() == [1.0]
    with pytest.raises(ValueError, match="too few to resample"):
        bootstrap_open_set(test, lambda test, counts: np.array([np.nan]), resamples=5)


def test_what_has_no_figure_is_refused():
    nobody = np.zeros(0)
    with pytest.raises(ValueError, match="1 and 0"):
        OpenSet(np.ones(1), np.zeros(1, np.int64), np.ones(1, bool), nobody, nobody.astype(np.int64))
    with pytest.raises(ValueError, match="not a number"):
        OpenSet(np.ones(1), np.zeros(1, np.int64), np.ones(1, bool), np.array([np.nan]), np.zeros(1, np.int64))
