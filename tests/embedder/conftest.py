from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not (SHARED / "faces").is_dir():
        pytest.skip("the real pictures of ../shared/data are not here")
    return SHARED


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder folder of a small untrained network."""
    pytest.importorskip("torch", reason="making an encoder needs torch")
    import torch

    from embedder.export import export_encoder
    from embedder.network import Network

    torch.manual_seed(1)
    network = Network(
        "resnet18", {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]}, dimension=12, pooling="gem", stem="small"
    )
    network.train()(torch.randn(16, 3, 32, 32))  # batch-norm statistics that are not all zero and one
    folder = tmp_path_factory.mktemp("encoders") / "tiny"
    export_encoder(
        network,
        folder,
        name="tiny",
        input_size=32,
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.25, 0.3),
        flip_average=True,
        unknown_below=0.5,
        story={"licence": "Apache-2.0"},
    )
    return folder


@pytest.fixture
def own_encoder(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny encoder that a test may damage."""
    return Path(shutil.copytree(tiny_encoder, tmp_path / "tiny"))


@pytest.fixture
def crops() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (int(h), int(w), 3), np.uint8) for h, w in random.integers(1, 200, (23, 2))]
