"""Votes of the nearest references: from neighbours to candidates, best first."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from index.fetched_rows import FetchedRows
from index.identity_sums import identity_sums

RULES = ("weighted", "nearest", "majority", "centroid")
DEFAULT_RULE = "weighted"
_PAIRS_AT_ONCE = 1 << 22
SHARPNESS = 12.0
"""How much a nearer reference outweighs a farther one under `weighted`: exp(SHARPNESS x similarity)."""


@dataclass(frozen=True)
class Votes:
    """The candidates of each query, best first; a column past the last candidate holds identity -1 and zero votes."""

    identities: Int64[np.ndarray, "queries k"]
    scores: Float32[np.ndarray, "queries k"]
    """Best similarity of the candidate's references, in [-1, 1]; -inf where there is no candidate."""
    weights: Float64[np.ndarray, "queries k"]
    """What the rule ranked by: higher is better; 0 where there is no candidate."""
    votes: Int64[np.ndarray, "queries k"]
    """How many of the k nearest references are the candidate's."""


def vote(
    similarities: Float32[np.ndarray, "queries k"],
    identities: Int64[np.ndarray, "queries k"],
    rule: str = DEFAULT_RULE,
) -> Votes:
    """Rank the identities among each query's k nearest references.

    `nearest` ranks by the best similarity, `majority` by the number of references, `weighted` by the sum of
    exp(12 x similarity) over an identity's references among the k (Dudani 1976 weights neighbours by nearness; the
    exponential is the kernel of a von Mises-Fisher density on the unit sphere). Ties go to the best similarity, then to
    the earlier neighbour. `centroid` is `nearest` over the similarities to `centroids`, so it is treated as such here.

    Neighbours come in any order; identity -1 is padding and gets no vote.

    >>> votes = vote(np.float32([[0.9, 0.85, 0.85]]), np.int64([[1, 2, 2]]), "weighted")
    >>> votes.identities.tolist(), votes.votes.tolist()
    ([[2, 1, -1]], [[2, 1, 0]])

    Raises ValueError for a rule that is not in RULES.
    """
    if rule not in RULES:
        raise ValueError(f"there is no voting rule {rule!r}: use one of {', '.join(RULES)}")
    rows = max(1, _PAIRS_AT_ONCE // max(1, identities.shape[1]) ** 2)
    parts = [
        _vote(similarities[start : start + rows], identities[start : start + rows], rule)
        for start in range(0, max(1, len(identities)), rows)
    ]
    return Votes(*(np.concatenate([getattr(part, of.name) for part in parts]) for of in fields(Votes)))


def _vote(
    similarities: Float32[np.ndarray, "queries k"], identities: Int64[np.ndarray, "queries k"], rule: str
) -> Votes:
    """The same for few queries: every neighbour is compared with every other one."""
    present = identities >= 0
    same = (identities[:, :, None] == identities[:, None, :]) & present[:, None, :] & present[:, :, None]
    counts = same.sum(axis=2)
    best = np.where(same, similarities[:, None, :], -np.inf).max(axis=2, initial=-np.inf)
    if rule == "majority":
        weights = counts.astype(np.float64)
    elif rule == "weighted":
        powers = np.where(present, np.exp(SHARPNESS * similarities.astype(np.float64)), 0.0)
        weights = (same * powers[:, None, :]).sum(axis=2)
    else:
        # exp keeps the order and makes 0 the weight of no candidate under every rule
        weights = np.where(present, np.exp(best.astype(np.float64)), 0.0)
    seen_before = np.tril(same, -1).any(axis=2)
    candidate = present & ~seen_before
    order = np.lexsort((-best, -weights, ~candidate), axis=-1)

    def ranked(values: np.ndarray, padding: float | int) -> np.ndarray:
        return np.take_along_axis(np.where(candidate, values, padding), order, axis=1)

    return Votes(
        identities=ranked(identities, -1).astype(np.int64),
        scores=ranked(best, -np.inf).astype(np.float32),
        weights=ranked(weights, 0.0).astype(np.float64),
        votes=ranked(counts, 0).astype(np.int64),
    )


def centroids(
    encodings: Float[np.ndarray, "references dim"] | FetchedRows, identities: Int64[np.ndarray, " references"]
) -> tuple[Int64[np.ndarray, " identities"], Float32[np.ndarray, "identities dim"]]:
    """The unit mean of each identity's encodings (nearest class mean: Mensink et al. 2013), and whose it is.

    Identities come in ascending order; references of identity -1 are left out. A mean of zero length stays zero.
    """
    whose, sums = identity_sums(encodings, identities)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return whose, (sums / np.where(lengths > 0, lengths, 1)).astype(np.float32)
