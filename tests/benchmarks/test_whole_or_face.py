"""The comparison of whole pictures and faces, on drawn people whose half bodies a table tells apart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

pytest.importorskip("sklearn", reason="the papers' systems need scikit-learn; install kaodex[bench]")
pytest.importorskip("mahotas", reason="the papers' systems need mahotas; install kaodex[bench]")

from data.drawn import draw_scene

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "whole_or_face.py"


@pytest.mark.slow
def test_both_ways_are_told_and_drawn(tmp_path: Path) -> None:
    art, rows = tmp_path / "data/art/arknights", ["artist,file,base_character"]
    for character in range(4):
        for picture in range(3):
            file = art / f"artist {picture}" / f"{character}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            scene = draw_scene([character], 10 * picture + character, picture, (180, 240))
            cv2.imwrite(str(file), scene.picture[..., ::-1])
            rows.append(f"artist {picture},{character}.png,character {character}")
    art.with_suffix(".csv").write_text("\n".join(rows) + "\n")
    listed = {
        "characters": {"arknights": [f"character {number}" for number in range(4)]},
        "artists": {"art/arknights": []},
    }
    (tmp_path / "data/dev_identities.json").write_text(json.dumps(listed))
    picture = tmp_path / "bars.png"
    command = [
        sys.executable,
        str(SCRIPT),
        str(tmp_path / "data"),
        "--systems",
        "kaodex,hog-lab",
        "--picture",
        str(picture),
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    lines = told.splitlines()
    assert lines[0] == "4 characters, 8 pictures to learn from, 4 asked about"
    assert lines[2].count("whole picture") == 2 and lines[2].count("face:") == 2
    cells = [float(cell.split()[0]) for cell in lines[4].split("|")[2:6]]
    assert lines[4].startswith("| kaodex |") and all(
        first <= three for first, three in zip(cells[::2], cells[1::2], strict=True)
    )
    assert cv2.imread(str(picture)) is not None
