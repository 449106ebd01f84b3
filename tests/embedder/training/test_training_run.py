from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

from data.errors import UnusableEncoder, UnusableSource  # noqa: E402
from embedder import Encoder  # noqa: E402
from embedder.training.finish import finish  # noqa: E402
from embedder.training.identities import Identity, collect_identities  # noqa: E402
from embedder.training.recipe import Recipe  # noqa: E402
from embedder.training.run import train  # noqa: E402
from embedder.training.stopping import Interrupted  # noqa: E402

TINY = Recipe(
    name="tiny",
    arguments={"layers": [1, 1, 1, 1], "channels": [8, 16, 16, 16]},
    dimension=16,
    input_size=24,
    steps=12,
    batch=16,
    warm_up=0.1,
    average_decay=0.9,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for each other are most of the time of so small a network
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> list[Identity]:
    """Eight identities of coloured shapes, six noisy pictures each."""
    collection = tmp_path_factory.mktemp("collections") / "shapes"
    random = np.random.default_rng(0)
    for number in range(8):
        (collection / "abcdefgh"[number]).mkdir(parents=True)
        for picture in range(6):
            canvas = random.integers(150, 256, (32, 32, 3), np.uint8)
            colour = tuple(int(value) for value in np.array([(number >> bit) & 1 for bit in range(3)]) * 200)
            cv2.circle(canvas, tuple(int(place) for place in random.integers(12, 20, 2)), 9, colour, -1)
            cv2.imwrite(str(collection / "abcdefgh"[number] / f"{picture}.png"), canvas)
    return collect_identities([collection])


def test_a_stopped_run_ends_where_an_uninterrupted_one_does(identities: list[Identity], tmp_path: Path) -> None:
    whole = train(TINY, identities, tmp_path / "whole")
    with pytest.raises(Interrupted, match="stopped at step 5 of 12"):
        train(TINY, identities, tmp_path / "parts", stop_after=5)
    steps: list[str] = []
    parts = train(TINY, identities, tmp_path / "parts", say=steps.append)
    assert steps[0] == "continuing at step 5 of 12"
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value, rtol=1e-4, atol=1e-5, msg=name)
    with pytest.raises(UnusableSource, match="other settings or data"):
        train(replace(TINY, margin=0.2), identities, tmp_path / "parts")


def test_sigterm_saves_and_stops(identities: list[Identity], tmp_path: Path) -> None:
    def ask_to_stop(network: object, step: int) -> dict[str, float]:
        signal.raise_signal(signal.SIGTERM)
        return {"rank1": 0.5}

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="step 4 of 12"):
        train(TINY, identities, tmp_path, validate=ask_to_stop, validate_every=4)
    assert signal.getsignal(signal.SIGTERM) is before
    assert (tmp_path / "checkpoint.pt").is_file()
    assert [json.loads(line)["step"] for line in (tmp_path / "curve.jsonl").read_text().splitlines()] == [4]


def test_training_learns_and_its_export_encodes(identities: list[Identity], tmp_path: Path) -> None:
    recipe = replace(TINY, steps=120, learning_rate=5e-3, margin=0.1)
    network = train(recipe, identities, tmp_path)
    finish(recipe, network, identities, {}, tmp_path / "encoder")
    encoder = Encoder.load(tmp_path / "encoder", device="cpu")
    pictures = [cv2.imread(str(path))[..., ::-1].copy() for identity in identities for path in identity.files]
    labels = np.repeat(np.arange(8), 6)
    similarities = encoder.encode(pictures) @ encoder.encode(pictures).T
    np.fill_diagonal(similarities, -1)
    assert np.mean(labels[similarities.argmax(axis=1)] == labels) > 0.7
    assert encoder.card["data"] == [{"collection": "shapes", "identities": 8, "pictures": 48}]
    readme = (tmp_path / "encoder" / "README.md").read_text()
    assert "| shapes | 8 | 48 |" in readme and "Apache-2.0" in readme


def test_a_run_may_start_from_an_encoder(identities: list[Identity], tmp_path: Path) -> None:
    known = train(replace(TINY, steps=60, learning_rate=5e-3), identities, tmp_path / "first")
    finish(TINY, known, identities, {}, tmp_path / "encoder")
    recipe = replace(TINY, steps=3, margin_ramp=0.0, start="its fingerprint", learning_rate=1e-6)
    again = train(recipe, identities, tmp_path / "second", start=tmp_path / "encoder")
    torch.testing.assert_close(again.embedding.weight, known.embedding.weight, atol=1e-3, rtol=1e-2)
    first = losses(identities, tmp_path / "third", replace(recipe, steps=20), tmp_path / "encoder")
    assert first[0] < losses(identities, tmp_path / "fourth", replace(recipe, steps=20, start=""), None)[0] - 1
    with pytest.raises(UnusableEncoder, match="the run"):
        train(replace(recipe, dimension=8), identities, tmp_path / "fifth", start=tmp_path / "encoder")


def losses(identities: list[Identity], folder: Path, recipe: Recipe, start: Path | None) -> list[float]:
    said: list[str] = []
    train(recipe, identities, folder, say=said.append, start=start)
    return [float(text.split("loss ")[1].split()[0]) for text in said if "loss" in text]


def test_an_unreadable_picture_is_named_and_left_out(identities: list[Identity], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    some = [identities[0], Identity("shapes", "b", (*identities[1].files, broken))]
    said: list[str] = []
    train(replace(TINY, steps=1), some, tmp_path / "run", say=said.append)
    assert [text for text in said if "left out" in text and "broken.png" in text]


def test_one_identity_is_not_enough(identities: list[Identity], tmp_path: Path) -> None:
    with pytest.raises(UnusableSource, match="at least 2 identities"):
        train(TINY, identities[:1], tmp_path)
