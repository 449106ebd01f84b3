"""The two ways to run an encoder's network: ONNX Runtime (light, the default on a CPU) and PyTorch (GPUs)."""

from __future__ import annotations

import os
import shutil
from copy import copy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from data.errors import MissingDependency, UnusableEncoder
from embedder.card import ONNX, Card

TORCH_NEEDS = ("torch", "timm", "safetensors")


@runtime_checkable
class Runtime(Protocol):
    """A loaded network: normalised pictures to encodings."""

    name: str
    dimension: int
    feeders: int
    """Threads that are worth their while in making pictures ready for it."""

    def forward(self, batch: Float32[np.ndarray, "crops _ _ _"]) -> Float32[np.ndarray, "crops dim"]:
        """One vector for each picture."""
        ...

    def on_one_core(self) -> Runtime | None:
        """The same network for several threads that each call it at once; None where that gains nothing."""
        ...


def choose_runtime(card: Card, device: str) -> Runtime:
    """The runtime for a device word; raises UnusableEncoder for an unknown one.

    Where there is no such GPU, PyTorch works on the CPU, and a line says so.
    """
    if device == "auto":
        device = "cuda" if _cuda_works() else "cpu"
    if device == "cpu":
        return OnnxRuntime(card)
    if device == "torch-cpu" or device == "cuda" or (device.startswith("cuda:") and device[5:].isdecimal()):
        from embedder.torch_runtime import TorchRuntime

        return TorchRuntime(card, device.removeprefix("torch-"))
    raise UnusableEncoder(f"there is no device '{device}'; use auto, cpu, cuda, cuda:0 (1, 2, …) or torch-cpu")


def usable_cores() -> int:
    """How many cores a network may use: those of this process, or OMP_NUM_THREADS of them."""
    told = os.environ.get("OMP_NUM_THREADS", "")  # what other networks go by, and what Ray sets for a worker
    if told.isdecimal() and int(told):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_session(path: Path, *, spinning: bool = True, threads: int = 0, content: bytes | None = None) -> Any:
    """An ONNX file in ONNX Runtime on the CPU, with the operators of ONNX Runtime and no others.

    Threads that wait for the next operator keep a core busy while `spinning`: quickest for a network that works alone.
    Without it, a network that two threads run at once was a quarter quicker on two cores, and no slower for one.

    It works on all cores, on as many threads as OMP_NUM_THREADS says, or on `threads`. `content` are the file's bytes,
    where they were read already.

    Raises MissingDependency where there is no onnxruntime, UnusableEncoder for what it cannot open.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency(
            "running a network on the CPU needs onnxruntime: pip install 'kaodex[cpu]' (or 'kaodex[gpu]')"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads or "OMP_NUM_THREADS" in os.environ:
        options.intra_op_num_threads = threads or usable_cores()
    if not spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content or str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no base class
        raise UnusableEncoder(f"{path} is not a network that ONNX Runtime can open: {error}") from error


class OnnxRuntime:
    """The network in ONNX Runtime on the CPU."""

    name = "onnxruntime cpu"
    feeders = 1

    def __init__(self, card: Card) -> None:
        self._file = card.file(ONNX)
        self._content = self._file.read_bytes()  # the file may be gone, or another one, when more sessions are opened
        self._session = open_session(self._file, content=self._content)
        self._alone: OnnxRuntime | None = None
        self.dimension = card.dimension
        check_width(self._session.get_outputs()[0].shape[-1], card)

    def forward(self, batch: Float32[np.ndarray, "crops 3 size size"]) -> Float32[np.ndarray, "crops dim"]:
        """Unit vectors, one for each picture."""
        encodings: np.ndarray = self._session.run(["encoding"], {"image": batch})[0]
        return encodings

    def on_one_core(self) -> OnnxRuntime | None:
        """A session of one thread: where others decode pictures meanwhile, no layer waits for a part of it.

        The encodings are the same to the last bit.
        """
        if self._alone is None and usable_cores() > 1:
            self._alone = copy(self)
            self._alone._session = open_session(self._file, threads=1, content=self._content)
        return self._alone


def _cuda_works() -> bool:
    # PyTorch takes seconds to import, so it is asked only where a driver shows that there may be a GPU.
    if any(find_spec(package) is None for package in TORCH_NEEDS):
        return False
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi")):
        return False
    import torch

    return bool(torch.cuda.is_available())


def check_width(found: object, card: Card) -> None:
    """Raise UnusableEncoder unless a network's dimension is what its card says."""
    if found != card.dimension:
        raise UnusableEncoder(
            f"the network of '{card.name}' gives {found} numbers, its card says {card.dimension}; export it again"
        )
