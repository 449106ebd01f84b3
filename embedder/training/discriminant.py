"""The linear discriminant: the projection in which identities lie apart and pictures of one identity together."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int64

SHRINKAGE = 0.4
"""How far the scatter within identities is moved towards a sphere: most of its directions are seen too seldom."""


def fit_discriminant(
    features: Float[np.ndarray, "pictures features"],
    labels: Int64[np.ndarray, " pictures"],
    dimension: int,
    *,
    shrinkage: float = SHRINKAGE,
) -> tuple[Float64[np.ndarray, " features"], Float64[np.ndarray, "features dim"]]:
    """Mean and projection P, so that (x - mean) @ P are the coordinates that tell identities apart best.

    With W the scatter within identities, shrunk to (1 - s) W + s tr(W) / F * I (Friedman 1989), P whitens W and keeps
    the `dimension` axes along which the whitened means of identities spread most (Fisher 1936; Rao 1948). Identities
    with more than one picture weigh by the square root of their pictures in W, all weigh alike among the means.
    Raises ValueError where there are no more identities than dimensions, or none has two pictures.
    """
    names, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(names) <= dimension:
        raise ValueError(
            f"a discriminant of {dimension} dimensions needs more identities than that, but there are {len(names)}; "
            "give a smaller dimension, or do without the discriminant"
        )
    if counts.max() < 2:
        raise ValueError("a discriminant needs identities with two pictures or more; do without it")
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean
    sums = np.zeros((len(names), features.shape[1]))
    np.add.at(sums, numbers, centred)
    means = sums / counts[:, None]
    weights = np.where(counts > 1, 1 / np.sqrt(counts), 0.0)[numbers]
    apart = (centred - means[numbers]) * np.sqrt(weights)[:, None]
    within = apart.T @ apart / weights.sum()
    size = len(within)
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / size * np.eye(size)
    spread, axes = np.linalg.eigh(within)
    whiten = (axes / np.sqrt(spread)) @ axes.T
    _, _, directions = np.linalg.svd(means @ whiten, full_matrices=False)
    return mean, whiten @ directions[:dimension].T
