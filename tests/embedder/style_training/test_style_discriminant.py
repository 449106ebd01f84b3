from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="style training needs torch; install kaodex[train]")

from embedder.style_training.discriminant import Hand, fit_style


def made(random: np.random.Generator, artists: int = 12, characters: int = 4, views: int = 5) -> Hand:
    """Axis 0 and 1 tell the artist, axis 2 and 3 the character (much louder), the rest is noise."""
    artist, character, _ = (one.ravel() for one in np.indices((artists, characters, views)))
    subject = artist * characters + character
    features = random.normal(0, 0.1, (len(artist), 8))
    features[:, :2] += random.normal(0, 1, (artists, 2))[artist]
    features[:, 2:4] += 5 * random.normal(0, 1, (artists * characters, 2))[subject]
    return Hand(features, artist, subject)


def nearest_is_right(encodings: np.ndarray, hand: Hand) -> float:
    apart = np.linalg.norm(encodings[:, None] - encodings, axis=2)
    apart[hand.subjects[:, None] == hand.subjects] = np.inf
    return float((hand.artists[apart.argmin(axis=1)] == hand.artists).mean())


def test_it_finds_the_hand_under_louder_characters() -> None:
    random = np.random.default_rng(0)
    learnt, unseen = made(random, artists=30), made(random, artists=6)
    mean, projection = fit_style([learnt], 2, shrinkage=0.1, across_characters=1.0)
    assert projection.shape == (8, 2)
    assert np.linalg.norm(projection[:2]) > 5 * np.linalg.norm(projection[2:4])
    assert nearest_is_right((unseen.features - mean) @ projection, unseen) > 0.8
    assert nearest_is_right(unseen.features, unseen) < 0.5


def test_scatter_between_characters_is_what_keeps_them_out() -> None:
    random = np.random.default_rng(1)
    learnt = made(random, artists=30)
    _, heedful = fit_style([learnt], 4, shrinkage=0.1, across_characters=4.0)
    _, heedless = fit_style([learnt], 4, shrinkage=0.1, across_characters=0.0)
    assert np.linalg.norm(heedful[2:4, :2]) < 0.3 * np.linalg.norm(heedless[2:4, :2])  # the foremost axes


def test_what_tells_kinds_apart_is_not_learnt() -> None:
    random = np.random.default_rng(2)
    one, other = made(random), made(random)
    shifted = other.features + np.array([0, 0, 0, 0, 0, 0, 0, 50.0])
    near = fit_style([one, other], 3, shrinkage=0.1, across_characters=1.0)[1]
    far = fit_style([one, Hand(shifted, other.artists, other.subjects)], 3, shrinkage=0.1, across_characters=1.0)[1]
    np.testing.assert_allclose(np.abs(near), np.abs(far), atol=1e-6)


def test_one_character_each_is_fisher_s_discriminant() -> None:
    random = np.random.default_rng(3)
    artists = np.repeat(np.arange(6), 7)
    features = random.normal(0, 1, (42, 4)) + random.normal(0, 2, (6, 4))[artists]
    _, projection = fit_style([Hand(features, artists, artists)], 3, shrinkage=0.0, across_characters=1.0)
    means = np.stack([features[artists == one].mean(axis=0) for one in range(6)])
    within = sum(
        (features[artists == one] - means[one]).T @ (features[artists == one] - means[one]) for one in range(6)
    )
    between = (means - means.mean(axis=0)).T @ (means - means.mean(axis=0))
    values, vectors = np.linalg.eig(np.linalg.solve(within, between))
    for place, axis in enumerate(np.argsort(-values.real)[:3]):
        wanted, found = vectors[:, axis].real, projection[:, place]
        cosine = wanted @ found / np.linalg.norm(wanted) / np.linalg.norm(found)
        assert abs(cosine) == pytest.approx(1, abs=1e-6)


def test_what_cannot_be_fitted_is_refused() -> None:
    hand = made(np.random.default_rng(0), artists=3)
    with pytest.raises(ValueError, match="3 dimensions need more artists than that, but there are 3"):
        fit_style([hand], 3, shrinkage=0.1, across_characters=1.0)
    alone = Hand(np.eye(5), np.arange(5), np.arange(5))
    with pytest.raises(ValueError, match="no artist of a kind has two views"):
        fit_style([alone], 2, shrinkage=0.1, across_characters=1.0)
