"""A fake encoder that a reader can compute by hand, and pictures for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from embedder import Encoder

# A slow machine is no failure; and CI draws the same examples every time, so that no change fails by chance.
settings.register_profile(
    "kaodex", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("kaodex")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """All tests that need the Milvus server go to one worker, so that it is started once, and so do those that need
    the Ray cluster; the others to any."""
    from xdist.scheduler import LoadScopeScheduling

    class OneServer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((server for server in ("milvus", "test_ray") if server in nodeid.lower()), nodeid)

    return OneServer(config, log)


def every_direction(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions spread evenly over the sphere (a Fibonacci lattice), each one stranger.

    One in a hundred of them comes nearer than about 0.993 to one of three given directions.
    """
    height = 1 - (2 * np.arange(count) + 1) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - height**2)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), height], axis=1).astype(np.float16), np.arange(count)


class FakeEncoder(Encoder):
    """The direction of a crop's mean colour from mid-grey: pure red gives (1, -1, -1) / sqrt(3)."""

    strangers: tuple

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.fingerprint = f"fingerprint of {name}"
        self.dimension = 3
        self.input_size = 8
        self.unknown_below = 0.9
        self.runtime = "by hand"
        self.strangers = (every_direction(400),)

    def encode(self, crops: Sequence[np.ndarray], batch_size: int = 64) -> np.ndarray:
        encodings = np.zeros((len(crops), 3), np.float32)
        for row, crop in enumerate(crops):
            direction = crop.reshape(-1, 3).mean(axis=0) - 127.5
            encodings[row] = direction / np.linalg.norm(direction)
        return encodings


@pytest.fixture
def fake_encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def use_fake_encoder(monkeypatch: pytest.MonkeyPatch, fake_encoder: FakeEncoder) -> FakeEncoder:
    """Commands load the fake encoder in place of a real one."""
    monkeypatch.setattr(Encoder, "load", lambda *arguments, **options: fake_encoder)
    return fake_encoder


@pytest.fixture
def paint() -> Callable[..., Path]:
    """paint(path, colour, seed): a picture file of one colour with a pattern of its own, so that each file differs."""

    def write(path: Path, colour: tuple[int, int, int], seed: int = 0) -> Path:
        noise = np.random.default_rng(seed).integers(-20, 21, (6, 6, 3))
        small = np.clip(np.array(colour) + noise - noise.mean(axis=(0, 1)), 0, 255).astype(np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = cv2.resize(small, (48, 48), interpolation=cv2.INTER_NEAREST)
        path.write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
        return path

    return write


RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 220, 30), (30, 30, 220), (220, 220, 30)


@pytest.fixture
def refs(tmp_path: Path, paint: Callable[..., Path]) -> Path:
    """refs/red, refs/green, refs/blue with four pictures each."""
    folder = tmp_path / "refs"
    for name, colour, seed in (("red", RED, 10), ("green", GREEN, 20), ("blue", BLUE, 30)):
        for number in range(4):
            paint(folder / name / f"{number}.png", colour, seed + number)
    return folder
