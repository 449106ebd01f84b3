"""The encoder: crops in, unit vectors out, the same in ONNX Runtime and in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from data.errors import KaodexError
from data.prefetch import prefetch
from embedder.card import Card, available_encoders, find_encoder, read_card
from embedder.foreign import ForeignCard
from embedder.foreign_settings import find_foreign, read_foreign
from embedder.preprocess import centre_square, resize_square
from embedder.runtime import Runtime, choose_runtime, usable_cores
from embedder.strangers import Strangers, read_strangers

WORTH_SPREADING = 4
"""Crops for each core from which every core encodes some of its own, instead of all cores each crop together."""

MOST_ON_A_CORE = 16
"""Crops at a time on one core: more leave its cache."""


class Encoder:
    """Crops of faces to encodings: unit vectors whose inner product says how alike two faces are."""

    feeders: int = 1
    """Threads that are worth their while in reading and cutting pictures for it: more, where a GPU encodes."""

    def __init__(self, card: Card | ForeignCard, runtime: Runtime) -> None:
        self._card = card
        self._runtime = runtime
        self.name = card.name
        self.fingerprint = card.fingerprint
        self.dimension = runtime.dimension
        self.input_size = card.input_size
        self.unknown_below = card.unknown_below
        self.runtime = runtime.name
        self.feeders = runtime.feeders

    @classmethod
    def load(cls, name_or_folder: str | Path | None = None, *, device: str = "auto") -> Encoder:
        """Open a shipped or pulled encoder by name, any encoder folder, or `onnx:FILE`; without a name, the default.

        `onnx:FILE` is an ONNX image encoder of others; the JSON beside it says how it wants its pictures
        (docs/encoders.md), and it runs on the CPU.

        device: `auto` (a GPU through PyTorch where there is one, else ONNX Runtime), `cpu` (ONNX Runtime), `cuda`,
        `cuda:N`, or `torch-cpu` (PyTorch without a GPU, for comparison). Where there is no such GPU, or it is full,
        the CPU does the work and one line of the log says so. Raises UnusableEncoder for an unknown or damaged encoder
        or device, MissingDependency where the runtime is not installed.
        """
        if (file := find_foreign(name_or_folder)) is not None:
            from embedder.foreign_runtime import ForeignRuntime

            foreign = read_foreign(file)
            return ForeignEncoder(foreign, ForeignRuntime(foreign, device))
        card = read_card(find_encoder(name_or_folder))
        return cls(card, choose_runtime(card, device))

    @staticmethod
    def available_encoders() -> list[str]:
        """Names of the encoders that ship with Kaodex, then of those in the user's own folder."""
        return available_encoders()

    @property
    def card(self) -> dict[str, Any]:
        """All of `encoder.json`, or of the JSON beside an ONNX file of others."""
        return self._card.fields

    @property
    def own_card(self) -> Card | ForeignCard:
        """The card by which it was loaded, which knows its files."""
        return self._card

    @cached_property
    def strangers(self) -> tuple[Strangers, ...]:
        """Populations of strangers that come with the encoder: encodings, and whose each is. Often there are none."""
        return tuple(read_strangers(self._card).values()) if isinstance(self._card, Card) else ()

    def fit(self, crop: UInt8[np.ndarray, "_ _ 3"]) -> UInt8[np.ndarray, "height width 3"]:
        """The crop at the input size: `encode` gives for it what it gives for the crop, and it is small to keep."""
        return np.ascontiguousarray(resize_square(centre_square(crop), self.input_size))

    def encode(
        self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]], batch_size: int = 64
    ) -> Float32[np.ndarray, "crops dim"]:
        """Encode RGB crops of any size; raises ValueError for an array that is no RGB crop.

        On a processor, some crops at a time are worked on by each core alone, which is the fastest way for many; on a
        GPU, `batch_size` at a time.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, but is {batch_size}")
        cores = usable_cores()
        alone = self._runtime.on_one_core() if len(crops) >= WORTH_SPREADING * cores else None
        if alone is not None:
            return self._spread(crops, alone, cores, min(batch_size, MOST_ON_A_CORE))
        encodings = np.empty((len(crops), self.dimension), np.float32)
        starts = range(0, len(crops), batch_size)

        def prepare(start: int) -> np.ndarray:
            return self._card.prepare(crops[start : start + batch_size])

        # The next batch is made while the network works on this one; a single batch is not worth a thread.
        prepared = (
            prefetch(prepare, starts, workers=self.feeders, ahead=self.feeders)
            if len(starts) > 1
            else ((0, prepare(0)) for _ in starts)
        )
        for start, batch in prepared:
            if isinstance(batch, KaodexError):
                raise batch
            encodings[start : start + len(batch)] = self._encode_batch(batch, self._runtime)
        return encodings

    def _spread(
        self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]], alone: Runtime, cores: int, most: int
    ) -> Float32[np.ndarray, "crops dim"]:
        """Encode pieces of at most `most` crops, as many at once as there are cores."""
        size = min(most, -(-len(crops) // cores))

        def encode_piece(start: int) -> np.ndarray:
            return self._encode_batch(self._card.prepare(crops[start : start + size]), alone)

        with ThreadPoolExecutor(cores, thread_name_prefix="encode") as pool:
            return np.concatenate(list(pool.map(encode_piece, range(0, len(crops), size))))

    def _encode_batch(
        self, batch: Float32[np.ndarray, "crops _ _ _"], runtime: Runtime
    ) -> Float32[np.ndarray, "crops dim"]:
        encodings = runtime.forward(batch)
        if self._card.flip_average:
            encodings = encodings + runtime.forward(np.ascontiguousarray(batch[..., ::-1]))
        norms = np.linalg.norm(encodings, axis=1, keepdims=True)
        return encodings / np.maximum(norms, np.float32(1e-12))

    def __repr__(self) -> str:
        return (
            f"Encoder({self.name!r}, dimension={self.dimension}, input_size={self.input_size}, "
            f"runtime={self.runtime!r}, fingerprint={self.fingerprint[:12]!r})"
        )


class ForeignEncoder(Encoder):
    """An ONNX encoder of others: its own settings say how a crop becomes a picture for it."""

    _card: ForeignCard

    def fit(self, crop: UInt8[np.ndarray, "_ _ 3"]) -> UInt8[np.ndarray, "height width 3"]:
        """The crop at the input size, by the encoder's own rule: `encode` gives for it what it gives for the crop."""
        return self._card.fit(crop)
