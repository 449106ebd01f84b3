"""Exact search: every route gives what a product in float64 gives, ties and removed vectors included."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.search.vectors as vectors_module
from data.errors import GalleryDamaged, MissingDependency
from index.search import MOST_NEIGHBOURS, VectorSearch, nearest
from index.search.routes import Route, fastest_route


def unit(shape: tuple[int, int], seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def naive(stored, asked, k, removed=None):
    """Sort all: the similarities in float64, rounded to float32, equal ones by position."""
    near = (asked.astype(np.float64) @ stored.astype(np.float64).T).astype(np.float32)
    if removed is not None:
        near[:, removed] = -np.inf
    order = np.lexsort((np.broadcast_to(np.arange(len(stored)), near.shape), -near), axis=-1)[:, :k]
    near = np.take_along_axis(near, order, axis=1)
    order = np.where(np.isneginf(near), -1, order)
    missing = k - near.shape[1]
    return np.pad(near, ((0, 0), (0, missing)), constant_values=-np.inf), np.pad(
        order, ((0, 0), (0, missing)), constant_values=-1
    )


def searched(stored, asked, k, removed=None):
    search = VectorSearch(stored.shape[1], "cpu")
    search.add(stored)
    return search.search(asked, k, removed)


def equal(found, expected):
    assert np.array_equal(found[1], expected[1])
    assert found[0] == pytest.approx(expected[0], abs=1e-7)


@pytest.fixture(params=Route)
def route(request, monkeypatch):
    if request.param is Route.PROPOSAL:
        pytest.importorskip("torch")
    monkeypatch.setattr(vectors_module, "fastest_route", lambda *sizes, can_propose: request.param)
    return request.param


class TestEveryRoute:
    @pytest.mark.parametrize("queries", [1, 2, 7])
    @pytest.mark.parametrize("size", [1, 3, 64, 1000])
    def test_equals_a_product_in_float64(self, route, size, queries):
        stored, asked = unit((size, 24), 1).astype(np.float16), unit((queries, 24), 2)
        equal(searched(stored, asked, 5), naive(stored, asked, 5))
        equal(nearest(stored, asked, min(5, size)), naive(stored, asked, min(5, size)))

    def test_over_several_pieces(self, route):
        stored, asked = unit((40_000, 16), 1).astype(np.float16), unit((3, 16), 2)
        removed = np.random.default_rng(3).random(40_000) < 0.3
        removed[:20_000] = True  # a whole piece and more
        equal(searched(stored, asked, 20, removed), naive(stored, asked, 20, removed))

    def test_copies_of_one_vector_come_by_position(self, route):
        stored = np.repeat(unit((40, 8), 1).astype(np.float16), 30, axis=0)
        asked = stored[[0, 700]].astype(np.float32)
        equal(searched(stored, asked, 45), naive(stored, asked, 45))

    def test_more_copies_than_a_route_asks_for(self, route):
        stored = np.concatenate([unit((50, 8), 1).astype(np.float16), np.repeat(unit((1, 8), 2), 5000, 0).astype("f2")])
        asked = stored[-1:].astype(np.float32)
        equal(searched(stored, asked, 3), naive(stored, asked, 3))

    def test_nearly_equal_ones_are_told_apart_by_the_stored_numbers(self, route):
        # 300 vectors whose similarities differ by less than float16 or bfloat16 sums could tell
        rng = np.random.default_rng(4)
        base = unit((1, 64), 5)[0]
        stored = base + 0.002 * rng.normal(size=(300, 64))
        stored = (stored / np.linalg.norm(stored, axis=1, keepdims=True)).astype(np.float16)
        equal(searched(stored, base[None], 10), naive(stored, base[None], 10))

    def test_nobody_is_left(self, route):
        stored, asked = unit((5, 8), 1).astype(np.float16), unit((2, 8), 2)
        near, where = searched(stored, asked, 3, np.ones(5, bool))
        assert np.all(where == -1) and np.all(near == -np.inf)

    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 70), st.integers(0, 10**6), st.floats(0, 1))
    def test_any_sizes_and_removals(self, size, queries, k, seed, share):
        rng = np.random.default_rng(seed)
        stored = unit((size, 4), seed).astype(np.float16)[rng.integers(0, size, size)]  # copies among them
        asked = np.concatenate([unit((queries, 4), seed + 1), stored[:1].astype(np.float32)])
        removed = rng.random(size) < share
        for which in Route:
            if which is Route.PROPOSAL:
                pytest.importorskip("torch")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(vectors_module, "fastest_route", lambda *sizes, can_propose, which=which: which)
                equal(searched(stored, asked, k, removed), naive(stored, asked, k, removed))


def test_an_answer_does_not_depend_on_the_batch():
    stored, asked = unit((3000, 32), 1).astype(np.float16), unit((600, 32), 2)
    search = VectorSearch(32, "cpu")
    search.add(stored)
    near, where = search.search(asked, 7)
    for row in (0, 255, 256, 599):
        one_near, one_where = search.search(asked[row : row + 1], 7)
        assert np.array_equal(one_where[0], where[row]) and np.array_equal(one_near[0], near[row])


def test_vectors_come_back_as_they_went_in():
    stored = unit((900, 24), 1).astype(np.float16)
    search = VectorSearch(24, "cpu")
    assert search.vectors().shape == (0, 24)
    search.reserve(500)
    assert len(search) == 0
    search.add(stored[:400])
    file = BytesIO(stored[400:].astype("<f2").tobytes())
    search.read(file, 200)
    search.read(file, 300)
    assert len(search) == 900 and np.array_equal(search.vectors(), stored)
    equal(search.search(stored[:2].astype(np.float32), 3), naive(stored, stored[:2].astype(np.float32), 3))


def test_a_file_that_ends_early_adds_nothing():
    search = VectorSearch(8, "cpu")
    search.add(unit((3, 8), 1).astype(np.float16))
    with pytest.raises(GalleryDamaged, match="ends after 20 of 32 bytes"):
        search.read(BytesIO(b"x" * 20), 2)
    assert len(search) == 3 and search.search(unit((1, 8), 1), 5)[1][0, 3] == -1


def test_empty_search_and_no_queries():
    search = VectorSearch(4, "cpu")
    similarities, positions = search.search(unit((2, 4), 3), 3)
    assert np.all(positions == -1) and similarities.shape == (2, 3)
    search.add(unit((5, 4), 4).astype(np.float16))
    assert search.search(np.empty((0, 4), np.float32), 3)[1].shape == (0, 3)


def test_wrong_numbers_are_both_named():
    search = VectorSearch(4, "cpu")
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
        VectorSearch(4, "cuda:0")
    assert VectorSearch(4).device == "cpu"


def test_one_query_is_scanned_and_many_are_multiplied():
    assert fastest_route(10**6, 1, can_propose=True) is Route.SCAN
    assert fastest_route(10**6, 256, can_propose=False) is Route.PRODUCT
    assert fastest_route(10**6, 256, can_propose=True) is Route.PROPOSAL
    assert fastest_route(10**6, 3, can_propose=True) is Route.PRODUCT
    assert fastest_route(10**3, 16, can_propose=True) is Route.SCAN
    assert fastest_route(10**3, 256, can_propose=True) is Route.PRODUCT
