"""Numbers from a seed that are the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

Option = TypeVar("Option")

_BLOCK = 256


class Chance:
    """A stream of choices that depends on its seeds alone.

    Only the raw bits of PCG64 are used: NumPy promises that they never change, which it does not for the
    distributions of a `Generator`.
    """

    def __init__(self, *seeds: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seeds))
        self._values: list[float] = []
        self._next = 0

    def unit(self) -> float:
        """A number in [0, 1)."""
        if self._next == len(self._values):
            self._values = ((self._bits.random_raw(_BLOCK) >> np.uint64(11)) * 2.0**-53).tolist()
            self._next = 0
        self._next += 1
        return self._values[self._next - 1]

    def between(self, low: int | float, high: int | float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def around(self, spread: int | float) -> float:
        """A number in (-spread, spread) that is mostly small: the mean of two even draws."""
        return spread * (self.unit() + self.unit() - 1.0)

    def whole(self, count: int) -> int:
        """A whole number in [0, count)."""
        return int(self.unit() * count)

    def happens(self, probability: float) -> bool:
        """True with the given probability in [0, 1]."""
        return self.unit() < probability

    def side(self) -> int:
        """-1 (left in the picture) or 1 (right)."""
        return -1 if self.unit() < 0.5 else 1

    def pick(self, options: Sequence[Option]) -> Option:
        """One of the options, all equally likely."""
        return options[int(self.unit() * len(options))]

    def weigh(self, options: Mapping[Option, int | float]) -> Option:
        """One of the keys, each as likely as its weight says."""
        left = self.unit() * sum(options.values())
        for option, weight in options.items():
            left -= weight
            if left < 0:
                return option
        return next(reversed(list(options)))
