"""From candidates that some route proposes to the one exact answer.

Every route rounds in its own way, so two of them may disagree about neighbours that are equally near to the last bit.
Here each candidate's similarity is computed once more, always in the same way, and a route has to propose all that its
rounding could have misplaced. So an answer never depends on the route, the size of the batch, or the device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float16, Float32, Float64, Int64

Proposer = Callable[
    [Float32[np.ndarray, "queries dim"], int],
    tuple[Float32[np.ndarray, "queries found"], Int64[np.ndarray, "queries found"]],
]
"""Queries and a number to the nearest positions, best first, by similarities that may be a little wrong.

Past the last: similarity -inf, position -1.
"""

MORE = 8
"""Candidates asked for beyond k: mostly enough to see that the rounding can have misplaced nothing."""


@dataclass(frozen=True)
class Candidates:
    """Pairs of a query and a position that may be among its nearest, in any order, each at most once."""

    queries: Int64[np.ndarray, " pairs"]
    """Row of the query."""
    positions: Int64[np.ndarray, " pairs"]


def rank(
    vectors: Float16[np.ndarray, "vectors dim"],
    queries: Float32[np.ndarray, "queries dim"],
    candidates: Candidates,
    k: int,
) -> tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]:
    """The k nearest candidates of each query by similarity (float64, rounded to float32); equal ones by position.

    Past the last: similarity -inf, position -1.

    >>> vectors, queries = np.eye(3, dtype=np.float16), np.float32([[0.6, 0.8, 0.0]])
    >>> similarities, positions = rank(vectors, queries, Candidates(np.int64([0, 0]), np.int64([0, 1])), 3)
    >>> similarities.round(2).tolist(), positions.tolist()
    ([[0.8, 0.6, -inf]], [[1, 0, -1]])
    """
    by_query = np.argsort(candidates.queries, kind="stable")
    rows, positions = candidates.queries[by_query], candidates.positions[by_query]
    counts = np.bincount(rows, minlength=len(queries))
    ends = np.cumsum(counts)
    similarities = np.empty(len(rows), np.float32)
    for query in np.flatnonzero(counts).tolist():
        of = slice(ends[query] - counts[query], ends[query])
        similarities[of] = vectors[positions[of]].astype(np.float64) @ queries[query].astype(np.float64)
    order = np.lexsort((positions, -similarities, rows))
    place = np.arange(len(order)) - np.repeat(ends - counts, counts)
    kept = order[place < k]
    best = np.full((len(queries), k), -np.inf, np.float32)
    where = np.full((len(queries), k), -1, np.int64)
    row, column = rows[kept], place[place < k]
    best[row, column] = similarities[kept]
    where[row, column] = positions[kept]
    return best, where


def settle(
    propose: Proposer,
    everything: Callable[[Float32[np.ndarray, " dim"]], Float32[np.ndarray, " vectors"]],
    queries: Float32[np.ndarray, "queries dim"],
    k: int,
    bound: float,
    count: int,
    most: int | None = None,
) -> Candidates:
    """All positions that can be among each query's k nearest, where proposed similarities are wrong by at most `bound`.

    What the k-th proposed similarity exceeds by more than twice the bound is farther than k others, whatever the
    rounding did. So a query is settled when the last proposed one lies below that, or all `count` vectors are proposed;
    until then more are asked for, up to `most` (where there is such a limit), and then `everything` gives the query's
    similarity to each vector (-inf to leave one out), within the bound.
    """
    most = count if most is None else min(count, most)
    rows: list[np.ndarray] = [np.zeros(0, np.int64)]
    found: list[np.ndarray] = [np.zeros(0, np.int64)]
    open_rows = np.arange(len(queries))
    asked = min(k + MORE, most)
    while len(open_rows) and count:
        similarities, positions = propose(queries[open_rows], asked)
        lowest = _kth(similarities, k) - 2 * bound
        settled = (similarities[:, -1] < lowest) | (asked >= count)
        near = (positions >= 0) & (similarities >= lowest[:, None]) & settled[:, None]
        row, column = np.nonzero(near)
        rows.append(open_rows[row])
        found.append(positions[row, column])
        open_rows = open_rows[~settled]
        if asked >= most:
            break
        asked = min(4 * asked, most)
    for query in open_rows.tolist() if count else []:  # thousands that are equally near: copies of one picture, mostly
        similar = everything(queries[query])
        best = float(np.partition(similar, len(similar) - k)[-k]) if len(similar) > k else -np.inf
        which = np.flatnonzero((similar >= best - 2 * bound) & np.isfinite(similar))
        rows.append(np.full(len(which), query))
        found.append(which)
    return Candidates(np.concatenate(rows).astype(np.int64), np.concatenate(found).astype(np.int64))


def _kth(similarities: Float32[np.ndarray, "queries found"], k: int) -> Float64[np.ndarray, " queries"]:
    if similarities.shape[1] < k:
        return np.full(len(similarities), -np.inf)
    return similarities[:, k - 1].astype(np.float64)


def float32_bound(dimension: int) -> float:
    """How wrong an inner product of two unit vectors of this many numbers is at most, summed in float32 in any order.

    n u |x| |y| with u = 2^-24 (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1), doubled for
    vectors that are a little longer than 1.

    >>> float32_bound(256)
    3.0517578125e-05
    """
    return dimension * 2.0**-23


def live(removed: Bool[np.ndarray, " vectors"] | None, count: int) -> int:
    """How many of the vectors are not removed."""
    return count - (int(np.count_nonzero(removed)) if removed is not None else 0)
