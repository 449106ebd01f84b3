"""The bfloat16 proposals: their rounding bound holds, and they never leave a true neighbour out."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from index.search.candidates import rank  # noqa: E402
from index.search.proposal import propose_candidates, rounding_bound  # noqa: E402


def unit(shape, seed):
    vectors = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("dimension", [8, 256, 1024])
def test_no_product_is_farther_off_than_the_bound(dimension):
    stored, asked = unit((4000, dimension), 1).astype(np.float16), unit((50, dimension), 2)
    asked[:5] = stored[:5]  # similarities near 1 are rounded most
    exact = asked.astype(np.float64) @ stored.astype(np.float64).T
    rounded = (torch.from_numpy(asked).bfloat16() @ torch.from_numpy(stored).bfloat16().T).float().numpy()
    off = np.abs(rounded - exact).max(axis=1)
    assert np.all(off <= rounding_bound(asked))
    assert off.max() > 0.05 * rounding_bound(asked).max()  # and it is no empty promise


def test_few_of_many_are_candidates():
    stored, asked = unit((30_000, 64), 1).astype(np.float16), unit((20, 64), 2)
    found = propose_candidates(stored, asked, 10, None)
    where = rank(stored, asked, found, 10)[1]
    exact = asked.astype(np.float64) @ stored.astype(np.float64).T
    assert np.array_equal(where, np.argsort(-exact, axis=1)[:, :10])
    assert len(found.positions) < 20 * 200


def test_vectors_that_cannot_be_written_to():
    stored = unit((100, 16), 1).astype(np.float16)
    stored.flags.writeable = False
    found = propose_candidates(stored, unit((2, 16), 2), 3, None)
    assert set(found.queries.tolist()) == {0, 1}
