"""Systems to compare: each describes pictures, learns from the references of a draw, and scores identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64, Shaped, UInt8


@dataclass(frozen=True)
class Variant:
    """How a system is asked: the voting rule, and how many nearest references vote."""

    rule: str
    k: int


@runtime_checkable
class Fitted(Protocol):
    """A system that knows the references of one draw; identities are numbered from 0."""

    def scores(
        self, queries: Shaped[np.ndarray, "queries dim"], variant: Variant
    ) -> Float32[np.ndarray, "queries identities"]:
        """Score every identity for every query, higher for nearer."""
        ...

    def neighbours(
        self, queries: Shaped[np.ndarray, "queries dim"], count: int
    ) -> Int64[np.ndarray, "queries count"] | None:
        """The identities of the nearest references, nearest first, -1 past the last; None if it ranks no references."""
        ...


@runtime_checkable
class Describes(Protocol):
    """Something that makes a row of numbers of a crop."""

    name: str

    def describe(
        self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]
    ) -> Float32[np.ndarray, "crops dim"] | UInt8[np.ndarray, "crops dim"]:
        """What it keeps of each picture; called once per picture, before any draw."""
        ...


@runtime_checkable
class System(Describes, Protocol):
    """Something that tells who a picture shows."""

    def variants(self, rules: Sequence[str], ks: Sequence[int]) -> list[Variant]:
        """The ways to ask it, of those that the user wants to compare."""
        ...

    def fit(
        self,
        references: Shaped[np.ndarray, "references dim"],
        identities: Int64[np.ndarray, " references"],
        count: int,
    ) -> Fitted:
        """Learn `count` identities, numbered from 0, from the descriptions of their references."""
        ...
