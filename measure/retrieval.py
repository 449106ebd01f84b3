"""How well the right identity is ranked, one figure per query; `measure.interval` makes one of many."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64


def rank_k(
    scores: Float[np.ndarray, "queries identities"], truth: Int64[np.ndarray, " queries"], k: int
) -> Bool[np.ndarray, " queries"]:
    """Is the right identity among the k best? Its mean is rank-k accuracy, a point of the CMC (ISO/IEC 19795-1).

    `scores` are higher for nearer, `truth` is the right column of each row. Equal scores count as better than the right
    one, so that a system that says the same of all is never right by luck.

    >>> rank_k(np.array([[0.2, 0.9, 0.5], [0.7, 0.1, 0.7]]), np.array([2, 0]), k=1).tolist()
    [False, False]
    >>> rank_k(np.array([[0.2, 0.9, 0.5], [0.7, 0.1, 0.7]]), np.array([2, 0]), k=2).tolist()
    [True, True]
    """
    return place_of_truth(scores, truth) <= k


def place_of_truth(
    scores: Float[np.ndarray, "queries identities"], truth: Int64[np.ndarray, " queries"]
) -> Int64[np.ndarray, " queries"]:
    """The place of the right identity, from 1; whoever scores as much is before it. What `rank_k` compares with k.

    >>> place_of_truth(np.array([[0.2, 0.9, 0.5], [0.7, 0.1, 0.7]]), np.array([1, 0])).tolist()
    [1, 2]
    """
    own = np.take_along_axis(scores, truth[:, None], axis=1)
    return (~(scores < own)).sum(axis=1)


def precision_at_k(
    neighbours: Int64[np.ndarray, "queries nearest"], truth: Int64[np.ndarray, " queries"], k: int
) -> Float64[np.ndarray, " queries"]:
    """Share of the k nearest references that are of the query's identity.

    `neighbours` are the identities of each query's nearest references, nearest first, -1 past the last. An identity of
    R references reaches at most R / k.

    >>> precision_at_k(np.array([[4, 4, 9, 4]]), np.array([4]), k=3).tolist()
    [0.6666666666666666]

    Raises ValueError for fewer than k neighbours.
    """
    _at_least(neighbours, k)
    return (neighbours[:, :k] == truth[:, None]).mean(axis=1)


def average_precision_at_r(
    neighbours: Int64[np.ndarray, "queries nearest"],
    truth: Int64[np.ndarray, " queries"],
    relevant: Int64[np.ndarray, " queries"],
) -> Float64[np.ndarray, " queries"]:
    """MAP@R before the mean: 1/R x the sum over the R nearest i that are right of the precision among the first i.

    R (`relevant`) is how many references the query's identity has (Musgrave, Belongie, Lim, "A Metric Learning Reality
    Check", 2020, section 3.2). `neighbours` as for `precision_at_k`.

    >>> average_precision_at_r(np.array([[7, 3, 7]]), np.array([7]), np.array([3])).round(4).tolist()
    [0.5556]

    Raises ValueError where R is 0 or there are fewer than R neighbours.
    """
    if (relevant < 1).any():
        raise ValueError("MAP@R is not defined for a query whose identity has no reference")
    longest = int(relevant.max(initial=0))
    _at_least(neighbours, longest)
    place = np.arange(1, longest + 1)
    right = (neighbours[:, :longest] == truth[:, None]) & (place <= relevant[:, None])
    precision = np.cumsum(right, axis=1) / place
    return (precision * right).sum(axis=1) / relevant


def _at_least(neighbours: Int64[np.ndarray, "queries nearest"], count: int) -> None:
    if neighbours.shape[1] < count:
        raise ValueError(f"{count} neighbours of each query are needed, but there are {neighbours.shape[1]}")
