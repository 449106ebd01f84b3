"""Comparisons of systems: against loops over queries, and over resamples written out identity by identity."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.comparison import Comparison, Sample, compare, interval, ratios
from bench.comparison_table import MEAN, lines, markdown
from bench.open_set import draw_open_set
from bench.protocol import Protocol
from bench.systems import Variant
from bench.systems.kaodex import Kaodex
from data.errors import UnusableSource
from data.splits import draw_references_and_queries
from measure import OpenSet

NEAREST = Variant("nearest", 5)


def naive_tpir(mated, strangers, fpir, times):
    """mated: (score, identity, right); strangers: (score, identity); times: how often each identity is counted.

    Every query that scores more than each excluded stranger is named: try all scores as thresholds.
    """

    def share(rows, passes):
        whose = {identity for _, identity, *_ in rows}
        total = sum(times[identity] for identity in whose)
        each = [np.mean([passes(row) for row in rows if row[1] == identity]) * times[identity] for identity in whose]
        return sum(each) / total

    best = 0.0
    for line in [score for score, *_ in mated]:
        if share(strangers, lambda row, line=line: row[0] >= line) <= fpir + 1e-9:
            best = max(best, share(mated, lambda row, line=line: row[0] >= line and row[2]))
    return best


def a_sample(random, name, identities=5, each=6, rule="nearest"):
    whose = np.repeat(np.arange(identities), each)
    return Sample(
        name,
        Variant(rule, 5),
        random.random(identities).round(2),
        OpenSet(
            random.integers(0, 30, len(whose)) / 30,
            whose,
            random.random(len(whose)) < 0.7,
            random.integers(-10, 20, len(whose)) / 30,
            whose,
        ),
    )


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_figures_of_a_resample_count_each_identity_as_often_as_it_was_drawn(seed):
    random = np.random.default_rng(seed)
    sample = a_sample(random, "one")
    counts = np.bincount(random.integers(0, 5, 5), minlength=5).astype(np.float64)
    test = sample.open_set
    mated = list(zip(test.mated_scores, test.mated_identities, test.right, strict=True))
    strangers = list(zip(test.stranger_scores, test.stranger_identities, strict=True))
    expected = [np.repeat(sample.rank1, counts.astype(int)).mean()]
    expected += [naive_tpir(mated, strangers, fpir, counts) for fpir in (0.1, 0.01)]
    assert np.allclose(sample.figures(counts), expected)


def test_every_system_meets_the_same_resamples():
    random = np.random.default_rng(3)
    one, other = a_sample(random, "one"), a_sample(random, "other")
    both = Comparison("painted", 2, (one, other, one), resamples=50)
    assert both.resampled.shape == (3, 50, 3)
    assert (both.resampled[0] == both.resampled[2]).all()
    assert not (both.resampled[0] == both.resampled[1]).all()
    # who is not drawn does not count: with identity 0 alone to differ, resamples differ as often as it is drawn
    worse = Sample("worse", NEAREST, np.r_[one.rank1[0] - 0.5, one.rank1[1:]], one.open_set)
    apart = Comparison("painted", 2, (one, worse), resamples=50).resampled
    gaps = (apart[0] - apart[1])[:, 0] / 0.1  # 0.5 over five identities
    assert np.allclose(gaps, gaps.round()) and {0, 1} < set(gaps.round().astype(int).tolist())
    elsewhere = Comparison("drawn", 2, (one,), resamples=50)  # another collection is resampled on its own
    assert not (elsewhere.resampled[0] == both.resampled[0]).all()


def test_ratios_are_of_errors_and_of_right_names():
    found = ratios(np.array([[0.9, 0.4, 0.0], [1.0, 0.5, 0.1]]), np.array([[0.8, 0.5, 0.0], [1.0, 0.25, 0.0]]))
    assert np.allclose(found, [[0.5, 0.8, np.nan], [np.nan, 2, np.inf]], equal_nan=True)
    # a mean of ones may fall short of one by a rounding
    assert np.isnan(ratios(np.array([1 - 1e-16, 0.5, 0.5]), np.array([1.0, 0.5, 0.5]))[0])


def test_intervals_leave_out_what_is_no_number():
    values = np.stack([np.arange(41.0), np.full(41, np.nan), np.r_[np.full(38, 1.0), [np.inf] * 3]], axis=1)
    values[0, 0] = np.nan  # 40 are left: 1 to 40
    low, high = interval(values)
    assert low.tolist()[0] == 2 and high.tolist()[0] == 39
    assert np.isnan([low[1], high[1]]).all()
    assert (low[2], high[2]) == (1, np.inf)


@pytest.fixture
def two_encoders(clustered):
    """Features of the same twelve identities, sharply and hardly apart."""
    sharp, whose = clustered(12, 7, noise=0.35)
    blurred, _ = clustered(12, 7, noise=1.5)
    return {"sharp": sharp, "blurred": blurred}, whose


@pytest.fixture
def systems(mean_colour):
    """systems(names): systems of these names, whose features are given."""
    return lambda names: [Kaodex(mean_colour, name) for name in names]


def test_a_comparison_is_that_of_loops(two_encoders, systems):
    features, whose = two_encoders
    groups = np.arange(len(whose))
    groups[::7] = groups[1::7]  # the first two pictures of each are of one source
    protocol = Protocol((2,), (5,), ("nearest", "weighted"), draws=3, seed=4)
    found = compare("painted", systems(features), features, whose, groups, protocol)
    assert [(one.name, one.variant.rule) for one in found.samples] == [
        (name, rule) for name in features for rule in ("nearest", "weighted")
    ]
    for place, name in ((0, "sharp"), (2, "blurred")):
        hits = {identity: [] for identity in range(12)}
        mated, strangers = [], []
        for number in range(3):
            draw = draw_references_and_queries(whose, groups, 2, (4, 2, number))
            for query in draw.queries:
                nearest = draw.references[(features[name][draw.references] @ features[name][query]).argmax()]
                hits[whose[query]].append(whose[nearest] == whose[query])
            split = draw_open_set(whose, groups, 2, 0.5, (4, 2, number))
            for query in (*split.mated, *split.strangers):
                similarities = features[name][split.references] @ features[name][query]
                row = (similarities.max(), whose[query], whose[split.references[similarities.argmax()]] == whose[query])
                (mated if query in split.mated else strangers).append(row)
        rank1 = np.array([np.mean(hits[identity]) for identity in range(12)])
        assert np.allclose(found.samples[place].rank1, rank1)
        tpir = [naive_tpir(mated, strangers, fpir, np.ones(12)) for fpir in (0.1, 0.01)]
        assert np.allclose(found.figures[place], [rank1.mean(), *tpir])


def test_the_split_keeps_strangers_and_enrolled_apart(two_encoders):
    _, whose = two_encoders
    groups = np.arange(len(whose)) // 2  # pictures 6 and 7 share a source across two identities, and so on
    for number in range(10):
        split = draw_open_set(whose, groups, 2, 0.5, (0, 2, number))
        strange = set(whose[split.strangers].tolist())
        assert len(split.enrolled) == 6 and strange <= set(range(12)) - set(split.enrolled.tolist())
        assert set(whose[split.mated].tolist()) <= set(split.enrolled.tolist()) == set(whose[split.references].tolist())
        assert not set(groups[split.references]) & set(groups[np.r_[split.mated, split.strangers]])


def test_identities_without_groups_enough_take_no_part(two_encoders, systems):
    features, whose = two_encoders
    groups = np.arange(len(whose))
    groups[whose < 3] = whose[whose < 3]  # three identities with a single source each
    protocol = Protocol((2,), (1,), ("nearest",), draws=3)
    found = compare("painted", systems(features), features, whose, groups, protocol)
    assert found.identities == 9
    without = {name: vectors[whose >= 3] for name, vectors in features.items()}
    alone = compare("painted", systems(features), without, whose[whose >= 3], groups[whose >= 3], protocol)
    assert (found.figures == alone.figures).all()
    with pytest.raises(UnusableSource, match="painted: only 3 identities have 3 pictures"):
        some = whose < 3
        few = {name: vectors[some] for name, vectors in features.items()}
        compare("painted", systems(features), few, whose[some], np.arange(int(some.sum())), protocol)


def test_lines_pair_each_system_with_the_baseline_of_its_rule():
    random = np.random.default_rng(5)
    ours = [a_sample(random, "ours", rule=rule) for rule in ("nearest", "weighted")]
    base = [a_sample(random, "base", rule=rule) for rule in ("nearest", "weighted")]
    rival = a_sample(random, "rival")
    first = Comparison("first", 2, (rival, *ours, *base), resamples=60)
    second = Comparison("second", 5, (rival, *base), resamples=60)
    found = {(line.collection, line.system, line.rule): line for line in lines([first, second], "base")}
    assert (MEAN, "ours", "nearest") not in found  # it did not meet both collections
    assert found["first", "base", "nearest"].ratios is None and found[MEAN, "base", "weighted"].ratios is None
    for place, rule in ((1, "nearest"), (2, "weighted")):
        line = found["first", "ours", rule]
        assert np.array_equal(line.ratios, ratios(first.figures[place], first.figures[place + 2]), equal_nan=True)
        paired = interval(ratios(first.resampled[place], first.resampled[place + 2]))
        assert np.array_equal(line.ratio_ends, paired, equal_nan=True)
    mean = found[MEAN, "rival", "nearest"]
    figures = (first.figures[0] + second.figures[0]) / 2
    bases = (first.figures[3] + second.figures[1]) / 2
    assert np.allclose(mean.figures, figures) and np.allclose(mean.ratios, ratios(figures, bases))
    assert np.allclose(mean.ends, interval((first.resampled[0] + second.resampled[0]) / 2))
    assert mean.identities == 10 and mean.shots is None


def test_the_table_and_the_json_say_the_same():
    random = np.random.default_rng(6)
    samples = [a_sample(random, "rival"), *(a_sample(random, "ours", rule=rule) for rule in ("nearest", "weighted"))]
    found = lines([Comparison("painted", 2, tuple(samples), resamples=40)], "rival")
    rows = [row.strip("|").split("|") for row in markdown(found, "rival", "weighted").splitlines()]
    assert {len(row) for row in rows} == {8} and len(rows) == 4
    assert [row[0].strip() for row in rows[2:]] == ["painted, 5, 2", ""]
    ours, weighted = found[1], found[2]
    written = json.loads(json.dumps(ours.as_json(), allow_nan=False))
    assert rows[3][2].split()[0] == f"{written['rank1']:.3f}" == f"{ours.figures[0]:.3f}"
    assert rows[3][7].split()[0] == f"{weighted.figures[0]:.3f}"
    assert rows[3][3].split()[0] == f"{ours.ratios[0]:.2f}"
    assert set(written["ratios"]) == {"errors", "tpir_10", "tpir_1"}
    assert written["intervals"]["rank1"][0] <= written["rank1"] <= written["intervals"]["rank1"][1]
