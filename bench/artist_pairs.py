"""Artists two by two: how often is each picture given to the right one of a pair?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64

from bench.protocol import Protocol
from data.splits import draw_references_and_queries, usable_identities


@dataclass(frozen=True)
class ArtistPairs:
    """Two-class accuracy of each pair of artists; the table is symmetric, and NaN on its diagonal."""

    system: str
    shots: int
    artists: tuple[str, ...]
    accuracy: Float64[np.ndarray, "artists artists"]
    among_all: float
    """Rank-1 among all of them at once, in the same draws."""

    @property
    def each(self) -> Float64[np.ndarray, " pairs"]:
        """The accuracy of each pair once."""
        return self.accuracy[np.triu_indices(len(self.artists), 1)]

    def as_json(self) -> dict[str, Any]:
        """The table with its ends."""
        return {
            "system": self.system,
            "shots": self.shots,
            "artists": list(self.artists),
            "accuracy": [[None if np.isnan(one) else float(one) for one in row] for row in self.accuracy],
            "pairs": len(self.each),
            "lowest": float(self.each.min()),
            "mean": float(self.each.mean()),
            "highest": float(self.each.max()),
            "rank1_among_all": self.among_all,
        }

    def told(self) -> str:
        """The table in one sentence."""
        low = np.nanargmin(self.accuracy)
        one, other = (self.artists[at] for at in np.unravel_index(low, self.accuracy.shape))
        references = f"{self.shots} reference{'s' * (self.shots > 1)}"
        pairs = f"{len(self.each):,} pair{'s' * (len(self.each) > 1)}"
        return (
            f"pairs of artists told apart by {self.system} with {references} each: {self.each.min():.3f} to "
            f"{self.each.max():.3f} over {pairs}, mean {self.each.mean():.3f} (least {one} and {other}); "
            f"{self.among_all:.3f} among all {len(self.artists):,} at once"
        )


def artist_pairs(
    system: str,
    features: Float32[np.ndarray, "pictures dim"],
    identities: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    names: tuple[str, ...],
    protocol: Protocol,
) -> ArtistPairs | None:
    """Give every query to the nearer of two artists, for each pair, in the protocol's draws.

    With the most references per artist that leave half of the artists who can be asked about; None where nobody can. An
    artist's accuracy against another is the mean over its queries, a pair's the mean of both, and equally near is half
    right.
    """
    left = {shots: len(usable_identities(identities, groups, shots)) for shots in protocol.shots}
    if max(left.values()) < 2:
        return None
    shots = max(shots for shots, count in left.items() if count >= max(2, max(left.values()) / 2))
    usable = usable_identities(identities, groups, shots)
    count = len(usable)
    won, asked, first = np.zeros((count, count)), np.zeros(count), np.zeros(count)
    for number in range(protocol.draws):
        draw = draw_references_and_queries(
            identities, groups, shots, (protocol.seed, shots, number), protocol.queries_per_identity
        )
        order = draw.references[np.argsort(identities[draw.references], kind="stable")]
        near = features[draw.queries] @ features[order].T
        best = near.reshape(len(near), count, shots).max(axis=2)
        truth = np.searchsorted(usable, identities[draw.queries])
        own = np.take_along_axis(best, truth[:, None], axis=1)
        np.add.at(won, truth, (own > best) + 0.5 * (own == best))
        np.add.at(asked, truth, 1)
        np.add.at(first, truth, best.argmax(axis=1) == truth)
    met = asked > 0
    share = won[np.ix_(met, met)] / asked[met][:, None]
    accuracy = (share + share.T) / 2
    np.fill_diagonal(accuracy, np.nan)
    if met.sum() < 2:
        return None
    told = tuple(names[who] for who in usable[met])
    return ArtistPairs(system, shots, told, accuracy, float((first[met] / asked[met]).mean()))
