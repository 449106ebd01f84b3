from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
    finer = run("train", pictures, "--out", "finer", *options)
    assert finer.code == 0, finer.err
    recipe = json.loads(Path("finer/recipe.json").read_text())
    assert (recipe["dimension"], recipe["input_size"], recipe["learning_rate"]) == (8, 24, 5e-4)
    assert recipe["dev"] == {} and recipe["start"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--small-size", "64"), "belong together"),
        (("--loss", "triplet", "--scale", "3"), "has no scale"),
        (("--weight", "drawn=0.1"), "--weight names 'drawn'"),
        (("--weight", "drawn"), "KEY=VALUE"),
        (("--pretrained",), "--pretrained needs the --backbone"),
        (("--init", "nobody"), "no encoder 'nobody'"),
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
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("6 identities, 36 pictures; 2 kept out") == 1
    assert (tmp_path / "run" / "encoder" / "model.onnx").is_file()
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "curve.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4]
