import numpy as np
import pytest

from data.errors import MissingDependency
from index.search import MOST_NEIGHBOURS, ExactSearch


def unit(shape: tuple[int, int], seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("queries", [1, 7])
@pytest.mark.parametrize("size", [3, 1000])
def test_search_equals_a_matrix_product(size, queries):
    stored = unit((size, 24), 1).astype(np.float16)
    asked = unit((queries, 24), 2)
    search = ExactSearch(24, "cpu")
    search.add(stored[: size // 2])
    search.add(stored[size // 2 :])
    k = 5
    similarities, positions = search.search(asked, k)
    product = asked.astype(np.float64) @ stored.astype(np.float64).T
    expected = np.argsort(-product, axis=1)[:, :k]
    held = min(k, size)
    assert np.array_equal(positions[:, :held], expected[:, :held])
    assert similarities[:, :held] == pytest.approx(np.take_along_axis(product, expected, 1)[:, :held], abs=1e-5)
    assert np.all(positions[:, held:] == -1) and np.all(similarities[:, held:] == -np.inf)


def test_vectors_come_back_as_they_went_in():
    stored = unit((9, 24), 1).astype(np.float16)
    search = ExactSearch(24, "cpu")
    assert search.vectors().shape == (0, 24)
    search.add(stored[:4])
    search.add(stored[4:])
    assert np.array_equal(search.vectors(), stored)


def test_empty_search_and_no_queries():
    search = ExactSearch(4, "cpu")
    similarities, positions = search.search(unit((2, 4), 3), 3)
    assert np.all(positions == -1) and similarities.shape == (2, 3)
    search.add(unit((5, 4), 4).astype(np.float16))
    assert search.search(np.empty((0, 4), np.float32), 3)[1].shape == (0, 3)


def test_wrong_numbers_are_both_named():
    search = ExactSearch(4, "cpu")
    with pytest.raises(ValueError, match=r"5 numbers do not fit a search over 4"):
        search.add(np.zeros((1, 5), np.float16))
    with pytest.raises(ValueError, match=r"3 numbers do not fit a search over 4"):
        search.search(np.zeros((1, 3), np.float32), 1)
    with pytest.raises(ValueError, match=f"between 1 and {MOST_NEIGHBOURS}, not 0"):
        search.search(np.zeros((1, 4), np.float32), 0)


def test_a_gpu_that_is_not_there_is_refused_in_words():
    faiss = pytest.importorskip("faiss")
    if getattr(faiss, "get_num_gpus", lambda: 0)():
        pytest.skip("this machine has a GPU")
    with pytest.raises(MissingDependency, match="FAISS sees no GPU"):
        ExactSearch(4, "cuda:0")
    assert ExactSearch(4).device == "cpu"
