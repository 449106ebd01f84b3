"""Kaodex itself: the encoder's unit vectors, and the votes of the nearest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from bench.systems import Variant
from bench.systems.nearest import KeepsReferences


@runtime_checkable
class Encodes(Protocol):
    """What is needed of an encoder."""

    name: str
    fingerprint: str

    def encode(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops dim"]:
        """Encode crops as unit vectors."""
        ...


class Kaodex(KeepsReferences):
    """The product, with every rule and k asked for."""

    name = "kaodex"

    def __init__(self, encoder: Encodes, name: str | None = None) -> None:
        self._encoder = encoder
        if name:  # where several encoders are compared
            self.name = name

    @property
    def settings(self) -> str:
        """Which encoder sees the pictures, in words."""
        return self._encoder.name

    @property
    def fingerprint(self) -> str:
        """What tells its encodings from those of others."""
        return self._encoder.fingerprint

    def variants(self, rules: Sequence[str], ks: Sequence[int]) -> list[Variant]:
        """Every rule with every k."""
        return [Variant(rule, k) for rule in rules for k in ks]

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops dim"]:
        """The crops' encodings."""
        return self._encoder.encode(crops)
