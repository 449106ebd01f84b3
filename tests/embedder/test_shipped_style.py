from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from data.drawn.studio import draw_studio
from embedder import Encoder
from embedder.card import SHIPPED
from embedder.views import picture_views

FOLDER: Path = SHIPPED / "art-1"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load("art-1", device="cpu")


@pytest.fixture(scope="module")
def studio() -> np.ndarray:
    """Four artists who draw the same four characters; no training drew them."""
    return draw_studio(600, artists=4, characters=4, size=128)


def test_its_networks_are_small() -> None:
    networks = [FOLDER / name for name in ("encoder.json", "README.md", "model.onnx", "model.safetensors")]
    assert sum(path.stat().st_size for path in networks) <= 8 * 2**20


def test_no_place_of_the_training_machine_is_in_the_files() -> None:
    for path in FOLDER.iterdir():
        assert not re.search(rb"/(work|home|tmp|root|Users)/", path.read_bytes()), path.name


def test_its_card_says_what_it_is_for(encoder: Encoder) -> None:
    card = encoder.card
    assert (card["name"], card["kind"], card["licence"]) == ("art-1", "artist", "Apache-2.0")
    assert card["views"] == ["whole", "centre", "quarters", "patches of 96 pixels at native resolution"]
    counts = {one["collection"]: one["artists"] for one in card["data"]}
    assert counts == {"arknights": 37, "kancolle": 23, "holoen": 3255, "drawn": 2400}
    assert "random weights" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_both_runtimes_agree_on_the_views_of_a_picture(encoder: Encoder, studio: np.ndarray) -> None:
    pytest.importorskip("torch", reason="comparing with PyTorch needs torch; install kaodex[train]")
    other = Encoder.load("art-1", device="torch-cpu")
    assert other.fingerprint == encoder.fingerprint
    views = [view.cut(picture) for picture in studio[:2].reshape(-1, 128, 128, 3) for view in picture_views(picture)]
    views += list(np.random.default_rng(0).integers(0, 256, (4, 96, 96, 3), np.uint8))
    assert (other.encode(views) * encoder.encode(views)).sum(axis=1).min() > 1 - 1e-3


def test_it_goes_by_the_hand_far_more_than_an_encoder_of_faces(encoder: Encoder, studio: np.ndarray) -> None:
    pictures = list(studio.reshape(-1, 128, 128, 3))
    views = [
        encoder.encode([view.cut(picture) for view in picture_views(picture)]).mean(axis=0) for picture in pictures
    ]
    style = np.stack([one / np.linalg.norm(one) for one in views])
    assert hand_is_nearer(style) > 0.35
    assert hand_is_nearer(Encoder.load("faces-2", device="cpu").encode(pictures)) < 0.25


def hand_is_nearer(encodings: np.ndarray) -> float:
    """Of pairs of a picture by the same artist and one of the same character, how often the first is the nearer one."""
    similarities = encodings @ encodings.T
    whose, shown = (one.ravel() for one in np.indices((4, 4)))
    nearer = []
    for own, hands, faces in zip(
        similarities,
        (whose[:, None] == whose) & (shown[:, None] != shown),
        (whose[:, None] != whose) & (shown[:, None] == shown),
        strict=True,
    ):
        nearer.append((own[hands][:, None] > own[faces]).mean())
    return float(np.mean(nearer))
