"""Ranking figures against loops over single queries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from measure import average_precision_at_r, precision_at_k, rank_k

IDENTITIES = 4
neighbour_tables = st.integers(1, 9).flatmap(
    lambda nearest: st.tuples(
        arrays(np.int64, (3, nearest), elements=st.integers(-1, IDENTITIES - 1)),
        arrays(np.int64, 3, elements=st.integers(0, IDENTITIES - 1)),
        arrays(np.int64, 3, elements=st.integers(1, nearest)),
    )
)


def naive_average_precision(row, right, relevant):
    found, total = 0, 0.0
    for place, identity in enumerate(row[:relevant], start=1):
        if identity == right:
            found += 1
            total += found / place
    return total / relevant


@given(neighbour_tables)
def test_average_precision_and_precision_against_loops(table):
    neighbours, truth, relevant = table
    assert np.allclose(
        average_precision_at_r(neighbours, truth, relevant),
        [naive_average_precision(*row) for row in zip(neighbours.tolist(), truth, relevant, strict=True)],
    )
    for k in range(1, neighbours.shape[1] + 1):
        expected = [row[:k].count(right) / k for row, right in zip(neighbours.tolist(), truth.tolist(), strict=True)]
        assert np.allclose(precision_at_k(neighbours, truth, k), expected)


@given(
    arrays(np.float32, (5, IDENTITIES), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0, -np.inf, np.nan])),
    arrays(np.int64, 5, elements=st.integers(0, IDENTITIES - 1)),
    st.integers(1, IDENTITIES),
)
def test_rank_k_against_a_loop(scores, truth, k):
    expected = []
    for row, right in zip(scores.tolist(), truth.tolist(), strict=True):
        better = [score for column, score in enumerate(row) if column != right and not score < row[right]]
        expected.append(len(better) < k)
    assert rank_k(scores, truth, k).tolist() == expected


def test_a_perfect_and_a_hopeless_ranking():
    scores = np.eye(IDENTITIES)
    everyone = np.arange(IDENTITIES)
    assert rank_k(scores, everyone, 1).all()
    assert not rank_k(-scores, everyone, IDENTITIES - 1).any()
    assert not rank_k(np.zeros((3, 3)), np.arange(3), 2).any()
    neighbours = np.repeat(everyone[:, None], 5, axis=1)
    assert (average_precision_at_r(neighbours, everyone, np.full(IDENTITIES, 5)) == 1).all()


def test_what_is_not_defined_is_refused():
    neighbours, truth = np.array([[1, 2]]), np.array([1])
    with pytest.raises(ValueError, match="3 neighbours"):
        precision_at_k(neighbours, truth, 3)
    with pytest.raises(ValueError, match="3 neighbours"):
        average_precision_at_r(neighbours, truth, np.array([3]))
    with pytest.raises(ValueError, match="no reference"):
        average_precision_at_r(neighbours, truth, np.array([0]))


def test_no_queries_give_no_values():
    nobody = np.zeros(0, np.int64)
    assert rank_k(np.zeros((0, 3)), nobody, 1).shape == (0,)
    assert precision_at_k(np.zeros((0, 3), np.int64), nobody, 2).shape == (0,)
    assert average_precision_at_r(np.zeros((0, 3), np.int64), nobody, nobody).shape == (0,)
