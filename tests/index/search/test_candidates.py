import numpy as np
import pytest

from index.search.candidates import Candidates, rank, settle


def test_what_rounding_may_have_misplaced_is_a_candidate():
    truth = np.linspace(0.9, 0.1, 50).astype(np.float32)
    rng = np.random.default_rng(0)

    def propose(queries, k):
        wrong = truth + rng.uniform(-0.05, 0.05, (len(queries), 50)).astype(np.float32)
        order = np.argsort(-wrong, axis=1)[:, :k]
        return np.take_along_axis(wrong, order, 1), order

    for _ in range(20):
        found = settle(propose, lambda query: truth, np.zeros((4, 2), np.float32), 5, 0.05, 50)
        for query in range(4):
            assert set(range(5)) <= set(found.positions[found.queries == query].tolist())
        assert len(found.positions) < 4 * 50


def test_a_route_with_a_limit_falls_back_to_everything():
    near = np.full(100, 0.5, np.float32)
    asked = []

    def propose(queries, k):
        asked.append(k)
        return np.full((len(queries), k), 0.5, np.float32), np.tile(np.arange(k), (len(queries), 1))

    found = settle(propose, lambda query: near, np.zeros((1, 2), np.float32), 3, 1e-6, 100, most=20)
    assert asked == [11, 20] and sorted(found.positions.tolist()) == list(range(100))


def test_no_candidates_at_all():
    nothing = Candidates(np.zeros(0, np.int64), np.zeros(0, np.int64))
    near, where = rank(np.zeros((3, 2), np.float16), np.zeros((2, 2), np.float32), nothing, 2)
    assert np.all(np.isneginf(near)) and np.all(where == -1)


def test_equal_similarities_come_by_position():
    vectors = np.float16([[1, 0], [1, 0], [0, 1]])
    pairs = Candidates(np.int64([0, 0, 0]), np.int64([2, 1, 0]))
    near, where = rank(vectors, np.float32([[1, 0]]), pairs, 3)
    assert where.tolist() == [[0, 1, 2]] and near[0].tolist() == pytest.approx([1, 1, 0])
