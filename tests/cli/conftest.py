from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.main import main


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """run("query", "a.png"): the command typed in an empty folder; what it exited with and printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KAODEX_GALLERY", raising=False)

    def typed(*words: object, stdin: str = "") -> Run:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capfd.readouterr()
        try:
            main([str(word) for word in words])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        out, err = capfd.readouterr()
        return Run(code, out, err)

    return typed


def paint_crowd(folder: Path, pictures: int) -> None:
    """Blurred pictures of nothing, each its own, dealt out to 40 identities."""
    generator = np.random.default_rng(4)
    for number in range(pictures):
        small = generator.integers(0, 256, (8, 8, 3), np.uint8)
        place = folder / f"identity {number % 40}"
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{number}.jpg"), cv2.resize(small, (96, 96), interpolation=cv2.INTER_CUBIC))
