"""A fifth of each identity is asked about, and groups stay whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.closed_split import split_closed


def test_a_fifth_of_each_is_asked_about():
    identities = np.repeat([0, 1, 2], [100, 10, 5])
    draw = split_closed(identities, np.arange(115), 0)
    assert np.bincount(identities[draw.queries]).tolist() == [20, 2, 1]
    assert np.bincount(identities[draw.references]).tolist() == [80, 8, 4]
    again, other = split_closed(identities, np.arange(115), 0), split_closed(identities, np.arange(115), 1)
    assert draw.queries.tolist() == again.queries.tolist() != other.queries.tolist()


def test_large_groups_give_their_smallest():
    draw = split_closed(np.array([0, 0, 0, 0, 0]), np.array([7, 7, 7, 3, 3]), 0)
    assert (draw.references.tolist(), draw.queries.tolist()) == ([0, 1, 2], [3, 4])


def test_one_group_is_too_few():
    draw = split_closed(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 2]), 0)
    assert sorted([*draw.references, *draw.queries]) == [2, 3]


def test_the_share_must_leave_something_to_learn_from():
    with pytest.raises(ValueError, match=r"but is 0\.6"):
        split_closed(np.array([0, 0]), np.array([0, 1]), 0, 0.6)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=40), st.integers(0, 5))
def test_no_group_lies_on_both_sides_and_everyone_asked_is_known(pictures, seed):
    identities, groups = np.array(pictures, np.int64).T
    draw = split_closed(identities, groups, seed)
    assert not set(groups[draw.references]) & set(groups[draw.queries])
    assert not set(draw.references) & set(draw.queries)
    usable = {who for who in set(identities) if len(set(groups[identities == who])) > 1}
    assert set(identities[draw.references]) == usable
    assert set(identities[draw.queries]) <= usable
