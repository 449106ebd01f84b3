"""Which pictures make the batch of a step: a pure function of seed and step, so that a resumed run sees the same."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


class BalancedSampler:
    """Draws identities in proportion to the square root of their pictures, then one of the identity's pictures.

    The root lies between equal identities (two pictures would be seen as often as 500) and equal pictures (large
    identities would be all that is learnt).
    """

    def __init__(self, labels: Int[np.ndarray, " pictures"], seed: int) -> None:
        order = np.argsort(labels, kind="stable")
        _, self._starts, self._counts = np.unique(labels[order], return_index=True, return_counts=True)
        self._order = order
        weights = np.sqrt(self._counts)
        self._chances = weights / weights.sum()
        self._seed = seed

    def batch(self, step: int, size: int) -> Int[np.ndarray, " size"]:
        """Positions of the pictures of one batch."""
        random = np.random.default_rng([self._seed, step])
        identities = random.choice(len(self._counts), size, p=self._chances)
        places = (random.random(size) * self._counts[identities]).astype(np.int64)
        return self._order[self._starts[identities] + places]
