from __future__ import annotations

import numpy as np
import pytest

from embedder.training.sampling import Sampler


def some_pictures() -> tuple[np.ndarray, np.ndarray]:
    """Labels and collections of eight identities with 1 to 30 pictures in three collections, shuffled."""
    counts, homes = [30, 4, 9, 1, 16, 2, 25, 3], [0, 0, 1, 1, 1, 2, 2, 2]
    order = np.random.default_rng(0).permutation(sum(counts))
    return np.repeat(np.arange(8), counts)[order], np.repeat(homes, counts)[order]


def chances(labels: np.ndarray, collections: np.ndarray, shares: list[float] | None, power: float) -> np.ndarray:
    """Of each picture to be the one drawn, the slow way."""
    found = np.zeros(len(labels))
    weight = {label: float(np.sum(labels == label)) ** power for label in range(8)}
    for place, (label, collection) in enumerate(zip(labels, collections, strict=True)):
        inside = set(labels[collections == collection].tolist())
        share = sum(weight[each] for each in inside) / sum(weight.values())
        if shares is not None:
            share = shares[collection] / sum(shares)
        found[place] = share * weight[label] / sum(weight[each] for each in inside) / np.sum(labels == label)
    return found


@pytest.mark.parametrize("shares", [None, [1.0, 1.0, 1.0], [3.0, 0.0, 0.5]])
@pytest.mark.parametrize(("balance", "power"), [("root", 0.5), ("identities", 0.0), ("pictures", 1.0)])
def test_pictures_come_as_often_as_they_should(shares: list[float] | None, balance: str, power: float) -> None:
    labels, collections = some_pictures()
    sampler = Sampler(labels, collections, shares=shares, balance=balance, seed=2)
    drawn = np.concatenate([sampler.batch(step, 500) for step in range(200)])
    expected = chances(labels, collections, shares, power)
    assert expected.sum() == pytest.approx(1)
    sigma = np.sqrt(expected * (1 - expected) / len(drawn))
    assert (np.abs(np.bincount(drawn, minlength=len(labels)) / len(drawn) - expected) <= 4 * sigma).all()


def test_pictures_of_an_identity_are_distinct_and_side_by_side() -> None:
    labels, collections = some_pictures()
    sampler = Sampler(labels, collections, pictures_per_identity=4, seed=3)
    times = np.zeros(len(labels), int)
    for step in range(500):
        for four in sampler.batch(step, 64).reshape(-1, 4):
            assert np.unique(labels[four]).size == 1
            own = np.sum(labels == labels[four[0]])
            _, counts = np.unique(four, return_counts=True)
            assert len(counts) == min(own, 4)
            assert counts.max() == -(-4 // own)  # ceiling: none comes again before the others have come
            times[four] += 1
    for label in range(8):
        ours = times[labels == label]
        # Each of the identity's pictures as often: the variance of a draw without repetition is below the binomial's.
        assert (np.abs(ours - ours.mean()) <= 4 * np.sqrt(ours.mean())).all()


def test_pairs_of_an_identity_come_equally_often() -> None:
    labels = np.zeros(5, int)
    sampler = Sampler(labels, labels, pictures_per_identity=2, seed=4)
    pairs = np.concatenate([sampler.batch(step, 400).reshape(-1, 2) for step in range(100)])
    table = np.zeros((5, 5))
    np.add.at(table, (pairs[:, 0], pairs[:, 1]), 1 / len(pairs))
    expected = (1 - np.eye(5)) / 20
    assert (np.abs(table - expected) <= 4 * np.sqrt(expected / len(pairs))).all()


def test_a_batch_is_cut_to_its_size() -> None:
    labels, collections = some_pictures()
    sampler = Sampler(labels, collections, pictures_per_identity=4, seed=5)
    np.testing.assert_array_equal(sampler.batch(0, 10), sampler.batch(0, 12)[:10])


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    labels, collections = some_pictures()
    one, other, third = (Sampler(labels, collections, pictures_per_identity=3, seed=seed) for seed in (6, 6, 7))
    other.batch(1, 8)
    np.testing.assert_array_equal(one.batch(9, 30), other.batch(9, 30))
    assert not np.array_equal(one.batch(9, 30), one.batch(10, 30))
    assert not np.array_equal(one.batch(9, 30), third.batch(9, 30))


def test_a_label_in_two_collections_is_drawn_from_the_one_chosen() -> None:
    labels, collections = np.zeros(6, int), np.array([0, 1, 0, 1, 1, 0])
    fours = Sampler(labels, collections, pictures_per_identity=3, seed=8).batch(0, 300).reshape(-1, 3)
    assert all(np.unique(collections[four]).size == 1 for four in fours)
    assert np.unique(collections[fours]).size == 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"balance": "square"}, "no balance is called 'square'; choose one of root, identities, pictures"),
        ({"pictures_per_identity": 0}, "must be at least 1, but is 0"),
        ({"shares": [1.0, 1.0]}, "2 shares are too few for 3 collections"),
        ({"shares": [1.0, -1.0, 1.0]}, "shares must be 0 or more"),
        ({"shares": [0.0, 0.0, 0.0]}, "one of them more"),
        ({"shares": [1.0, float("nan"), 0.0]}, "shares must be 0 or more"),
        ({"shares": [1.0, 1.0, 1.0, 2.0]}, "collection 3 has a share of 2.0, but no pictures"),
    ],
)
def test_settings_that_do_not_fit(settings: dict, said: str) -> None:
    labels, collections = some_pictures()
    with pytest.raises(ValueError, match=said):
        Sampler(labels, collections, seed=0, **settings)


def test_nothing_to_draw_is_an_error() -> None:
    nothing = np.zeros(0, int)
    with pytest.raises(ValueError, match="no picture"):
        Sampler(nothing, nothing, seed=0)
    with pytest.raises(ValueError, match="numbered from 0, but one is -1"):
        Sampler(np.array([1, 2]), np.array([0, -1]), seed=0)
