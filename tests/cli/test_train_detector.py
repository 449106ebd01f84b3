"""Training a detector by its command: boxes in, a detector that finds in out; stopped and resumed; bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from data.errors import UnusableSource
from embedder import load_detector
from embedder.detectors import Detection
from tests.cli.conftest import Run

torch = pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

from embedder.detector_training import label  # noqa: E402
from embedder.detector_training.plan import make_detector_plan  # noqa: E402
from embedder.detector_training.run import DetectorRun  # noqa: E402
from embedder.training.stopping import Interrupted  # noqa: E402

SMALL = ("--drawn", 0, "--scene", 64, "--batch", 8, "--threads", 1, "--device", "cpu")


@pytest.fixture
def boxed(tmp_path: Path) -> Path:
    """Pictures of a red oval on blue, some of nothing, and their box files train.json and dev.json."""
    random = np.random.default_rng(1)
    files: dict[str, dict[str, object]] = {"train": {}, "dev": {}}
    for number in range(24):
        picture = np.full((80, 80, 3), (40, 40, 200), np.uint8)
        picture += random.integers(0, 30, picture.shape, np.uint8)
        name = f"pictures/{'plain' if number % 4 == 3 else f'who{number % 3}'}/{number}.png"
        boxes = []
        if number % 4 != 3:
            x, y = random.integers(25, 55, 2).tolist()
            cv2.ellipse(picture, (x, y), (15, 20), 0, 0, 360, (220, 30, 30), -1)
            cv2.circle(picture, (x - 6, y - 4), 3, (255, 255, 255), -1)
            cv2.circle(picture, (x + 6, y - 4), 3, (255, 255, 255), -1)
            boxes = [[x - 15, y - 20, x + 15, y + 20]]
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture[..., ::-1])
        files["dev" if number >= 18 else "train"][name] = {"boxes": boxes}
    for name, entries in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(entries))
    return tmp_path


def test_from_boxes_to_a_detector_and_on_from_it(run: Callable[..., Run], boxed: Path) -> None:
    given = ("train-detector", boxed, "--boxes", "train.json", "--dev-boxes", "dev.json", *SMALL)
    done = run(*given, "--out", "run", "--steps", 4, "--licence", "CC0")
    assert done.code == 0, done.err
    assert "18 pictures with 14 faces, 0 drawn; 6 pictures kept out" in done.err
    card = json.loads(Path("run/detector/detector.json").read_text())
    assert card["name"] == "run" and card["licence"] == "CC0" and card["recipe"]["steps"] == 4
    assert {one["collection"]: (one["pictures"], one["faces"]) for one in card["data"]} == {"pictures": (18, 14)}
    assert set(card["figures"]) == {"pictures", "scenes"} and card["figures"]["pictures"]["faces"] == 8
    assert {path.name for path in Path("run/detector").iterdir()} == {
        "README.md", "detector.json", "model.onnx", "model.safetensors",
    }  # fmt: skip

    picture = cv2.imread("pictures/who0/0.png")
    assert picture is not None
    assert isinstance(load_detector("run/detector").find(picture), list)
    bent = run(*given, "--out", "bent", "--steps", 2, "--init", "run/detector")
    assert bent.code == 0, bent.err
    recipe = json.loads(Path("bent/recipe.json").read_text())
    assert recipe["start"] == card["files"]["model.safetensors"] and recipe["learning_rate"] == 5e-4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--boxes", "none.json"), "does not exist"),
        (("--boxes", "train.json", "--dev-boxes", "train.json"), "both learnt from and kept out"),
        (("--boxes", "train.json", "--scene", 50), "multiple of 32"),
        (("--boxes", "train.json", "--init", "nobody"), "no detector 'nobody'"),
        (("--boxes", "empty.json"), "no face box"),
        (("--boxes", "train.json", "--device", "cuda:99"), "cuda:99"),
    ],
)
def test_bad_input_is_refused_in_words(
    run: Callable[..., Run], boxed: Path, arguments: tuple[object, ...], words: str
) -> None:
    (boxed / "empty.json").write_text(json.dumps({"pictures/plain/3.png": {"boxes": []}}))
    done = run("train-detector", boxed, "--drawn", 0, "--steps", 1, "--out", "run", *arguments)
    assert done.code == 2 and words in done.err
    assert not Path("run/detector").exists()


def test_a_stopped_run_goes_on_and_ends_as_an_uninterrupted_one(boxed: Path, tmp_path: Path) -> None:
    asked = {"name": "same", "steps": 8, "drawn": 0, "scene": 64, "batch": 8}
    plan = make_detector_plan(boxed, [boxed / "train.json"], [], asked)
    cast = plan.cast(print)
    whole = DetectorRun(plan.recipe, plan.digest, tmp_path / "whole").learn(cast, {})
    for _ in range(2):
        with pytest.raises(Interrupted):
            DetectorRun(plan.recipe, plan.digest, tmp_path / "parts").learn(cast, {}, stop_after=3)
    parts = DetectorRun(plan.recipe, plan.digest, tmp_path / "parts").learn(cast, {})
    for one, other in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    rows = [json.loads(line)["step"] for line in (tmp_path / "parts" / "curve.jsonl").read_text().splitlines()]
    assert rows == [8]
    with pytest.raises(UnusableSource, match="other settings or data"):
        DetectorRun(plan.recipe, "another", tmp_path / "parts")


def test_labels_come_from_a_detector_and_are_shown(boxed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Reds:
        name = "reds"

        def find(self, picture: np.ndarray) -> list[Detection]:
            rows, columns = np.nonzero((picture[..., 0] > 150) & (picture[..., 1] < 80))
            if not len(rows):
                return []
            box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
            return [Detection(box, 1.0, "face")]

    monkeypatch.setattr(label, "load_detector", lambda spec: Reds())
    true = json.loads((boxed / "train.json").read_text())
    (boxed / "list.txt").write_text("\n".join(name for name in true if "who" in name) + "\n")
    (boxed / "plain.txt").write_text("\n".join(name for name in true if "plain" in name) + "\n")
    common = [str(boxed)]
    done = CliRunner().invoke(
        label.main, [*common, str(boxed / "list.txt"), "--out", str(boxed / "l.json"), "--sheets", str(boxed / "s")]
    )
    assert done.exit_code == 0, done.output
    assert "'labelled': 14" in done.output and (boxed / "s" / "001.png").exists()
    done = CliRunner().invoke(
        label.main, [*common, str(boxed / "plain.txt"), "--faceless", "--out", str(boxed / "l.json")]
    )
    assert done.exit_code == 0, done.output
    found = json.loads((boxed / "l.json").read_text())
    assert found.keys() == true.keys()
    for name, entry in true.items():
        np.testing.assert_allclose(
            np.reshape(found[name]["boxes"], (-1, 4)), np.reshape(entry["boxes"], (-1, 4)), atol=1.5
        )
