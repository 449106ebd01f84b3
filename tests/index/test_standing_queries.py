import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.standing_queries as module
from index.nearest_references import NetChanges, nearest_references
from index.records import Change, Vectors
from index.standing_queries import StandingQueries, keys_of

NOTHING = NetChanges.of([])


def vectors(size: int, random: np.random.Generator) -> np.ndarray:
    found = random.normal(size=(size, 6))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16)


def gallery(identities: np.ndarray, seed: int) -> Vectors:
    count = len(identities)
    unused = np.zeros(count, np.uint64)
    return Vectors(np.arange(count) * 3, identities, unused, unused, vectors(count, np.random.default_rng(seed)))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(0, 12), st.sampled_from([0.1, 0.7]), st.integers(0, 10**6))
def test_what_was_kept_becomes_what_a_new_search_gives(size, count, share, seed):
    random = np.random.default_rng(seed)
    before, after = random.integers(-1, 5, (2, size))
    same = random.random(size) > share
    after[same] = before[same]
    asked = vectors(count, random)
    asked = np.concatenate([asked, asked[:2]])  # two of the same numbers are one
    earlier = asked[random.random(len(asked)) < 0.7]
    held = gallery(before, seed)
    known = StandingQueries.none(4).asked(keys_of(earlier), earlier, held, NOTHING)
    journal = [
        Change(row, row * 3, *(None if who < 0 else int(who) for who in (before[row], after[row])))
        for row in range(size)
        if before[row] != after[row]
    ]
    held = gallery(after, seed)
    today = known.asked(keys_of(asked), asked, held, NetChanges.of(journal)).of(keys_of(asked))
    anew = nearest_references(held, asked.astype(np.float32), 4)
    assert np.array_equal(today.references, anew.references)
    assert np.array_equal(today.similarities, anew.similarities)


def test_only_what_is_new_or_has_lost_a_neighbour_is_searched(monkeypatch):
    random = np.random.default_rng(0)
    identities = random.integers(0, 9, 200)
    held, asked = gallery(identities, 1), vectors(30, random)
    known = StandingQueries.none(4).asked(keys_of(asked[:25]), asked[:25], held, NOTHING)
    assert known.asked(keys_of(asked[:25]), asked[:25], held, NOTHING) is known
    searched = []

    def counted(held, queries, depth):
        searched.append(len(queries))
        return nearest_references(held, queries, depth)

    monkeypatch.setattr(module, "nearest_references", counted)
    known.asked(keys_of(asked), asked, held, NOTHING)
    lost = int(known.nearest.references[0, 0])
    without = identities.copy()
    without[lost // 3] = -1
    gone = NetChanges.of([Change(1, lost, int(identities[lost // 3]), None)])
    known.asked(keys_of(asked[:25]), asked[:25], gallery(without, 1), gone)
    assert searched == [5, int((known.nearest.references == lost).any(axis=1).sum())]


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([None, 1, 2, 3])), max_size=30), st.integers(0, 30))
def test_net_changes_are_the_difference_of_two_moments(moves, at):
    now: dict[int, int | None] = {}
    journal, states = [], [{}]
    for row, (reference, after) in enumerate(moves):
        journal.append(Change(row, reference, now.get(reference), after))
        now[reference] = after
        states.append({one: who for one, who in now.items() if who is not None})
    at = min(at, len(moves))
    changes = NetChanges.of(journal[at:])
    assert changes.added.tolist() == sorted(set(states[-1]) - set(states[at]))
    assert changes.gone.tolist() == sorted(set(states[at]) - set(states[-1]))
    both = [(states[at].get(one), states[-1].get(one)) for one in range(5)]
    assert {who for was, becomes in both if was != becomes for who in (was, becomes) if who} <= set(changes.identities)


def test_keys_are_the_first_bytes_of_a_hash():
    from hashlib import sha256

    (key,) = keys_of(np.float16([[1.0, -2.0]]))
    assert int(key) == int.from_bytes(sha256(bytes.fromhex("003c00c0")).digest()[:8], "big")
    assert keys_of(np.zeros((0, 3), np.float16)).dtype == np.uint64


@pytest.mark.parametrize("count", [0, 3])
def test_an_empty_gallery_has_no_neighbours(count):
    asked = vectors(count, np.random.default_rng(1))
    held = gallery(np.zeros(0, np.int64), 1)
    nearest = StandingQueries.none(2).asked(keys_of(asked), asked, held, NOTHING).of(keys_of(asked))
    assert nearest.references.tolist() == [[-1, -1]] * count
