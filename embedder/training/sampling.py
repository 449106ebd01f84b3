"""Which pictures make the batch of a step: a pure function of seed and step, so that a resumed run sees the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

BALANCES: dict[str, float] = {"root": 0.5, "identities": 0.0, "pictures": 1.0}
"""Power of its number of pictures with which an identity is drawn."""


class Sampler:
    """Draws a collection by its share, an identity of it by its balance, then distinct pictures of that identity.

    labels, collections: each picture's identity and the number, from 0, of its collection.
    shares: relative, one per collection; None gives each the sum of the weights of its identities.
    balance: `root` draws identities in proportion to the square root of their pictures, which lies between equal
        `identities` (two pictures would be seen as often as 500) and equal `pictures` (large identities would be all
        that is learnt).
    pictures_per_identity: drawn together, side by side in the batch; again from the first where there are fewer.

    Raises ValueError where these do not fit together.
    """

    def __init__(
        self,
        labels: Int[np.ndarray, " pictures"],
        collections: Int[np.ndarray, " pictures"],
        *,
        shares: Sequence[float] | None = None,
        balance: str = "root",
        pictures_per_identity: int = 1,
        seed: int,
    ) -> None:
        if balance not in BALANCES:
            raise ValueError(f"no balance is called '{balance}'; choose one of {', '.join(BALANCES)}")
        if pictures_per_identity < 1:
            raise ValueError(f"pictures_per_identity must be at least 1, but is {pictures_per_identity}")
        if not len(labels):
            raise ValueError("there is no picture to draw")
        if collections.min() < 0:
            raise ValueError(f"collections are numbered from 0, but one is {collections.min()}")
        self._order = np.lexsort((labels, collections))
        labels, collections = labels[self._order], collections[self._order]
        new = np.r_[True, (labels[1:] != labels[:-1]) | (collections[1:] != collections[:-1])]
        self._starts = np.flatnonzero(new)
        self._counts = np.diff(np.r_[self._starts, len(labels)])
        weights = self._counts ** BALANCES[balance]
        if shares is not None:
            weights = weights * _factors(weights, collections[self._starts], shares)
        cumulated = np.cumsum(weights)
        self._cumulated = cumulated / cumulated[-1]
        self._together = pictures_per_identity
        self._seed = seed

    def batch(self, step: int, size: int) -> Int[np.ndarray, " size"]:
        """Positions of the pictures of one batch; of its last identity only as many as there is room for."""
        random = np.random.default_rng([self._seed, step])
        identities = np.searchsorted(self._cumulated, random.random(-(-size // self._together)), side="right")
        places = _distinct(self._counts[identities], self._together, random)
        return self._order[self._starts[identities, None] + places].reshape(-1)[:size]


def _factors(
    weights: Float[np.ndarray, " identities"], collections: Int[np.ndarray, " identities"], shares: Sequence[float]
) -> Float[np.ndarray, " identities"]:
    """What each identity's weight is multiplied with so that the collections come by their shares."""
    wanted = np.asarray(shares, np.float64)
    if len(wanted) <= collections.max():
        raise ValueError(f"{len(wanted)} shares are too few for {collections.max() + 1} collections")
    if not (np.isfinite(wanted) & (wanted >= 0)).all() or not wanted.sum():
        raise ValueError(f"shares must be 0 or more, and one of them more, but are {list(shares)}")
    sums = np.bincount(collections, weights, len(wanted))
    if (empty := np.flatnonzero((wanted > 0) & (sums == 0))).size:
        raise ValueError(f"collection {empty[0]} has a share of {wanted[empty[0]]}, but no pictures")
    return (wanted / np.where(sums > 0, sums, 1))[collections]


def _distinct(
    counts: Int[np.ndarray, " draws"], number: int, random: np.random.Generator
) -> Int[np.ndarray, "draws number"]:
    """For each draw, `number` of the places below its count in random order, none twice before all have come."""
    chances = random.random((len(counts), number))
    places = np.empty((len(counts), number), np.int64)
    for turn in range(number):
        # A place among those left: count past the ones taken, from the lowest up.
        place = (chances[:, turn] * np.maximum(counts - turn, 1)).astype(np.int64)
        for taken in np.sort(places[:, :turn], axis=1).T:
            place += place >= taken
        places[:, turn] = place
        over = np.flatnonzero(counts <= turn)
        places[over, turn] = places[over, turn - counts[over]]
    return places
