from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

from data.errors import UnusableEncoder, UnusableSource  # noqa: E402
from embedder import Encoder  # noqa: E402
from embedder.training.finish import finish  # noqa: E402
from embedder.training.identities import Identity, collect_identities  # noqa: E402
from embedder.training.notes import read_curve  # noqa: E402
from embedder.training.recipe import Recipe  # noqa: E402
from embedder.training.run import Learnt, train  # noqa: E402
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


def learn(recipe: Recipe, identities: list[Identity], folder: Path, **options: Any) -> Learnt:
    return train(recipe, identities, folder, device="cpu", **options)


def same(one: Learnt, other: Learnt) -> None:
    for name, value in one.network.state_dict().items():
        torch.testing.assert_close(other.network.state_dict()[name], value, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(TINY, id="plain"),
        pytest.param(
            replace(TINY, loss="triplet", drawn=6, recolour=1, small_size=16, small_share=0.5, accumulate=2),
            id="everything",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_stopped_run_ends_where_an_uninterrupted_one_does(
    recipe: Recipe, identities: list[Identity], tmp_path: Path
) -> None:
    whole = learn(recipe, identities, tmp_path / "whole")
    with pytest.raises(Interrupted, match="stopped at step 5 of 12"):
        learn(recipe, identities, tmp_path / "parts", stop_after=5)
    said: list[str] = []
    same(whole, learn(recipe, identities, tmp_path / "parts", say=said.append))
    assert said == ["continuing at step 5"]
    with pytest.raises(UnusableSource, match="other settings or data"):
        learn(replace(recipe, learning_rate=0.2), identities, tmp_path / "parts")


def test_worker_processes_change_nothing(identities: list[Identity], tmp_path: Path) -> None:
    recipe = replace(TINY, steps=3, precision="fp32")
    whole = learn(recipe, identities, tmp_path / "whole")
    same(whole, learn(recipe, identities, tmp_path / "processes", workers=2))


def test_a_resumed_run_notes_each_step_once(identities: list[Identity], tmp_path: Path) -> None:
    def validate(network: object, step: int) -> dict[str, float]:
        return {"dev/mean": 0.5}

    recipe = replace(TINY, validate_every=1)
    with pytest.raises(Interrupted):
        learn(recipe, identities, tmp_path, stop_after=5, validate=validate)
    curve = tmp_path / "curve.jsonl"
    later = curve.read_text() + json.dumps({"step": 6, "loss": 1.0}) + '\n{"step": 7, "lo'
    curve.write_text(later)  # a crash after the checkpoint: two steps were noted that are learnt again
    learn(recipe, identities, tmp_path, validate=validate)
    assert [row["step"] for row in read_curve(tmp_path)] == list(range(1, 13))
    assert [row.get("loss") for row in read_curve(tmp_path)].count(1.0) == 0
    assert json.loads((tmp_path / "recipe.json").read_text())["name"] == "tiny"
    assert list((tmp_path / "tensorboard").iterdir())


def test_the_best_by_validation_is_what_a_run_gives(identities: list[Identity], tmp_path: Path) -> None:
    weights = {}

    def validate(network: torch.nn.Module, step: int) -> dict[str, float]:
        weights[step] = {name: value.clone() for name, value in network.state_dict().items()}
        return {"dev/mean": {4: 0.9}.get(step, 0.1)}

    recipe = replace(TINY, validate_every=2)
    with pytest.raises(Interrupted):
        learn(recipe, identities, tmp_path, validate=validate, stop_after=7)
    learnt = learn(recipe, identities, tmp_path, validate=validate)
    assert learnt.step == 4 and learnt.main
    for name, value in learnt.network.state_dict().items():
        torch.testing.assert_close(value, weights[4][name])


def test_sigterm_saves_and_stops(identities: list[Identity], tmp_path: Path) -> None:
    def ask_to_stop(network: object, step: int) -> dict[str, float]:
        signal.raise_signal(signal.SIGTERM)
        return {"dev/mean": 0.5}

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="step 5 of 12"):  # the step under way is finished
        learn(replace(TINY, validate_every=4), identities, tmp_path, validate=ask_to_stop)
    assert signal.getsignal(signal.SIGTERM) is before
    assert (tmp_path / "checkpoint.pt").is_file()
    assert [row["step"] for row in read_curve(tmp_path)] == [4]


def test_minutes_end_a_run(identities: list[Identity], tmp_path: Path) -> None:
    learnt = learn(replace(TINY, steps=None, minutes=0.005), identities, tmp_path)
    assert learnt.step >= 1
    assert learn(replace(TINY, steps=None, minutes=0.005), identities, tmp_path).step == learnt.step  # it has ended


@pytest.mark.slow
def test_training_learns_and_its_export_encodes(identities: list[Identity], tmp_path: Path) -> None:
    recipe = replace(TINY, steps=120, learning_rate=5e-3, margin=0.1)
    learnt = learn(recipe, identities, tmp_path)
    folder = finish(recipe, learnt, identities, {}, tmp_path, story={"licence": "CC0", "commands": ["kaodex train x"]})
    encoder = Encoder.load(folder, device="cpu")
    pictures = [cv2.imread(str(path))[..., ::-1].copy() for identity in identities for path in identity.files]
    labels = np.repeat(np.arange(8), 6)
    similarities = encoder.encode(pictures) @ encoder.encode(pictures).T
    np.fill_diagonal(similarities, -1)
    assert np.mean(labels[similarities.argmax(axis=1)] == labels) > 0.7
    assert encoder.card["data"] == [{"collection": "shapes", "identities": 8, "pictures": 48}]
    readme = (folder / "README.md").read_text()
    assert "| shapes | 8 | 48 |" in readme and "CC0" in readme and "kaodex train x" in readme
    assert (folder / "curves.png").stat().st_size > 5000
    (folder / "added.txt").write_text("since")
    assert finish(recipe, learnt, identities, {}, tmp_path) == folder and (folder / "added.txt").exists()
    assert finish(replace(recipe, name="another"), learnt, identities, {}, tmp_path) == folder
    assert not (folder / "added.txt").exists() and not (tmp_path / "encoder.unfinished").exists()
    assert Encoder.load(folder, device="cpu").name == "another"


@pytest.mark.slow
def test_a_run_may_start_from_an_encoder(identities: list[Identity], tmp_path: Path) -> None:
    first = replace(TINY, steps=60, learning_rate=5e-3)
    known = learn(first, identities, tmp_path / "first")
    encoder = finish(first, known, identities, {}, tmp_path / "first")
    recipe = replace(TINY, steps=3, margin_ramp=0.0, start="its fingerprint", learning_rate=1e-6, recolour=1)
    again = learn(recipe, identities, tmp_path / "second", start=encoder)
    torch.testing.assert_close(again.network.embedding.weight, known.network.embedding.weight, atol=1e-3, rtol=1e-2)
    warm = read_curve(tmp_path / "second")[-1]["loss"]
    learn(replace(recipe, start=""), identities, tmp_path / "third")
    assert warm < read_curve(tmp_path / "third")[-1]["loss"] - 1  # the centres of all colourings are in place
    with pytest.raises(UnusableEncoder, match="the run"):
        learn(replace(recipe, dimension=8), identities, tmp_path / "fifth", start=encoder)


@pytest.mark.slow
def test_a_teacher_is_imitated(identities: list[Identity], tmp_path: Path) -> None:
    first = replace(TINY, steps=40, learning_rate=5e-3)
    teacher = finish(first, learn(first, identities, tmp_path / "first"), identities, {}, tmp_path / "first")
    plain = learn(replace(TINY, steps=1), identities, tmp_path / "plain")
    taught = learn(replace(TINY, steps=1, teacher="its fingerprint"), identities, tmp_path / "taught", teacher=teacher)
    assert plain.step == taught.step
    losses = [read_curve(tmp_path / name)[-1]["loss"] for name in ("plain", "taught")]
    assert losses[1] > losses[0]


def test_an_unreadable_picture_is_named_and_left_out(identities: list[Identity], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    some = [identities[0], Identity("shapes", "b", (*identities[1].files, broken))]
    said: list[str] = []
    learn(replace(TINY, steps=1), some, tmp_path / "run", say=said.append)
    assert [text for text in said if "left out" in text and "broken.png" in text]


def test_what_cannot_be_learnt_is_told_before_it_starts(identities: list[Identity], tmp_path: Path) -> None:
    for wrong, some, message in (
        (TINY, identities[:1], "at least 2 identities"),
        (replace(TINY, weights={"nowhere": 1.0}), identities, "nowhere"),
        (replace(TINY, drawn=10**8), identities, "characters to draw"),
        (replace(TINY, weights={"shapes": 0.0}), identities, "weight 0"),
    ):
        with pytest.raises(UnusableSource, match=message):
            learn(wrong, some, tmp_path)
    with pytest.raises(UnusableSource, match="no device"):
        train(TINY, identities, tmp_path, device="abacus")
    assert not list(tmp_path.iterdir())
