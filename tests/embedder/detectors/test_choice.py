"""Which detector a word names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli import options
from data.errors import UnusableEncoder
from embedder import Detection, load_detector
from embedder.detectors import DEFAULT_DETECTOR, card

pytest.importorskip("onnx", reason="making a network needs onnx")
from tests.embedder.detectors.red_squares import write_detector


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that ships the detector of red squares under the shipped one's name."""
    monkeypatch.setattr(card, "SHIPPED", tmp_path / "weights")
    return write_detector(tmp_path / "weights" / card.SHIPPED_DETECTOR)


def test_whole_is_the_centre_square() -> None:
    detector = load_detector("whole")
    assert detector.name == "whole"
    assert detector.find(np.zeros((4, 9, 3), np.uint8)) == [Detection((2, 0, 6, 4), 1.0, "whole")]
    assert detector.find(np.zeros((9, 4, 3), np.uint8)) == [Detection((0, 2, 4, 6), 1.0, "whole")]


@pytest.mark.parametrize("spec", ["", ".", "cascade", "cascade:", "onnx:", "whole:", "yolo", "auto:"])
def test_unknown_words_name_the_choices(spec: str, shipped: Path) -> None:
    choices = f"use 'auto', 'whole', '{card.SHIPPED_DETECTOR}', the folder of a detector.*'cascade:PATH'.*'onnx:PATH'"
    with pytest.raises(UnusableEncoder, match=choices):
        load_detector(spec)


def test_auto_is_the_shipped_detector_or_the_whole(shipped: Path) -> None:
    picture = np.full((400, 400, 3), 128, np.uint8)
    picture[100:132, 60:92] = 255, 0, 0
    for spec in ("auto", card.SHIPPED_DETECTOR, str(shipped)):
        assert [one.box for one in load_detector(spec).find(picture)] == [(60, 100, 92, 132)]
    small = np.full((100, 100, 3), 128, np.uint8)
    assert load_detector("auto").find(small) == load_detector("whole").find(small)
    assert load_detector(card.SHIPPED_DETECTOR).find(small) == []


def test_a_damaged_shipped_detector_is_an_error_at_once(shipped: Path) -> None:
    (shipped / "model.onnx").unlink()
    with pytest.raises(UnusableEncoder, match=r"lacks its file .*model\.onnx"):
        load_detector("auto")


def test_commands_take_the_default_of_the_library() -> None:
    assert options.DEFAULT_DETECTOR == DEFAULT_DETECTOR
    load_detector(DEFAULT_DETECTOR)
