from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.nearest_references as nearest_references
import index.neighbourhoods as module
from data.near_duplicates import NEAR_DUPLICATE_DISTANCE
from index.calibration import outcomes_as_mated, outcomes_as_strangers
from index.nearest_references import NetChanges
from index.neighbourhoods import Neighbourhoods, _scrambled, find_neighbourhoods, sample, update_neighbourhoods
from index.records import Vectors
from index.voting import RULES, centroids, vote


def gallery(size: int, identities: int, seed: int, removed: float = 0.1) -> Vectors:
    """Random references, some removed, some from one picture, some near-duplicates; ids with gaps."""
    random = np.random.default_rng(seed)
    encodings = random.normal(size=(size, 6))
    encodings /= np.linalg.norm(encodings, axis=1, keepdims=True)
    hashes = random.integers(0, 2**63, size).astype(np.uint64)
    twins = random.random(size) < 0.2
    hashes[twins] = hashes[random.integers(0, size, twins.sum())] ^ np.uint64(1)
    whose = random.integers(0, identities, size)
    whose[random.random(size) < removed] = -1
    return Vectors(
        references=np.cumsum(random.integers(1, 4, size)).astype(np.int64),
        identities=whose.astype(np.int64),
        pictures=random.integers(0, max(1, size * 3 // 4), size).astype(np.uint64),
        hashes=hashes,
        encodings=encodings.astype(np.float16),
    )


def same_picture(held: Vectors, start: int) -> set[int]:
    """By following one link after another: one picture file, or hashes that differ little, within the identity."""
    members = [int(other) for other in np.flatnonzero(held.identities == held.identities[start])]
    found, waiting = {start}, [start]
    while waiting:
        one = waiting.pop()
        for other in members:
            near = int(held.hashes[one] ^ held.hashes[other]).bit_count() <= NEAR_DUPLICATE_DISTANCE
            if other not in found and (near or held.pictures[one] == held.pictures[other]):
                found.add(other)
                waiting.append(other)
    return found


def naive_answer(held: Vectors, position: int, without: set[int], k: int, rule: str) -> tuple[int, float]:
    """Rebuild the gallery without some references, and ask it."""
    left = [at for at in range(len(held.references)) if held.identities[at] >= 0 and at not in without]
    query = held.encodings[position].astype(np.float32)
    if rule == "centroid":
        whose, means = centroids(held.encodings[left].astype(np.float64), held.identities[left])
        similarities, identities = np.minimum(means @ query, 1)[None], whose[None]
        rule = "nearest"
    else:
        similarities = np.minimum(held.encodings[left].astype(np.float32) @ query, 1)[None]
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
        similarities, identities = np.take_along_axis(similarities, order, 1), held.identities[left][order]
    if not identities.size:
        return -1, -np.inf
    votes = vote(similarities.astype(np.float32), identities, rule)
    return int(votes.identities[0, 0]), float(votes.scores[0, 0])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 8), st.integers(1, 7), st.sampled_from(RULES), st.integers(0, 10**6))
def test_outcomes_equal_rebuilding_the_gallery(size, identities, k, rule, seed):
    held = gallery(size, identities, seed)
    positions = sample(held.references, held.identities, per_identity=4)
    known = find_neighbourhoods(held, positions)
    strangers = outcomes_as_strangers(known, held, k, rule)
    mated = outcomes_as_mated(known, held, k, rule)
    asked_again = 0
    for row, position in enumerate(positions.tolist()):
        own = set(np.flatnonzero(held.identities == held.identities[position]).tolist())
        name, score = naive_answer(held, position, own, k, rule)
        assert strangers.truths[row] == held.identities[position]
        assert strangers.scores[row] == pytest.approx(score, abs=1e-5)
        if name != strangers.named[row]:  # two candidates may tie up to rounding
            assert strangers.margins[row] < 1e-4
        twins = same_picture(held, position)
        if own - twins:
            name, score = naive_answer(held, position, twins, k, rule)
            assert mated.scores[asked_again] == pytest.approx(score, abs=1e-5)
            if name != mated.named[asked_again]:
                assert mated.margins[asked_again] < 1e-4
            asked_again += 1
    assert asked_again == len(mated.scores)


def arrays(known: Neighbourhoods) -> list[np.ndarray]:
    nearest = (known.strangers, known.mated)
    return [known.samples, known.others, *(array for of in nearest for array in (of.similarities, of.references))]


def assert_same(one: Neighbourhoods, other: Neighbourhoods) -> None:
    """To the last bit: a similarity does not depend on the way in which it was found."""
    for left, right in zip(arrays(one), arrays(other), strict=True):
        assert np.array_equal(left, right)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 120), st.integers(1, 9), st.integers(1, 5), st.sampled_from([1, 40, 400]), st.integers(0, 10**6))
def test_groups_of_any_size_give_the_nearest_references(size, identities, rows, pairs, seed):
    held = gallery(size, identities, seed)
    positions = sample(held.references, held.identities, per_identity=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ROWS", rows)
        patch.setattr(module, "_PAIRS", pairs)
        known = find_neighbourhoods(held, positions, depth=4)
    enrolled = set(np.flatnonzero(held.identities >= 0).tolist())
    for row, position in enumerate(positions.tolist()):
        own = set(np.flatnonzero(held.identities == held.identities[position]).tolist())
        twins = same_picture(held, position)
        assert known.others[row] == len(own - twins)
        for nearest, without in ((known.strangers, own), (known.mated, twins)):
            near = {at: np.dot(*held.encodings[[position, at]].astype(np.float64)) for at in enrolled - without}
            best = sorted(near, key=lambda at: (-np.float32(near[at]), at))[:4]
            missing = 4 - len(best)
            assert nearest.references[row].tolist() == held.references[best].tolist() + [-1] * missing
            expected = np.array([near[at] for at in best] + [-np.inf] * missing)
            assert np.allclose(nearest.similarities[row], expected, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 80), st.integers(1, 6), st.sampled_from([0.1, 0.8]), st.integers(0, 10**6))
def test_an_update_gives_what_a_new_search_gives(size, identities, share, seed):
    random = np.random.default_rng(seed)
    after = gallery(size, identities, seed, removed=0.2)
    # before: some references had not come in yet, some were of others, some that are removed now were enrolled
    before_identities = after.identities.copy()
    late = random.random(size) < share
    moved = random.random(size) < 0.1
    gone = (after.identities < 0) & (random.random(size) < 0.5)
    before_identities[moved & (after.identities >= 0)] = random.integers(0, identities)
    before_identities[gone] = random.integers(0, identities)
    before_identities[late] = -1
    before = Vectors(after.references, before_identities, after.pictures, after.hashes, after.encodings)
    known = find_neighbourhoods(before, sample(before.references, before.identities, 3), depth=4)
    touched = before_identities != after.identities
    changed = np.unique(np.concatenate([before_identities[touched], after.identities[touched]]))
    was, now = before_identities >= 0, after.identities >= 0
    changes = NetChanges(changed[changed >= 0], after.references[~was & now], after.references[was & ~now])
    updated = update_neighbourhoods(known, after, changes, per_identity=3)
    assert_same(updated, find_neighbourhoods(after, sample(after.references, after.identities, 3), depth=4))


def test_one_identity_more_is_no_new_search(monkeypatch):
    held = gallery(3000, 150, 7, removed=0)
    before = np.where(held.identities == 149, -1, held.identities)
    early = Vectors(held.references, before, held.pictures, held.hashes, held.encodings)
    known = find_neighbourhoods(early, sample(early.references, early.identities))
    searched = []

    def counted(held, positions, depth):
        searched.append(len(positions))
        return find_neighbourhoods(held, positions, depth)

    monkeypatch.setattr(module, "find_neighbourhoods", counted)
    came = held.references[held.identities == 149]
    updated = update_neighbourhoods(known, held, NetChanges(np.array([149]), came, np.zeros(0, np.int64)))
    assert searched == [min(20, len(came))]
    assert_same(updated, find_neighbourhoods(held, sample(held.references, held.identities)))


def test_a_large_addition_takes_little_memory(monkeypatch):
    import tracemalloc

    held = gallery(5000, 40, 5, removed=0)
    held.identities[3000:] += 40
    before = held.identities.copy()
    before[3000:] = -1
    early = Vectors(held.references, before, held.pictures, held.hashes, held.encodings)
    known = find_neighbourhoods(early, sample(early.references, early.identities))
    monkeypatch.setattr(nearest_references, "_PAIRS", 1 << 18)
    changes = NetChanges(np.arange(40, 80), held.references[3000:], np.zeros(0, np.int64))
    tracemalloc.start()
    updated = update_neighbourhoods(known, held, changes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6
    assert_same(updated, find_neighbourhoods(held, sample(held.references, held.identities)))


@given(
    st.lists(st.integers(-1, 6), max_size=60),
    st.integers(1, 5),
    st.integers(1, 40),
    st.sampled_from([1, 10**12]),
    st.integers(0, 10**6),
)
def test_the_sample_is_the_lowest_ranks(identities, per_identity, most, apart, seed):
    identities = np.array(identities, np.int64)
    identities[identities >= 0] *= apart  # a server's clients draw numbers of many digits
    references = np.cumsum(np.random.default_rng(seed).integers(1, 4, len(identities)))
    rank = dict(zip(references.tolist(), _scrambled(references).tolist(), strict=True))
    names = sorted({int(who) for who in identities if who >= 0}, key=lambda who: _scrambled(np.array([who]))[0])[:most]
    share, rest = divmod(most, max(1, len(names)))
    expected = []
    for lot, who in enumerate(names):
        own = np.flatnonzero(identities == who).tolist()
        expected += sorted(own, key=lambda at: rank[references[at]])[: min(per_identity, share + (lot < rest))]
    assert sample(references, identities, per_identity, most).tolist() == sorted(expected)


def test_ranks_below_the_bound_may_be_too_few():
    references = np.arange(1, 100_001)
    identities = references % 1000
    chosen = sample(references, identities, per_identity=2, most=2000)
    ranks = _scrambled(references).reshape(100, 1000)  # identity 1, 2, … 999, 0 in each row
    expected = np.sort((np.argsort(ranks, axis=0)[:2] * 1000 + np.arange(1000)).ravel())
    assert np.array_equal(chosen, expected)


def test_the_sample_is_bounded_even_and_steady():
    references = np.arange(1, 5001)
    identities = np.repeat(np.arange(50), 100)
    chosen = sample(references, identities)
    assert np.array_equal(np.bincount(identities[chosen]), np.full(50, 20))
    assert len(sample(references, identities, most=500)) == 500
    assert len(sample(references, np.arange(5000), most=300)) == 300
    grown = sample(np.arange(1, 5002), np.append(identities, 7))
    assert len(np.setdiff1d(chosen, grown)) <= 1  # one more reference displaces at most one of its identity
    # one identity more or fewer changes few samples, also where 1000 is divided by its number without a rest
    steady = [sample(references, np.minimum(references // 10, count), most=1000) for count in (331, 332, 333, 334)]
    for one, other in pairwise(steady):
        assert len(np.setxor1d(one, other)) < 12
    spread = np.sort(chosen[identities[chosen] == 3] % 100)
    assert spread[0] < 25 and spread[-1] > 75
    assert len(sample(references, np.full(5000, -1))) == 0
