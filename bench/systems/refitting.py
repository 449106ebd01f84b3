"""Systems that learn everyone anew, in the protocols with few references: each draw is a fit from the start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, Int64, Shaped, UInt8

from bench.systems import Describes, Variant
from bench.systems.classifier import Classifier
from bench.systems.entry import Entry

ASKED = Variant("refitted", 1)
"""There is one way to ask a classifier: no references vote."""


class Refitting:
    """A classifier behind the bench's protocol; its best score, a probability mostly, is what strangers are told by."""

    def __init__(self, entry: Entry) -> None:
        self.name = entry.name
        self._entry = entry

    @property
    def describer(self) -> Describes:
        """What makes its inputs; systems may share one."""
        return self._entry.describer

    def describe(
        self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]
    ) -> Float32[np.ndarray, "crops dim"] | UInt8[np.ndarray, "crops dim"]:
        """The classifier's inputs."""
        return self._entry.describer.describe(crops)

    def variants(self, rules: Sequence[str], ks: Sequence[int]) -> list[Variant]:
        """One, whatever is asked for."""
        return [ASKED]

    def fit(
        self, references: Shaped[np.ndarray, "references dim"], identities: Int64[np.ndarray, " references"], count: int
    ) -> Refitted:
        """Learn everyone from the start."""
        classifier = self._entry.make()
        classifier.fit(references, identities)
        return Refitted(classifier, count)


class Refitted:
    """A classifier that knows the references of one draw."""

    def __init__(self, classifier: Classifier, count: int) -> None:
        self._classifier, self._count = classifier, count

    def scores(
        self, queries: Shaped[np.ndarray, "queries dim"], variant: Variant
    ) -> Float32[np.ndarray, "queries identities"]:
        """The classifier's scores."""
        scores: Float[np.ndarray, "queries identities"] = self._classifier.scores(queries)
        return scores.astype(np.float32)

    def neighbours(self, queries: Shaped[np.ndarray, "queries dim"], count: int) -> None:
        """It ranks no references."""
        return
