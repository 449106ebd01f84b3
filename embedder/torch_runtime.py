"""An encoder's network in PyTorch: the way to GPUs."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec

import numpy as np
from jaxtyping import Float32

from data.errors import MissingDependency
from embedder.card import WEIGHTS, Card
from embedder.runtime import TORCH_NEEDS, check_width

MOST_FEEDERS = 8

log = logging.getLogger(__name__)


class TorchRuntime:
    """The network in PyTorch, built from the card's plain words and the weights of model.safetensors.

    On a GPU that has bf16, layers compute in it (autocast), the rest in float32: cosine to the float32 encodings at
    least 0.999. A batch that does not fit the GPU is halved until it does. Where there is no such GPU, or not even one
    picture fits, it goes on on the CPU, and one line says so.
    """

    def __init__(self, card: Card, device: str, *, bf16: bool | None = None) -> None:
        """`bf16` None leaves the choice to the device. Raises MissingDependency, UnusableEncoder."""
        missing = [package for package in TORCH_NEEDS if find_spec(package) is None]
        if missing:
            raise MissingDependency(
                f"encoding on '{device}' needs {', '.join(missing)}: pip install 'kaodex[gpu]' (or 'kaodex[train]')"
            )
        import torch

        from embedder.network import load_network

        network = load_network(card.network, card.file(WEIGHTS))
        check_width(network.dimension, card)
        self.dimension = card.dimension
        self._wish = bf16
        self._most = 1 << 30
        """Pictures at once; less where so many did not fit."""
        self._network = network.to(memory_format=torch.channels_last)
        why = _why_not(device)
        try:
            self._move("cpu" if why else device)
        except (torch.OutOfMemoryError, torch.AcceleratorError) as error:
            why = f"{device} cannot hold the network ({str(error).strip().splitlines()[0]})"
            self._move("cpu")
        if why:
            log.warning("encoding on the CPU: %s", why)

    def forward(self, batch: Float32[np.ndarray, "crops 3 size size"]) -> Float32[np.ndarray, "crops dim"]:
        """Unit vectors, one for each picture."""
        import torch

        encodings = np.empty((len(batch), self.dimension), np.float32)
        start = 0
        while start < len(batch):
            part = batch[start : start + self._most]
            found = None
            try:
                found = self._run(part)
            except torch.OutOfMemoryError:
                if self._device.type == "cpu":
                    raise
            if found is None:  # not in the clause above, which holds on to all that the failed pass had made
                self._make_room(len(part))
                continue
            encodings[start : start + len(part)] = found
            start += len(part)
        return encodings

    def on_one_core(self) -> None:
        """None: PyTorch has one number of threads for all, and a GPU wants large batches."""

    def _run(self, batch: Float32[np.ndarray, "crops 3 size size"]) -> Float32[np.ndarray, "crops dim"]:
        import torch

        pictures = torch.from_numpy(batch)
        if self._device.type == "cuda":
            pictures = pictures.pin_memory()  # from other memory, a transfer makes the program wait
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            pictures = pictures.to(self._device, non_blocking=True).contiguous(memory_format=torch.channels_last)
            encodings: np.ndarray = self._network(pictures).float().cpu().numpy()
        return encodings

    def _make_room(self, failed: int) -> None:
        """Less at once, after so many did not fit; after a single one, nothing on the GPU at all."""
        import torch

        if failed > 1:
            self._most = failed // 2
            log.info("encoding %d pictures at a time: %d do not fit %s", self._most, failed, self._device)
        else:
            log.warning("encoding on the CPU: %s has no memory for a single picture", self._device)
            self._most = 1 << 30
            self._move("cpu")
        torch.cuda.empty_cache()

    def _move(self, device: str) -> None:
        import torch

        self._network = self._network.to(device)
        self._device = torch.device(device)
        on_gpu = self._device.type == "cuda"
        able = on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
        self._bf16 = able if self._wish is None else self._wish
        self.name = f"pytorch {device}"
        self.feeders = max(1, min(MOST_FEEDERS, (os.cpu_count() or 1) - 1)) if on_gpu else 1


def _why_not(device: str) -> str:
    """Why PyTorch cannot use a device; mostly empty."""
    import torch

    if not device.startswith("cuda"):
        return ""
    if not torch.cuda.is_available():
        return "PyTorch sees no GPU here"
    if torch.device(device).index not in (None, *range(torch.cuda.device_count())):
        return f"PyTorch sees no {device}, only {torch.cuda.device_count()} GPUs"
    return ""
