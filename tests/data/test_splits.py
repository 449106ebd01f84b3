"""Splits: what must never be on both sides is not, whatever the identities and groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.splits import draw_references_and_queries, hold_out_identities, unite_groupings, usable_identities

collections = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), min_size=1, max_size=60).map(
    lambda rows: tuple(np.array(column, np.int64) for column in zip(*rows, strict=True))
)


@given(collections, st.integers(1, 4), st.integers(0, 99))
def test_a_draw_keeps_its_promises(collection, shots, seed):
    identities, groups = collection
    draw = draw_references_and_queries(identities, groups, shots, seed)
    usable = {
        identity
        for identity in identities.tolist()
        if len({group for name, group in zip(identities, groups, strict=True) if name == identity}) > shots
    }
    assert set(usable_identities(identities, groups, shots).tolist()) == usable
    for identity in usable:
        of_it = draw.references[identities[draw.references] == identity]
        assert len(of_it) == len(set(groups[of_it].tolist())) == shots
    assert len(draw.references) == shots * len(usable)
    touched = set(groups[draw.references].tolist())
    expected = [
        place for place in range(len(identities)) if identities[place] in usable and groups[place] not in touched
    ]
    assert draw.queries.tolist() == expected


@given(collections, st.integers(1, 3), st.integers(1, 3), st.integers(0, 99))
def test_capped_queries_are_some_of_all_queries(collection, shots, cap, seed):
    identities, groups = collection
    every = draw_references_and_queries(identities, groups, shots, seed)
    capped = draw_references_and_queries(identities, groups, shots, seed, queries_per_identity=cap)
    assert (every.references == capped.references).all()
    for identity in set(identities.tolist()):
        of_every = set(every.queries[identities[every.queries] == identity].tolist())
        of_capped = set(capped.queries[identities[capped.queries] == identity].tolist())
        assert of_capped <= of_every
        assert len(of_capped) == min(cap, len(of_every))


def test_every_picture_and_group_is_drawn_equally_often():
    identities = np.zeros(7, np.int64)
    groups = np.array([0, 0, 1, 2, 2, 2, 3])
    drawn = np.zeros(7)
    for seed in range(4000):
        drawn[draw_references_and_queries(identities, groups, 1, seed).references] += 1 / 4000
    # a group with chance 1/4, then a picture of it
    assert np.abs(drawn - np.array([1 / 8, 1 / 8, 1 / 4, 1 / 12, 1 / 12, 1 / 12, 1 / 4])).max() < 0.03


def test_a_draw_depends_on_its_seed_alone():
    identities = np.repeat(np.arange(5), 10)
    groups = np.arange(50)
    one, again, other = (draw_references_and_queries(identities, groups, 3, seed) for seed in ([1, 2], [1, 2], [1, 3]))
    assert (one.references == again.references).all() and (one.queries == again.queries).all()
    assert (one.references != other.references).any()


def test_nobody_usable_gives_an_empty_draw():
    draw = draw_references_and_queries(np.array([0, 1]), np.array([0, 1]), 1, seed=0)
    assert draw.references.shape == draw.queries.shape == (0,)


def test_senseless_numbers_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        draw_references_and_queries(np.array([0]), np.array([0]), 0, seed=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        hold_out_identities(np.array([0, 1]), 1.5, seed=0)
    with pytest.raises(ValueError, match="at least 2"):
        hold_out_identities(np.array([3, 3]), 0.5, seed=0)
    with pytest.raises(ValueError, match="nothing to unite"):
        unite_groupings()


@given(st.lists(st.integers(0, 20), min_size=2).filter(lambda names: len(set(names)) > 1), st.floats(0.01, 0.99))
def test_held_out_identities_are_held_out_whole(names, share):
    identities = np.array(names)
    held_out = hold_out_identities(identities, share, seed=1)
    inside, outside = set(identities[held_out].tolist()), set(identities[~held_out].tolist())
    assert not inside & outside
    assert inside and outside
    assert len(inside) == min(max(round(share * len(inside | outside)), 1), len(inside | outside) - 1)


def naive_union(groupings):
    size = len(groupings[0])
    owner = list(range(size))
    for grouping in groupings:
        for i in range(size):
            for j in range(size):
                if grouping[i] == grouping[j] >= 0:
                    owner = [owner[i] if who == owner[j] else who for who in owner]
    order = list(dict.fromkeys(owner))
    return [order.index(who) for who in owner]


@given(
    st.integers(1, 20).flatmap(
        lambda size: st.lists(st.lists(st.integers(-1, 8), min_size=size, max_size=size), min_size=1, max_size=3)
    )
)
def test_united_groupings_are_the_connected_components(groupings):
    arrays = [np.array(grouping, np.int64) for grouping in groupings]
    assert unite_groupings(*arrays).tolist() == naive_union(groupings)
