from __future__ import annotations

import numpy as np

from embedder.training.sampling import BalancedSampler


def test_identities_are_drawn_by_the_root_of_their_pictures() -> None:
    labels = np.repeat([3, 0, 7], [100, 4, 25])
    sampler = BalancedSampler(labels, seed=0)
    drawn = labels[np.concatenate([sampler.batch(step, 200) for step in range(100)])]
    shares = [float(np.mean(drawn == label)) for label in (3, 0, 7)]
    np.testing.assert_allclose(shares, [10 / 17, 2 / 17, 5 / 17], atol=0.01)


def test_every_picture_of_an_identity_is_as_likely() -> None:
    labels = np.array([1, 0, 1, 0, 1])
    positions = np.concatenate([BalancedSampler(labels, seed=1).batch(step, 500) for step in range(20)])
    counts = np.bincount(positions, minlength=5) / len(positions)
    chance = np.sqrt(3) / (np.sqrt(3) + np.sqrt(2))
    np.testing.assert_allclose(counts[labels == 1], chance / 3, atol=0.02)
    np.testing.assert_allclose(counts[labels == 0], (1 - chance) / 2, atol=0.02)


def test_a_step_has_one_batch() -> None:
    labels = np.arange(50) % 7
    one, other = BalancedSampler(labels, seed=4), BalancedSampler(labels, seed=4)
    other.batch(1, 8)
    np.testing.assert_array_equal(one.batch(9, 8), other.batch(9, 8))
    assert not np.array_equal(one.batch(9, 8), one.batch(10, 8))
    assert not np.array_equal(one.batch(9, 8), BalancedSampler(labels, seed=5).batch(9, 8))
