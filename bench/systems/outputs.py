"""What a network of photographs says of a drawing: its outputs, as features for a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from bench.systems.photographs import MEAN, STD, Weights

if TYPE_CHECKING:
    from torch import nn

SIDE = 224


class Outputs:
    """The outputs of a network of timm's for the 1,000 classes of ImageNet, before any softmax."""

    def __init__(self, model: str, weights: Weights) -> None:
        self.name = f"outputs of {model}{weights.mark}"
        self._model, self._weights = model, weights

    @cached_property
    def _network(self) -> nn.Module:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self._weights.network(self._model).eval().to(memory_format=torch.channels_last)

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops outputs"]:
        """The outputs for each crop at 224 x 224 pixels."""
        import torch

        shape = (SIDE, SIDE)
        small = np.stack([cv2.resize(crop, shape, interpolation=cv2.INTER_AREA) for crop in crops])
        normal = (small.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
        with torch.inference_mode():
            outputs: np.ndarray = (
                self._network(torch.from_numpy(np.ascontiguousarray(normal.transpose(0, 3, 1, 2)))).float().numpy()
            )
        return outputs
