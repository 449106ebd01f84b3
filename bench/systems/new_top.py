"""A network of photographs, frozen, with a new last layer: retrained for the identities by small steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from bench.systems.photographs import Weights
from bench.systems.varied import varied

if TYPE_CHECKING:
    import torch

_AT_ONCE = 32


class NewTop:
    """Only the softmax over the identities is learned, on what the frozen network makes of a picture."""

    def __init__(
        self,
        model: str,
        weights: Weights,
        side: int,
        *,
        steps: int = 10_000,
        rate: float = 0.01,
        batch: int = 10,
        variants: int = 1,
    ) -> None:
        """Pictures come as bytes of `side` x `side` pixels; each is learned in `variants` changed forms."""
        self._model, self._weights, self._side = model, weights, side
        self._steps, self._rate, self._batch, self._variants = steps, rate, batch, variants

    def fit(self, inputs: UInt8[np.ndarray, "pictures values"], labels: Int64[np.ndarray, " pictures"]) -> None:
        """Learn the layer by stochastic gradient descent on the cross entropy."""
        import torch
        from torch import nn
        from torch.nn import functional

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._network = self._weights.network(self._model, 0).eval().to(memory_format=torch.channels_last)
            squares = inputs.reshape(len(inputs), self._side, self._side, 3)
            parts = [self._features(varied(square, self._variants, seed)) for seed, square in enumerate(squares)]
            features = torch.cat(parts).clone()
            truth = torch.from_numpy(np.repeat(labels, self._variants))
            self._top = nn.Linear(features.shape[1], int(labels.max()) + 1)
            optimiser = torch.optim.SGD(self._top.parameters(), lr=self._rate)
            for _ in range(self._steps):
                some = torch.randint(len(truth), (self._batch,))
                loss = functional.cross_entropy(self._top(features[some]), truth[some])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()

    def scores(self, inputs: UInt8[np.ndarray, "pictures values"]) -> Float32[np.ndarray, "pictures identities"]:
        """Probabilities."""
        import torch

        squares = inputs.reshape(len(inputs), self._side, self._side, 3)
        with torch.inference_mode():
            answers: np.ndarray = self._top(self._features(list(squares))).softmax(1).numpy()
        return answers

    def _features(self, squares: list[np.ndarray]) -> torch.Tensor:
        import torch
        from timm.data import resolve_model_data_config
        from torchvision.transforms.v2 import functional as change

        wanted = resolve_model_data_config(self._network)
        parts = []
        with torch.inference_mode():
            for start in range(0, len(squares), _AT_ONCE):
                pictures = torch.from_numpy(np.stack(squares[start : start + _AT_ONCE])).permute(0, 3, 1, 2)
                pictures = change.normalize(pictures.float() / 255, list(wanted["mean"]), list(wanted["std"]))
                parts.append(self._network(pictures.contiguous(memory_format=torch.channels_last)).float())
        return torch.cat(parts)
