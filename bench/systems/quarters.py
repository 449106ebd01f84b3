"""Quarters of pictures: four small squares to learn from and to ask about in place of one (Chen et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Int64, Shaped, UInt8

from bench.systems.network_classifier import Epoch, NetworkClassifier
from bench.systems.sized import Sized

QUARTERS = 4


class Quarters:
    """Upper left, upper right, lower left and lower right, each at one size, as bytes in one row."""

    def __init__(self, side: int) -> None:
        self.name = f"quarters at {side} x {side}"
        self._sized = Sized(side)

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> UInt8[np.ndarray, "crops values"]:
        """Red, green and blue of each quarter's pixels, quarter after quarter."""
        squares = self._sized.describe([quarter for crop in crops for quarter in quarters_of(crop)])
        return squares.reshape(len(crops), QUARTERS * squares.shape[1])


def quarters_of(crop: UInt8[np.ndarray, "height width 3"]) -> list[UInt8[np.ndarray, "_ _ 3"]]:
    """The quarters, upper ones first, left before right; they share the middle row or column of an odd side."""
    height, width = crop.shape[:2]
    rows = (slice(0, (height + 1) // 2), slice(height // 2, None))
    columns = (slice(0, (width + 1) // 2), slice(width // 2, None))
    return [crop[row, column] for row in rows for column in columns]


class ByQuarters:
    """A network that learns each quarter as a picture, and answers for a picture by the mean over its quarters.

    Its course is that of quarters, which are what it sees.
    """

    def __init__(self, network: NetworkClassifier) -> None:
        self._network = network

    @property
    def course(self) -> list[Epoch]:
        """How the network fared, epoch by epoch."""
        return self._network.course

    @property
    def stopped(self) -> str:
        """Where the network was stopped, if it was."""
        return self._network.stopped

    def stop_after(self, seconds: float) -> None:
        """Let the next fit begin no epoch that would not end within so many seconds."""
        self._network.stop_after(seconds)

    def watch(self, inputs: UInt8[np.ndarray, "pictures values"], truth: Int64[np.ndarray, " pictures"]) -> None:
        """Ask about the quarters of these after every epoch of the next fit."""
        self._network.watch(_each(inputs), np.repeat(truth, QUARTERS))

    def fit(self, inputs: UInt8[np.ndarray, "pictures values"], labels: Int64[np.ndarray, " pictures"]) -> None:
        """Learn four quarters of each picture, all by its label."""
        self._network.fit(_each(inputs), np.repeat(labels, QUARTERS))

    def scores(self, inputs: UInt8[np.ndarray, "pictures values"]) -> Float32[np.ndarray, "pictures identities"]:
        """The mean probability over a picture's quarters."""
        of_quarters = self._network.scores(_each(inputs))
        return of_quarters.reshape(len(inputs), QUARTERS, -1).mean(axis=1)


def _each(inputs: Shaped[np.ndarray, "pictures values"]) -> Shaped[np.ndarray, "quarters _"]:
    return inputs.reshape(QUARTERS * len(inputs), -1)
