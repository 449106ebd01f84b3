from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

pytest.importorskip("torch", reason="style training needs torch; install kaodex[train]")

from click.testing import CliRunner

from data.drawn import draw_face
from embedder import Encoder
from embedder.style_training.strangers import main as lend_strangers
from embedder.style_training.train import main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four artists of half bodies, three of portraits and six sources of fan art, all drawn."""
    root = tmp_path / "data"
    rows = {"art/arknights.csv": ["artist,file,base_character"], "faces/kancolle.csv": ["identity,file,illustrator_id"]}
    places: list[tuple[str, int]] = []
    for artist in range(4):
        for character in range(2):
            rows["art/arknights.csv"].append(f"a{artist},{character}.png,half {artist} {character}")
            places.append((f"art/arknights/a{artist}/{character}.png", artist))
    for artist in range(3):
        for character in range(2):
            rows["faces/kancolle.csv"].append(f"who {artist} {character},0.png,{artist}")
            places.append((f"faces/kancolle/who {artist} {character}/0.png", 10 + artist))
    places += [(f"faces/holoen/somebody/{number:032x}.png-1.jpg", 20 + number) for number in range(6)]
    for seed, (name, artist) in enumerate(places):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), draw_face(seed, artist, seed, 128)[..., ::-1])
    for name, lines in rows.items():
        (root / name).write_text("\n".join(lines) + "\n")
    listed = {"characters": {}, "artists": {"art/arknights": ["a3"], "kancolle illustrator_id": []}}
    (root / "dev_identities.json").write_text(json.dumps(listed))
    return root


@pytest.mark.slow
def test_a_run_ends_with_an_encoder_of_artists_and_goes_on_where_it_stopped(data: Path, tmp_path: Path) -> None:
    arguments = [str(data), "--out", str(tmp_path / "run"), "--steps", "2", "--size", "32", "--studios", "2"]
    result = CliRunner().invoke(main, [*arguments, "--dimension", "6", "--name", "tiny"])
    assert result.exit_code == 0, result.output
    encoder = Encoder.load(tmp_path / "run/tiny", device="cpu")
    assert encoder.dimension == 6 and encoder.card["kind"] == "artist"
    assert [(one["collection"], one["artists"], one["pictures"]) for one in encoder.card["data"]] == [
        ("arknights", 3, 6),
        ("holoen", 6, 6),
        ("kancolle", 3, 6),
        ("drawn", 32, 256),
    ]
    lent = CliRunner().invoke(lend_strangers, [str(tmp_path / "run/tiny"), str(data), "--drawn", "2"])
    assert lent.exit_code == 0, lent.output
    real, drawn = Encoder.load(tmp_path / "run/tiny", device="cpu").strangers
    assert len(real[0]) == 2 and len(drawn[0]) == 2
    assert "2 of 1 real artists and 2 of 2 drawn artists" in (tmp_path / "run/tiny/README.md").read_text()
    again = CliRunner().invoke(main, [*arguments, "--dimension", "6", "--name", "again"])
    assert again.exit_code == 0, again.output
    assert Encoder.load(tmp_path / "run/again", device="cpu").card["files"] == encoder.card["files"]
    other = CliRunner().invoke(main, [*arguments, "--dimension", "6", "--learning-rate", "0.5"])
    assert other.exit_code == 1 and "was made with other settings" in " ".join(other.output.split())
