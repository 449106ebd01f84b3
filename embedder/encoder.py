"""The encoder: crops in, unit vectors out, the same in ONNX Runtime and in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from embedder.card import Card, available_encoders, find_encoder, read_card
from embedder.preprocess import centre_square, prepare, resize_square
from embedder.runtime import Runtime, choose_runtime
from embedder.strangers import Strangers, read_strangers


class Encoder:
    """Crops of faces to encodings: unit vectors whose inner product says how alike two faces are."""

    def __init__(self, card: Card, runtime: Runtime) -> None:
        self._card = card
        self._runtime = runtime
        self.name = card.name
        self.fingerprint = card.fingerprint
        self.dimension = card.dimension
        self.input_size = card.input_size
        self.unknown_below = card.unknown_below
        self.runtime = runtime.name

    @classmethod
    def load(cls, name_or_folder: str | Path | None = None, *, device: str = "auto") -> Encoder:
        """Open a shipped encoder by name, or any encoder folder; without a name, the default one.

        device: `auto` (a GPU through PyTorch where there is one, else ONNX Runtime), `cpu` (ONNX Runtime), `cuda`,
        `cuda:N`, or `torch-cpu` (PyTorch without a GPU, for comparison). Raises UnusableEncoder for an unknown or
        damaged encoder or a device that is not there, MissingDependency where the runtime is not installed.
        """
        card = read_card(find_encoder(name_or_folder))
        return cls(card, choose_runtime(card, device))

    @staticmethod
    def available_encoders() -> list[str]:
        """Names of the encoders that ship with Kaodex."""
        return available_encoders()

    @property
    def card(self) -> dict[str, Any]:
        """All of `encoder.json`."""
        return self._card.fields

    @cached_property
    def strangers(self) -> tuple[Strangers, ...]:
        """Populations of strangers that come with the encoder: encodings, and whose each is. Often there are none."""
        return tuple(read_strangers(self._card).values())

    def fit(self, crop: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "size size 3"]:
        """The crop at the input size: `encode` gives for it what it gives for the crop, and it is small to keep."""
        return np.ascontiguousarray(resize_square(centre_square(crop), self.input_size))

    def encode(
        self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]], batch_size: int = 64
    ) -> Float32[np.ndarray, "crops dim"]:
        """Encode RGB crops of any size; raises ValueError for an array that is no RGB crop."""
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, but is {batch_size}")
        encodings = np.empty((len(crops), self.dimension), np.float32)
        for start in range(0, len(crops), batch_size):
            batch = prepare(crops[start : start + batch_size], self.input_size, self._card.mean, self._card.std)
            encodings[start : start + len(batch)] = self._encode_batch(batch)
        return encodings

    def _encode_batch(self, batch: Float32[np.ndarray, "crops 3 size size"]) -> Float32[np.ndarray, "crops dim"]:
        encodings = self._runtime.forward(batch)
        if self._card.flip_average:
            encodings = encodings + self._runtime.forward(np.ascontiguousarray(batch[..., ::-1]))
        norms = np.linalg.norm(encodings, axis=1, keepdims=True)
        return encodings / np.maximum(norms, np.float32(1e-12))

    def __repr__(self) -> str:
        return (
            f"Encoder({self.name!r}, dimension={self.dimension}, input_size={self.input_size}, "
            f"runtime={self.runtime!r}, fingerprint={self.fingerprint[:12]!r})"
        )
