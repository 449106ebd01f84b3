import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.search import VectorSearch
from index.search.approximate import ApproximateSearch
from index.search.approximate_graph import VectorGraph

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


def graph_over(vectors: np.ndarray) -> VectorGraph:
    graph = VectorGraph(DIMENSION)
    graph.fit(vectors)
    for start in range(0, len(vectors), 300):
        graph.add(vectors[start : start + 300])
    return graph


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
def graph(vectors) -> VectorGraph:
    return graph_over(vectors)


def ids(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64) * 3 + 5


@pytest.mark.parametrize("k", [1, 10, 50])
@pytest.mark.parametrize("queries", [1, 7, 300])
def test_with_all_candidates_it_is_the_exact_search(graph, vectors, k, queries):
    search = ApproximateSearch(graph, ids(800), 800)
    search.follow(ids(800), None)
    asked = questions(queries)
    assert equal(search.search(vectors, asked, k), exactly(vectors, asked, k))


def test_few_candidates_find_less_and_more_find_more():
    vectors = clustered(4000, 1)
    search = ApproximateSearch(graph_over(vectors), ids(4000), 1)
    search.follow(ids(4000), None)
    asked = questions(200)
    near, expected = exactly(vectors, asked, 10)
    shares = []
    for search.width in (1, 24, 4000):
        found_near, found = search.search(vectors, asked, 10)
        shares.append(np.mean([len({*one} & {*other}) / 10 for one, other in zip(found, expected, strict=True)]))
        assert (found_near <= near).all(), "a missed neighbour can only make way for a farther one"
    assert shares[0] < shares[1] < shares[2] == 1


def test_rows_may_stand_in_any_order(vectors):
    order = np.random.default_rng(3).permutation(800)
    search = ApproximateSearch(graph_over(vectors[order]), ids(800)[order], 800)
    search.follow(ids(800), None)
    asked = questions(20)
    assert equal(search.search(vectors, asked, 10), exactly(vectors, asked, 10))


@settings(max_examples=30)
@given(data=st.data())
def test_changes_are_followed(graph, vectors, data):
    """Some removed, some put out of the array, some that came: what is given is what the exact search gives."""
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    kept = np.sort(random.choice(800, data.draw(st.integers(1, 800)), replace=False))
    new = clustered(7, data.draw(st.integers(1, 5)), seed=4)
    today = np.concatenate([vectors[kept], new])
    references = np.concatenate([ids(800)[kept], 10_000 + np.arange(len(new))])
    removed = random.random(len(today)) < data.draw(st.sampled_from([0.0, 0.2, 0.9]))
    removed[data.draw(st.integers(0, len(today) - 1))] = False
    search = ApproximateSearch(graph, ids(800), 800)
    search.follow(references, removed if removed.any() else None)
    assert search.live + search.uncovered == (~removed).sum()
    asked = questions(5)
    k = data.draw(st.integers(1, 30))
    assert equal(search.search(today, asked, k, removed), exactly(today, asked, k, removed))


def test_a_removed_crowd_around_the_query_hides_nobody(graph, vectors):
    removed = np.zeros(800, bool)
    removed[exactly(vectors, questions(1), 400)[1][0]] = True
    search = ApproximateSearch(graph, ids(800), 16)
    search.follow(ids(800), removed)
    near, found = search.search(vectors, questions(1), 10, removed)
    assert not removed[found].any() and np.isfinite(near).all()
    assert len({*found[0]} & {*exactly(vectors, questions(1), 10, removed)[1][0]}) >= 9


def test_references_that_come_back_are_found_between_the_others(vectors):
    covered = np.delete(np.arange(800), [100, 400])
    search = ApproximateSearch(graph_over(vectors[covered]), ids(800)[covered], 800)
    search.follow(ids(800), None)
    assert search.uncovered == 2 and search.missing == pytest.approx(2 / 798)
    asked = vectors[[100, 400]].astype(np.float32)
    assert equal(search.search(vectors, asked, 3), exactly(vectors, asked, 3))


def test_nobody_left(graph, vectors):
    search = ApproximateSearch(graph, ids(800), 16)
    for references, removed in ((ids(800), np.ones(800, bool)), (np.zeros(0, np.int64), None)):
        search.follow(references, removed)
        near, found = search.search(vectors, questions(2), 3, removed)
        assert np.isneginf(near).all() and (found == -1).all() and found.shape == (2, 3)


def test_a_graph_is_written_and_read(graph, vectors, tmp_path):
    graph.write(tmp_path / "graph")
    again = VectorGraph.read(tmp_path / "graph")
    assert (len(again), again.dimension) == (800, DIMENSION)
    asked = questions(20)
    assert np.array_equal(again.propose(asked, 16), graph.propose(asked, 16))


def test_another_index_is_no_graph(tmp_path):
    import faiss

    faiss.write_index(faiss.IndexFlatIP(4), str(tmp_path / "flat"))
    with pytest.raises(ValueError, match="IndexFlat"):
        VectorGraph.read(tmp_path / "flat")
    (tmp_path / "nothing").write_bytes(b"nothing")
    with pytest.raises(RuntimeError):
        VectorGraph.read(tmp_path / "nothing")


def test_a_graph_and_its_references_must_fit(graph):
    with pytest.raises(ValueError, match="800 rows does not fit 3"):
        ApproximateSearch(graph, ids(3), 16)
