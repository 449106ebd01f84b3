from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from embedder.card import DEFAULT_ENCODER, SHIPPED
from embedder.detectors import card
from embedder.detectors.card import SHIPPED_DETECTOR, shipped_detectors
from embedder.foreign_settings import as_text
from embedder.recipes import CCIP
from tests.cli.conftest import Run


def test_every_encoder_is_looked_at(run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAODEX_HOME", str(tmp_path))
    own = tmp_path / "encoders"
    (own / "waiting").mkdir(parents=True)
    (own / "waiting" / "net.onnx").write_bytes(b"a graph whose settings nobody has written yet")
    well = run("doctor", "--device", "cpu")
    told = " ".join(well.out.split())
    assert well.code == 0 and "all well" in told
    assert f"encoder {DEFAULT_ENCODER} shipped, the default, all files whole" in told
    assert "encoder waiting pulled, unusable:" in told  # and harms nobody
    for name in shipped_detectors():
        assert re.search(f"detector {name} shipped(, the default)?, all files whole, [0-9]+ of 12 drawn faces", told)

    shutil.copytree(SHIPPED / DEFAULT_ENCODER, own / "copy")
    with (own / "copy" / "model.onnx").open("r+b") as file:
        file.write(b"oh")
    (own / "copy" / "model.safetensors").unlink()
    (own / "cut").mkdir()
    (own / "cut" / "net.onnx").write_bytes(b"no graph")
    (own / "cut" / "net.json").write_text(as_text(CCIP))
    ill = run("doctor", "--device", "cpu")
    told = " ".join(ill.out.split())
    assert ill.code == 1 and "something is wrong" in told
    assert "encoder cut pulled, unusable:" in told
    assert "encoder copy pulled, missing or damaged: model.onnx, model.safetensors" in told


def test_every_shipped_detector_is_tried(
    run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx", reason="making a network needs onnx")
    from tests.embedder.detectors.red_squares import write_detector

    monkeypatch.setattr(card, "SHIPPED", tmp_path)
    write_detector(tmp_path / SHIPPED_DETECTOR)  # it knows red squares, and not one drawn face
    shutil.copytree(tmp_path / SHIPPED_DETECTOR, tmp_path / "torn")
    (tmp_path / "torn" / "model.safetensors").unlink()
    write_detector(tmp_path / "strange", format=7)
    ill = run("doctor", "--device", "cpu")
    told = " ".join(ill.out.split())
    assert ill.code == 1 and "something is wrong" in told
    assert re.search(f"detector {SHIPPED_DETECTOR} shipped.*, all files whole, only 0 of 12 drawn faces found", told)
    assert re.search("detector torn shipped, missing or damaged: model.safetensors", told)
    assert re.search("detector strange shipped, unusable: .* its format is 7", told)
    assert "self-test 10 of 10 drawn characters recognised" in told
