"""Encoders that a reader can compute by hand, sent to the workers of a cluster as they are."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedder import Encoder
from tests.conftest import FakeEncoder


class FragileEncoder(FakeEncoder):
    """No process survives a yellow crop."""

    def encode(self, crops: Sequence[np.ndarray], batch_size: int = 64) -> np.ndarray:
        for crop in crops:
            red, green, blue = crop.reshape(-1, 3).mean(axis=0)
            if red > 200 and green > 200 and blue < 100:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(crops, batch_size)


class LostEncoder(FakeEncoder):
    """One that cannot be loaded on another machine."""


@dataclass(frozen=True)
class FakeParcel:
    """An encoder that needs no files."""

    encoder: FakeEncoder

    def unpack(self, device: str) -> Encoder:
        if isinstance(self.encoder, LostEncoder):
            from data.errors import UnusableEncoder

            raise UnusableEncoder("there is no such encoder here")
        return self.encoder
