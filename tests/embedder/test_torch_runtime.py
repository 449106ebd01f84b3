"""The network in PyTorch: how it gets by with half the digits, with too little memory, and with no GPU at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="this runtime needs torch")

from data.drawn import draw_face  # noqa: E402
from embedder import Encoder  # noqa: E402
from embedder.card import find_encoder, read_card  # noqa: E402
from embedder.torch_runtime import TorchRuntime  # noqa: E402


@pytest.fixture
def batch() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(11, 3, 32, 32)).astype(np.float32)


@pytest.fixture
def runtime(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> TorchRuntime:
    """One that takes itself for a GPU's."""
    runtime = TorchRuntime(read_card(tiny_encoder), "cpu")
    runtime._device = torch.device("cuda:0")
    return runtime


def full_above(runtime: TorchRuntime, most: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From now on the GPU holds that many pictures; the sizes of the batches that were tried."""
    really: Callable = runtime._run
    tried = []

    def run(part: np.ndarray) -> np.ndarray:
        on_gpu = runtime._device.type == "cuda"
        tried.append(len(part))
        if on_gpu and len(part) > most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        with monkeypatch.context() as patch:
            patch.setattr(runtime, "_device", torch.device("cpu"))
            return really(part)

    monkeypatch.setattr(runtime, "_run", run)
    return tried


def test_a_batch_that_does_not_fit_is_halved(runtime, batch, monkeypatch, caplog) -> None:
    expected = full_free(runtime, batch)
    tried = full_above(runtime, 3, monkeypatch)
    np.testing.assert_allclose(runtime.forward(batch), expected, atol=1e-6)
    assert tried == [11, 5, 2, 2, 2, 2, 2, 1]
    tried.clear()
    np.testing.assert_allclose(runtime.forward(batch[:4]), expected[:4], atol=1e-6)
    assert tried == [2, 2] and not caplog.messages and runtime._device.type == "cuda"


def full_free(runtime: TorchRuntime, batch: np.ndarray) -> np.ndarray:
    """What the network gives where there is room for all."""
    with torch.inference_mode():
        encodings: np.ndarray = runtime._network(torch.from_numpy(batch)).numpy()
    return encodings


def test_where_no_picture_fits_the_cpu_goes_on_from_there(runtime, batch, monkeypatch, caplog) -> None:
    expected = full_free(runtime, batch)
    tried = full_above(runtime, 0, monkeypatch)
    np.testing.assert_allclose(runtime.forward(batch), expected, atol=1e-6)
    assert tried == [11, 5, 2, 1, 11]
    assert caplog.messages == ["encoding on the CPU: cuda:0 has no memory for a single picture"]
    assert (runtime.name, runtime.feeders) == ("pytorch cpu", 1)
    runtime.forward(batch)
    assert len(caplog.messages) == 1


def test_a_gpu_that_cannot_hold_the_network(tiny_encoder, batch, monkeypatch, caplog) -> None:
    monkeypatch.setattr("embedder.torch_runtime._why_not", lambda device: "")
    move = TorchRuntime._move

    def full(self: TorchRuntime, device: str) -> None:
        if device != "cpu":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate much.")
        move(self, device)

    monkeypatch.setattr(TorchRuntime, "_move", full)
    runtime = TorchRuntime(read_card(tiny_encoder), "cuda:1")
    assert caplog.messages == ["encoding on the CPU: cuda:1 cannot hold the network (CUDA out of memory.)"]
    assert runtime.forward(batch).shape == (11, 12)


def test_memory_that_ends_on_the_cpu_is_an_error(tiny_encoder, batch, monkeypatch) -> None:
    runtime = TorchRuntime(read_card(tiny_encoder), "cpu")

    def full(part: np.ndarray) -> np.ndarray:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(runtime, "_run", full)
    with pytest.raises(torch.OutOfMemoryError):
        runtime.forward(batch)


def test_bf16_stays_within_the_documented_cosine() -> None:
    if not Encoder.available_encoders():
        pytest.skip("no encoder ships with this checkout")
    card = read_card(find_encoder(None))
    faces = [draw_face(seed, 100 + seed, 200 + seed) for seed in range(24)]
    batch = card.prepare(faces)
    exact, half = TorchRuntime(card, "cpu").forward(batch), TorchRuntime(card, "cpu", bf16=True).forward(batch)
    cosine = (exact * half).sum(axis=1)
    assert 0.999 < cosine.min() < 1 - 1e-6  # below one: it is bf16 indeed
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1, atol=1e-5)
