"""Systems that keep references, in the closed protocol: Kaodex and the 1-NN rivals. They enrol; nothing is refitted."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64

from bench.systems import Variant
from bench.systems.nearest import NearestReferences


class KeptReferences:
    """Unit vectors, of which the nearest vote."""

    def __init__(self, rule: str, k: int) -> None:
        self._variant = Variant(rule, k)

    def fit(self, inputs: Float32[np.ndarray, "pictures dim"], labels: Int64[np.ndarray, " pictures"]) -> None:
        """Keep the references."""
        self._inputs, self._labels = inputs, labels
        self._nearest = NearestReferences(inputs, labels, int(labels.max()) + 1)

    def enroll(self, inputs: Float32[np.ndarray, "pictures dim"], label: int) -> None:
        """Keep some more."""
        self.fit(np.concatenate([self._inputs, inputs]), np.concatenate([self._labels, np.full(len(inputs), label)]))

    def scores(self, inputs: Float32[np.ndarray, "pictures dim"]) -> Float32[np.ndarray, "pictures identities"]:
        """Those who got votes first, in their order, then the others by their best similarity."""
        return self._nearest.scores(inputs, self._variant)
