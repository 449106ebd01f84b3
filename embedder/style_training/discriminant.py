"""The directions in which artists lie apart, and neither what they show nor the kind of picture does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64


@dataclass(frozen=True)
class Hand:
    """Features of views of one kind of pictures, with whose hand drew each, and which character of that hand it shows.

    weight: how much this kind counts beside others.
    """

    features: Float[np.ndarray, "views features"]
    artists: Int64[np.ndarray, " views"]
    subjects: Int64[np.ndarray, " views"]
    weight: float = 1.0


def fit_style(
    kinds: Sequence[Hand], dimension: int, *, shrinkage: float, across_characters: float
) -> tuple[Float64[np.ndarray, " features"], Float64[np.ndarray, "features dim"]]:
    """Mean and projection P, so that (x - mean) @ P are coordinates that tell artists apart.

    A linear discriminant (Fisher 1936; Rao 1948) of which both scatters are taken within each kind of pictures, so that
    it learns nothing about what tells kinds apart. The scatter within an artist has two parts: views around the mean of
    their character, and, `across_characters` times as heavy, those means around their artist's. The second is what a
    system goes by that recognises characters. Their sum, of trace 1 for each kind, is averaged by weight and shrunk to
    (1 - s) W + s tr(W) / F * I (Friedman 1989); the means of artists weigh alike within a kind. The mean that is taken
    off is that of all views of the heaviest kinds.

    Raises ValueError where there are fewer artists than dimensions, or none with two views.
    """
    artists = sum(len(np.unique(kind.artists)) for kind in kinds)
    if artists <= dimension:
        raise ValueError(f"{dimension} dimensions need more artists than that, but there are {artists}")
    size = kinds[0].features.shape[1]
    within, spread = np.zeros((size, size)), []
    for kind in kinds:
        own, means = _scatter(kind, across_characters)
        trace = float(np.trace(own))
        if not trace > 0:
            raise ValueError("no artist of a kind has two views that differ")
        within += kind.weight * own / trace
        spread.append((means - means.mean(axis=0)) * np.sqrt(kind.weight / trace / len(means)))
    within /= sum(kind.weight for kind in kinds)
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / size * np.eye(size)
    lengths, axes = np.linalg.eigh(within)
    whiten = (axes / np.sqrt(lengths)) @ axes.T
    _, _, directions = np.linalg.svd(np.concatenate(spread) @ whiten, full_matrices=False)
    most = max(kind.weight for kind in kinds)
    heaviest = np.concatenate([kind.features for kind in kinds if kind.weight == most])
    return heaviest.mean(axis=0, dtype=np.float64), whiten @ directions[:dimension].T


def _scatter(
    kind: Hand, across_characters: float
) -> tuple[Float64[np.ndarray, "features features"], Float64[np.ndarray, "artists features"]]:
    """The scatter within artists, and their means, in which their characters weigh alike.

    Artists weigh by the root of how much there is of them.
    """
    characters, of_view = np.unique(np.stack([kind.artists, kind.subjects], 1), axis=0, return_inverse=True)
    of_view = of_view.ravel()
    _, of_character = np.unique(characters[:, 0], return_inverse=True)
    means = _means(kind.features, of_view)
    artists = _means(means, of_character)
    shown = np.bincount(of_character)
    views = 1 / np.sqrt(np.bincount(of_character[of_view]))[of_character[of_view]]
    apart = (kind.features - means[of_view]) * np.sqrt(views / views.sum())[:, None]
    within = apart.T @ apart
    several = np.where(shown > 1, 1 / np.sqrt(shown), 0.0)[of_character]
    if several.any():
        apart = (means - artists[of_character]) * np.sqrt(several / several.sum())[:, None]
        within = within + across_characters * (apart.T @ apart)
    return within, artists


def _means(
    rows: Float[np.ndarray, "rows features"], numbers: Int64[np.ndarray, " rows"]
) -> Float64[np.ndarray, "groups features"]:
    counts = np.bincount(numbers)
    sums = np.zeros((len(counts), rows.shape[1]))
    np.add.at(sums, numbers, rows)
    return sums / counts[:, None]
