from __future__ import annotations

import numpy as np
import pytest

scipy_linalg = pytest.importorskip("scipy.linalg", reason="the twin is SciPy's generalised eigenproblem")

from embedder.training.discriminant import fit_discriminant  # noqa: E402


def people(identities: int, features: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    counts = random.integers(1, 9, identities)
    labels = np.repeat(np.arange(identities), counts) * 3 + 5
    means = random.normal(size=(identities, features)) * np.linspace(2, 0.1, features)
    noise = random.normal(size=(len(labels), features)) * np.linspace(0.2, 1.5, features)
    order = random.permutation(len(labels))
    return (np.repeat(means, counts, axis=0) + noise)[order], labels[order]


def test_it_solves_the_generalised_eigenproblem() -> None:
    features, labels = people(30, 7)
    mean, projection = fit_discriminant(features, labels, 4, shrinkage=0.2)
    centred = features - features.mean(0)
    within, weight, between = np.zeros((7, 7)), 0.0, np.zeros((7, 7))
    for name in np.unique(labels):
        mine = centred[labels == name]
        between += np.outer(mine.mean(0), mine.mean(0))
        if len(mine) > 1:
            for one in mine:
                within += np.outer(one - mine.mean(0), one - mine.mean(0)) / np.sqrt(len(mine))
            weight += np.sqrt(len(mine))
    within /= weight
    within = 0.8 * within + 0.2 * np.trace(within) / 7 * np.eye(7)
    _, vectors = scipy_linalg.eigh(between, within)
    twin = vectors[:, ::-1][:, :4]
    np.testing.assert_allclose(mean, features.mean(0))
    np.testing.assert_allclose(np.abs(projection), np.abs(twin), rtol=1e-6, atol=1e-8)


def test_identities_never_seen_are_told_apart_better_than_before() -> None:
    features, labels = people(400, 12)
    known = labels < np.quantile(labels, 0.7)
    mean, projection = fit_discriminant(features[known], labels[known], 6)

    def right(points: np.ndarray) -> float:
        points = points / np.linalg.norm(points, axis=1, keepdims=True)
        similar = points @ points.T - 2 * np.eye(len(points))
        return float((labels[~known][similar.argmax(1)] == labels[~known]).mean())

    assert right((features[~known] - mean) @ projection) > right(features[~known] - mean) + 0.1


def test_too_few_identities_or_pictures_are_refused() -> None:
    features, labels = people(5, 7)
    with pytest.raises(ValueError, match="more identities"):
        fit_discriminant(features, labels, 5)
    with pytest.raises(ValueError, match="two pictures"):
        fit_discriminant(np.random.default_rng(0).normal(size=(9, 7)), np.arange(9), 4)
