"""Systems of the closed protocol: fitted once on labelled pictures, then asked about others of the same identities."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64, Shaped


@runtime_checkable
class Classifier(Protocol):
    """Tells apart the identities it was fitted on; `inputs` are what its describer made of crops, or crops.

    Its attribute `remarks` (optional) holds what a reader of its figures must know, such as that it did not converge;
    `out_of_bag` (optional) is a share in [0, 1], where the system has such a figure.
    """

    def fit(self, inputs: Shaped[np.ndarray, "pictures ..."], labels: Int64[np.ndarray, " pictures"]) -> None:
        """Learn the identities 0 to `labels.max()`, forgetting all before."""
        ...

    def scores(self, inputs: Shaped[np.ndarray, "pictures ..."]) -> Float[np.ndarray, "pictures identities"]:
        """Score every identity for every picture, higher for likelier."""
        ...


@runtime_checkable
class Watches(Classifier, Protocol):
    """A classifier that learns in steps, and can tell how it fared: its attribute `course` lists epochs."""

    def watch(self, inputs: Shaped[np.ndarray, "pictures ..."], truth: Int64[np.ndarray, " pictures"]) -> None:
        """Ask about these after every epoch of the next fit; nothing may be chosen by it."""
        ...


@runtime_checkable
class Stops(Classifier, Protocol):
    """A classifier that learns in steps, and can end before the last.

    Its attribute `stopped` says in words after how many, or is empty where all were done.
    """

    stopped: str

    def stop_after(self, seconds: float) -> None:
        """Let the next fit end early rather than take longer than so many seconds; its first step is always done."""
        ...


@runtime_checkable
class Enrolls(Classifier, Protocol):
    """A classifier that takes in one more identity without learning the others again."""

    def enroll(self, inputs: Shaped[np.ndarray, "pictures ..."], label: int) -> None:
        """Add the identity `label`, which is the first number that is free."""
        ...
