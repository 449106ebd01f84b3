"""A detector folder: its card decides, its files are checked, and its network is run over pictures of any size."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import UnusableEncoder
from embedder import load_detector

pytest.importorskip("onnx", reason="making a network needs onnx")
from tests.embedder.detectors.red_squares import write_detector


def scene(*squares: tuple[int, int, int]) -> np.ndarray:
    picture = np.full((1600, 1900, 3), 128, np.uint8)
    for left, top, side in squares:
        picture[top : top + side, left : left + side] = 255, 0, 0
    return picture


def test_it_finds_what_its_network_sees_at_every_level_and_in_every_tile(tmp_path: Path) -> None:
    detector = load_detector(str(write_detector(tmp_path / "red")))
    assert detector.name == "red-squares"
    squares = [(100, 60, 32), (1740, 1500, 32), (892, 740, 32), (400, 400, 128), (1040, 80, 512)]
    found = detector.find(scene(*squares))
    assert {one.region for one in found} == {"face"}
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for left, top, side in squares:
        near = [
            one for one in found if np.abs(np.subtract(one.box, (left, top, left + side, top + side))).max() <= side / 8
        ]
        assert len(near) == 1 and near[0].score > 0.8
    assert len(found) == len(squares)
    assert detector.find(np.full((40, 30, 3), 128, np.uint8)) == []


def test_threads_share_it(tmp_path: Path) -> None:
    detector = load_detector(str(write_detector(tmp_path / "red")))
    pictures = [scene((100 + 8 * number, 60, 32))[:300, :300] for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(detector.find, pictures))
    assert found == [detector.find(picture) for picture in pictures] and all(found)


def _damage(folder: Path) -> None:
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes() + b"\0")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "detector.json").write_text("{"), "cannot be read as JSON"),
        (lambda folder: (folder / "model.onnx").unlink(), "detector 'red-squares' lacks its file"),
        (_damage, r"model\.onnx is damaged or was exchanged.*fetch or export the detector again"),
    ],
)
def test_a_damaged_folder_says_what_is_wrong(tmp_path: Path, damage: Callable[[Path], Any], message: str) -> None:
    folder = write_detector(tmp_path / "red")
    damage(folder)
    with pytest.raises(UnusableEncoder, match=message):
        load_detector(str(folder))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": 2}, "its format is 2, this Kaodex reads 1"),
        ({"threshold": None}, "has no field 'threshold'"),
        ({"threshold": 0}, "above 0 and at most 1"),
        ({"threshold": "high"}, "could not convert"),
        ({"stride": 12}, "the stride divides 32"),
        ({"faces": [16, 48]}, "4 times the smallest"),
        ({"faces": 16}, "not iterable"),
        ({"files": {"../model.onnx": "0"}}, "its files lie in its own folder"),
        ({"files": {}}, r"names no model\.onnx"),
        ({"stride": 16}, r"gives scores \(1, 8, 12\).*by the stride"),
        ({"network": {"outputs": ("faces", "places")}}, "gives faces, places; a detector takes images"),
    ],
)
def test_a_card_that_is_wrong_is_refused(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    folder = write_detector(tmp_path / "red", **fields)
    with pytest.raises(UnusableEncoder, match=message):
        load_detector(str(folder))


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    from embedder.card_file import sha256

    folder = write_detector(tmp_path / "red")
    (folder / "model.onnx").write_bytes(b"no network")
    write = {"model.onnx": sha256(folder / "model.onnx")}
    (folder / "detector.json").write_text(
        (folder / "detector.json").read_text().split('"files"')[0]
        + f'"files": {str(write).replace(chr(39), chr(34))}}}'
    )
    with pytest.raises(UnusableEncoder, match="not a network that ONNX Runtime can open"):
        load_detector(str(folder))
