from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from embedder.card import DEFAULT_ENCODER, SHIPPED
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
