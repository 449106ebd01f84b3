from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.errors import UnusableEncoder
from embedder import load_detector


def test_missing_cascade_names_its_path(tmp_path: Path) -> None:
    with pytest.raises(UnusableEncoder, match=r"no cascade file at .*none\.xml"):
        load_detector(f"cascade:{tmp_path / 'none.xml'}")


@pytest.mark.parametrize("content", ["", "not xml", "<?xml version='1.0'?><opencv_storage><a>1</a></opencv_storage>"])
def test_other_file_is_no_cascade(tmp_path: Path, content: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.xml"
    path.write_text(content)
    with pytest.raises(UnusableEncoder, match="not an OpenCV cascade"):
        load_detector(f"cascade:{path}")
    assert capfd.readouterr().err == ""


def test_cascade_finds_faces_in_scenes(shared_data: Path) -> None:
    import cv2

    path = shared_data / "lbpcascade_animeface.xml"
    detector = load_detector(f"cascade:{path}")
    assert detector.name == f"cascade:{path}"
    assert detector.find(np.full((200, 200, 3), 90, np.uint8)) == []
    assert detector.find(np.zeros((5, 300, 3), np.uint8)) == []
    found = []
    for file in sorted((shared_data / "scenes").glob("*.jpg")):
        picture = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        found += detector.find(picture)
    assert found
    assert all(detection.region == "face" and detection.score == 1.0 for detection in found)
    assert all(detection.box[2] - detection.box[0] >= 20 for detection in found)
