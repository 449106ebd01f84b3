"""The sum of each identity's encodings, from which centroids are made."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int64

from index.fetched_rows import FetchedRows

_ROWS = 65_536


def identity_sums(
    encodings: Float[np.ndarray, "references dim"] | FetchedRows, identities: Int64[np.ndarray, " references"]
) -> tuple[Int64[np.ndarray, " identities"], Float64[np.ndarray, "identities dim"]]:
    """Who is enrolled, ascending, and the sum of each one's encodings; references of identity -1 are left out.

    Reads the encodings piece by piece, and makes no copy of all.

    >>> identity_sums(np.float16([[1, 0], [5, 5], [0, 1], [1, 1]]), np.array([7, -1, 2, 7]))
    (array([2, 7]), array([[0., 1.],
           [2., 1.]]))
    """
    order = np.argsort(identities, kind="stable")
    order = order[np.searchsorted(identities[order], 0) :]
    changes = np.flatnonzero(np.diff(identities[order], prepend=-1))
    sums = np.zeros((len(changes), encodings.shape[1]))
    for start in range(0, len(order), _ROWS):
        end = min(start + _ROWS, len(order))
        first = int(np.searchsorted(changes, start, side="right")) - 1  # whose references go on from the piece before
        last = int(np.searchsorted(changes, end))
        bounds = np.maximum(changes[first:last], start) - start
        sums[first:last] += np.add.reduceat(encodings[order[start:end]].astype(np.float64), bounds, axis=0)
    return identities[order[changes]], sums
