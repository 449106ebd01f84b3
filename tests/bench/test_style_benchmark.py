from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the paintings are listed with the training; install kaodex[train]")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from leak import leak
from style import ask, average_precision, locally_scaled, mean_of_views, vote_of_views


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def made(random: np.random.Generator) -> list[np.ndarray]:
    return [unit(random.normal(size=(count, 5))) for count in (1, 4, 2, 3)]


def test_the_vote_of_views_equals_loops() -> None:
    encodings = made(np.random.default_rng(0))
    found = vote_of_views(encodings)
    for i, own in enumerate(encodings):
        for j, other in enumerate(encodings):
            assert found[i, j] == pytest.approx(np.mean([max(float(a @ b) for b in other) for a in own]))


def test_the_mean_of_views_is_the_cosine_of_means() -> None:
    encodings = made(np.random.default_rng(1))
    found = mean_of_views(encodings)
    one, other = encodings[1].mean(axis=0), encodings[3].mean(axis=0)
    assert found[1, 3] == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_local_scaling_takes_off_how_crowded_it_is() -> None:
    similarities = np.array([[0.8, 0.7]])
    among = np.array([[1.0, 0.9, 0.9], [0.9, 1.0, 0.1], [0.9, 0.1, 1.0]])
    artists = np.array([0, 1, 2])
    scaled = locally_scaled(np.array([[0.8, 0.7, 0.1]]), among, artists, neighbours=2)
    np.testing.assert_allclose(scaled, [[1.6 - 0.9, 1.4 - 0.5, 0.2 - 0.5]])
    np.testing.assert_array_equal(locally_scaled(similarities, among[:2, :2], np.array([0, 0])), similarities)


def test_average_precision_of_a_ranking() -> None:
    assert average_precision(np.array([True, False, True])) == pytest.approx((1 + 2 / 3) / 2)


def test_nobody_asked_about_is_in_a_reference() -> None:
    # Pictures of one character are alike, those of one artist are not: going by the character is always wrong here.
    artists = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2])
    subjects = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4])
    similarities = np.where(subjects[:, None] == subjects, 0.9, 0.0)
    similarities[:, 8] = similarities[8] = 0.1
    for shots in (1, 3, None):
        found = ask(similarities, artists, subjects, shots)
        assert sorted(found) == [0, 1]
        assert [rank1 for rank1, _ in found.values()] == [0.0, 0.0]
    by_hand = np.where(artists[:, None] == artists, 0.9, 0.0)
    assert ask(by_hand, artists, subjects, None) == {0: (1.0, 1.0), 1: (1.0, 1.0)}


def test_one_reference_of_each_artist_is_shown() -> None:
    random = np.random.default_rng(0)
    artists, subjects = np.repeat(np.arange(4), 10), np.arange(40)
    similarities = random.random((40, 40))
    found = ask(similarities, artists, subjects, 1, draws=200)
    assert np.mean([rank1 for rank1, _ in found.values()]) == pytest.approx(0.25, abs=0.03)
    assert np.mean([precision for _, precision in found.values()]) == pytest.approx(
        (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, abs=0.03
    )


def test_the_leak_is_one_for_the_hand_and_none_for_the_character() -> None:
    whose, shown = (one.ravel() for one in np.indices((5, 4)))
    random = np.random.default_rng(0)
    by_hand = (whose[:, None] == whose) + 0.01 * random.random((20, 20))
    by_face = (shown[:, None] == shown) + 0.01 * random.random((20, 20))
    assert set(leak(by_hand, 5, 4, random).values()) == {1.0}
    assert set(leak(by_face, 5, 4, random).values()) == {0.0}
    for key, value in leak(random.random((20, 20)), 5, 4, random).items():
        assert 0.15 < value < 0.85, key
