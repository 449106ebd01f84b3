from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Run

pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

ROOT = Path(__file__).parents[2]
SMALL = (
    *("--backbone", "resnet18", "--stem", "small", "--backbone-argument", "layers=[1,1,1,1]"),
    *("--backbone-argument", "channels=[8,8,8,8]", "--dimension", "8", "--input-size", "24", "--batch", "12"),
    *("--threads", "1", "--device", "cpu"),
)


@pytest.fixture
def pictures(tmp_path: Path, paint: Callable[..., Path]) -> Path:
    """pictures/a to pictures/h with six pictures each."""
    for number, name in enumerate("abcdefgh"):
        for one in range(6):
            colour = (200 * (number & 1), 200 * (number >> 1 & 1), 200 * (number >> 2 & 1))
            paint(tmp_path / "pictures" / name / f"{one}.png", colour, 10 * number + one)
    return tmp_path / "pictures"


def test_the_names_are_those_of_the_training() -> None:
    from cli import train
    from embedder.training import recipe
    from embedder.training.augmentation import AUGMENTATIONS
    from embedder.training.losses import LOSSES

    assert train.LOSSES == LOSSES and train.LOSSES[0] == recipe.Recipe.loss
    assert set(train.AUGMENTATIONS) == set(AUGMENTATIONS)
    assert train.BALANCES == recipe.BALANCES and train.PRECISIONS == recipe.PRECISIONS


def test_from_folders_to_an_encoder_and_on_from_it(run: Callable[..., Run], pictures: Path) -> None:
    done = run("train", pictures, "--out", "run", *SMALL, "--steps", 6, "--dev", 3, "--licence", "CC0")
    assert done.code == 0, done.err
    assert "5 identities, 30 pictures; 3 kept out" in done.err and "rank-1" in done.err
    card = json.loads(Path("run/encoder/encoder.json").read_text())
    assert card["name"] == "run" and card["licence"] == "CC0" and card["recipe"]["steps"] == 6
    assert sum(card["dev"].values()) == 3 and card["data"][0]["identities"] == 5
    assert {path.name for path in Path("run/encoder").iterdir()} == {
        "README.md", "curves.png", "encoder.json", "model.onnx", "model.safetensors",
    }  # fmt: skip
    assert {"checkpoint.pt", "curve.jsonl", "recipe.json", "tensorboard", "encoder"} <= {
        path.name for path in Path("run").iterdir()
    }
    options = ("--init", "run/encoder", "--steps", 2, "--dev", 0, "--batch", 8, "--threads", 1, "--device", "cpu")
    zeros = ("--seed", 0, "--margin", 0, "--label-smoothing", 0, "--weight-decay", 0)
    finer = run("train", pictures, "--out", "finer", *options, *zeros)
    assert finer.code == 0, finer.err
    recipe = json.loads(Path("finer/recipe.json").read_text())
    assert (recipe["dimension"], recipe["input_size"], recipe["learning_rate"]) == (8, 24, 5e-4)
    assert recipe["dev"] == {} and recipe["start"]
    assert [recipe[name] for name in ("seed", "margin", "label_smoothing", "weight_decay")] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--small-size", "64"), "belong together"),
        (("--loss", "triplet", "--scale", "3"), "has no scale"),
        (("--weight", "drawn=0.1"), "--weight names 'drawn'"),
        (("--weight", "drawn"), "KEY=VALUE"),
        (("--pretrained",), "--pretrained needs the --backbone"),
        (("--init", "nobody"), "no encoder 'nobody'"),
        (("--init", "onnx:net.onnx"), "give the name or folder of an encoder"),
        (("--init", "faces-1", "--dimension", "64"), "dimension is 128, not 64"),
        (("--dev", "9"), "ask for fewer with --dev"),
        (("--dev", "list.json"), "no list of dev identities"),
        (("--backbone", "no_such_net"), "knows no backbone"),
        (("--device", "abacus"), "no device 'abacus'"),
    ],
)
def test_wrong_use_is_told_with_its_cure(
    run: Callable[..., Run], pictures: Path, words: tuple[str, ...], told: str
) -> None:
    wrong = run("train", pictures, "--out", "run", *words)
    assert wrong.code == 2 and told in wrong.err
    assert "Traceback" not in wrong.err


def in_a_process(folder: Path, *words: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cli.main", *map(str, words)]
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def steps_noted(run: Path) -> list[int]:
    curve = run / "curve.jsonl"
    whole_lines = curve.read_text().split("\n")[:-1] if curve.is_file() else []
    return [json.loads(line)["step"] for line in whole_lines]


@pytest.mark.slow
def test_a_terminated_run_goes_on_and_ends_as_if_nobody_had_stopped_it(tmp_path: Path, pictures: Path) -> None:
    from embedder import Encoder

    options = (*SMALL, "--name", "tiny", "--steps", 80, "--dev", 3, "--validate-every", 1)
    words = ("train", pictures, "--out", "run", *options)
    with in_a_process(tmp_path, *words) as running:
        while len(steps_noted(tmp_path / "run")) < 5 and running.poll() is None:
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        told = running.communicate(timeout=600)[1]
    assert running.returncode == 130, told
    done = steps_noted(tmp_path / "run")
    assert done == list(range(1, len(done) + 1)) and 5 <= len(done) < 80
    assert f"stopped at step {len(done)} of 80; the same command continues" in told and "Traceback" not in told
    assert not (tmp_path / "run" / "encoder").exists()

    with in_a_process(tmp_path, *words) as again, in_a_process(tmp_path, *words[:3], "whole", *options) as whole:
        told = again.communicate(timeout=600)[1]
        assert again.returncode == 0 and f"continuing at step {len(done)}\n" in told, told
        assert whole.communicate(timeout=600)[1] and whole.returncode == 0
    assert steps_noted(tmp_path / "run") == list(range(1, 81))
    crops = list(np.random.default_rng(0).integers(0, 256, (20, 24, 24, 3), np.uint8))
    one, other = (Encoder.load(tmp_path / name / "encoder", device="cpu").encode(crops) for name in ("run", "whole"))
    np.testing.assert_allclose(one, other, atol=1e-3)
    figures = [json.loads((tmp_path / name / "encoder" / "encoder.json").read_text()) for name in ("run", "whole")]
    assert figures[0]["step"] == figures[1]["step"]  # the best one is the same, whichever side of the stop it lies on


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["arcface", "supcon"])
def test_two_processes_learn_together(tmp_path: Path, pictures: Path, loss: str) -> None:
    command = [
        *(sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"),
        *("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"),
        *("-m", "cli.main", "train", str(pictures), "--out", str(tmp_path / "run")),
        *(*SMALL, "--steps", "4", "--dev", "2", "--loss", loss),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("6 identities, 36 pictures; 2 kept out") == 1
    assert (tmp_path / "run" / "encoder" / "model.onnx").is_file()
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "curve.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4]
