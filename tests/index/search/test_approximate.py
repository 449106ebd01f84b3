import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.search import VectorSearch
from index.search.approximate import ApproximateSearch
from index.search.approximate_lists import VectorLists, number_of_lists

DIMENSION = 24


def clustered(people: int, each: int, seed: int = 0) -> np.ndarray:
    """Unit vectors, `each` around every one of `people` directions."""
    random = np.random.default_rng(seed)
    means = np.repeat(random.standard_normal((people, DIMENSION)), each, axis=0)
    vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
    noise = random.standard_normal(vectors.shape)
    vectors += 0.75 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


def questions(count: int, seed: int = 9) -> np.ndarray:
    return clustered(count, 1, seed).astype(np.float32)


def lists_over(vectors: np.ndarray) -> VectorLists:
    lists = VectorLists.learn(vectors.astype(np.float32), len(vectors))
    for start in range(0, len(vectors), 300):
        lists.add(vectors[start : start + 300])
    return lists


def search_over(lists: VectorLists, covered: np.ndarray, width: int = 10_000) -> ApproximateSearch:
    """With all lists and all proposals, unless told otherwise."""
    search = ApproximateSearch(lists, covered, width)
    search.ranked = 1000 if width == 10_000 else search.ranked
    return search


def exactly(vectors: np.ndarray, queries: np.ndarray, k: int, removed: np.ndarray | None = None):
    search = VectorSearch(DIMENSION, "cpu")
    search.add(vectors)
    return search.search(queries, k, removed)


def equal(found, expected) -> bool:
    return np.array_equal(found[0], expected[0]) and np.array_equal(found[1], expected[1])


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return clustered(80, 10)


@pytest.fixture(scope="module")
def lists(vectors) -> VectorLists:
    return lists_over(vectors)


def ids(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64) * 3 + 5


@pytest.mark.parametrize("k", [1, 10, 50])
@pytest.mark.parametrize("queries", [1, 7, 300])
def test_with_all_lists_it_is_the_exact_search(lists, vectors, k, queries):
    search = search_over(lists, ids(800))
    search.follow(ids(800), None)
    asked = questions(queries)
    assert equal(search.search(vectors, asked, k), exactly(vectors, asked, k))


def test_few_lists_find_less_and_more_find_more(lists, vectors):
    search = search_over(lists, ids(800), 1)
    search.follow(ids(800), None)
    asked = questions(200)
    near, expected = exactly(vectors, asked, 10)
    shares = []
    for search.width in (1, 8, 64):
        found_near, found = search.search(vectors, asked, 10)
        shares.append(np.mean([len({*one} & {*other}) / 10 for one, other in zip(found, expected, strict=True)]))
        assert (found_near <= near).all(), "a missed neighbour can only make way for a farther one"
    assert shares[0] < shares[1] < shares[2] and shares[2] > 0.98


def test_rows_may_stand_in_any_order(vectors):
    order = np.random.default_rng(3).permutation(800)
    search = search_over(lists_over(vectors[order]), ids(800)[order])
    search.follow(ids(800), None)
    asked = questions(20)
    assert equal(search.search(vectors, asked, 10), exactly(vectors, asked, 10))


@settings(max_examples=30)
@given(data=st.data())
def test_changes_are_followed(lists, vectors, data):
    """Some removed, some put out of the array, some that came: what is given is what the exact search gives."""
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    kept = np.sort(random.choice(800, data.draw(st.integers(1, 800)), replace=False))
    new = clustered(7, data.draw(st.integers(1, 5)), seed=4)
    today = np.concatenate([vectors[kept], new])
    references = np.concatenate([ids(800)[kept], 10_000 + np.arange(len(new))])
    removed = random.random(len(today)) < data.draw(st.sampled_from([0.0, 0.2, 0.9]))
    removed[data.draw(st.integers(0, len(today) - 1))] = False
    search = search_over(lists, ids(800))
    search.follow(references, removed if removed.any() else None)
    assert search.live + search.uncovered == (~removed).sum()
    asked = questions(5)
    k = data.draw(st.integers(1, 30))
    assert equal(search.search(today, asked, k, removed), exactly(today, asked, k, removed))


def test_a_removed_crowd_around_the_query_hides_nobody(lists, vectors):
    removed = np.zeros(800, bool)
    removed[exactly(vectors, questions(1), 400)[1][0]] = True
    search = search_over(lists, ids(800), 16)
    search.follow(ids(800), removed)
    near, found = search.search(vectors, questions(1), 10, removed)
    assert not removed[found].any() and np.isfinite(near).all()
    assert len({*found[0]} & {*exactly(vectors, questions(1), 10, removed)[1][0]}) >= 9


def test_references_that_come_back_are_found_between_the_others(vectors):
    covered = np.delete(np.arange(800), [100, 400])
    search = search_over(lists_over(vectors[covered]), ids(800)[covered])
    search.follow(ids(800), None)
    assert search.uncovered == 2 and search.missing == pytest.approx(2 / 798)
    asked = vectors[[100, 400]].astype(np.float32)
    assert equal(search.search(vectors, asked, 3), exactly(vectors, asked, 3))


def test_nobody_left(lists, vectors):
    search = search_over(lists, ids(800), 16)
    for references, removed in ((ids(800), np.ones(800, bool)), (np.zeros(0, np.int64), None)):
        search.follow(references, removed)
        near, found = search.search(vectors, questions(2), 3, removed)
        assert np.isneginf(near).all() and (found == -1).all() and found.shape == (2, 3)


def test_lists_are_written_and_read(lists, vectors, tmp_path):
    lists.write(tmp_path / "lists")
    again = VectorLists.read(tmp_path / "lists")
    assert (len(again), again.dimension, again.lists) == (800, DIMENSION, number_of_lists(800))
    asked = questions(20)
    assert np.array_equal(again.propose(asked, 16, 50), lists.propose(asked, 16, 50))
    with pytest.raises(OSError, match="nowhere"):
        lists.write(tmp_path / "nowhere" / "lists")


def test_numbers_may_be_odd(vectors):
    odd = vectors[:, :-1] / np.linalg.norm(vectors[:, :-1].astype(np.float32), axis=1, keepdims=True)
    odd = odd.astype(np.float16)
    search = search_over(lists_over(odd), ids(800))
    search.follow(ids(800), None)
    asked = odd[:5].astype(np.float32)
    near, found = search.search(odd, asked, 3)
    assert found[:, 0].tolist() == list(range(5)) and near.shape == (5, 3)


def test_another_index_is_refused(tmp_path):
    import faiss

    faiss.write_index(faiss.IndexFlatIP(4), str(tmp_path / "flat"))
    with pytest.raises(ValueError, match="IndexFlat"):
        VectorLists.read(tmp_path / "flat")
    (tmp_path / "nothing").write_bytes(b"nothing")
    with pytest.raises(RuntimeError):
        VectorLists.read(tmp_path / "nothing")


def test_lists_and_references_must_fit(lists):
    with pytest.raises(ValueError, match="800 rows do not fit 3"):
        ApproximateSearch(lists, ids(3), 16)
    with pytest.raises(ValueError, match="16 vectors or more, not 15"):
        VectorLists.learn(questions(15)[:, :DIMENSION], 15)


def test_learning_can_be_stopped_between_rounds(vectors):
    rounds = iter(range(3))
    with pytest.raises(StopIteration):
        VectorLists.learn(vectors.astype(np.float32), 800, between=lambda: next(rounds))
