"""`kaodex gallery reencode`, typed: with fake encoders of different lengths, and killed with a real one."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from embedder import Encoder
from embedder.card import DEFAULT_ENCODER, find_encoder
from index import Gallery
from index.kind_encoders import DEFAULTS
from tests.cli.conftest import paint_crowd
from tests.conftest import FakeEncoder

KILLS = 8
PICTURES = 2000


class GreyEncoder(FakeEncoder):
    """The fake encoder's direction, with a fourth number that is always there."""

    def __init__(self) -> None:
        super().__init__("longer")
        self.dimension = 4
        self.strangers = ()

    def encode(self, crops, batch_size: int = 64) -> np.ndarray:
        colours = super().encode(crops)
        return np.concatenate([colours * 0.6, np.full((len(crops), 1), 0.8, np.float32)], axis=1)


@pytest.fixture
def enrolled(run, refs, fake_encoder, monkeypatch):
    """Commands load `fake` by default, and `longer` by its name; a gallery of twelve pictures is there."""
    longer = GreyEncoder()
    for one in (fake_encoder, longer):
        monkeypatch.setattr(one, "fit", lambda crop: cv2.resize(crop, (8, 8), interpolation=cv2.INTER_AREA))
    monkeypatch.setattr(Encoder, "load", lambda name=None, device="auto": longer if name == "longer" else fake_encoder)
    run("enroll", refs)
    return run


def damage(reference: int) -> None:
    connection = sqlite3.connect("gallery.kaodex")
    with connection:
        connection.execute("UPDATE crop SET picture = x'00' WHERE reference = ?", (reference,))
    connection.close()


def test_the_whole_way(enrolled, refs, tmp_path):
    run = enrolled
    before = run("query", refs / "red" / "0.png", "--json").out
    refused = run("query", refs / "red" / "0.png", "--encoder", "longer")
    assert refused.code == 2 and "kaodex gallery reencode" in refused.err
    moved = run("gallery", "reencode", "--encoder", "longer", "--export-before", "before.kaodex")
    assert moved.code == 0 and "moved 12 references from fake (3 numbers) to longer (4 numbers)" in moved.out
    assert "pictures/s" in moved.out and "calibrated anew" in moved.out
    assert "encoder longer (4 numbers" in run("gallery", "show").out
    assert "all well" in run("gallery", "check").out
    asked = json.loads(run("query", refs / "red" / "0.png", "--encoder", "longer", "--json").out)
    assert [near["identity"] for near in asked["faces"][0]["neighbours"]][:4] == ["red"] * 4
    again = run("gallery", "reencode", "--encoder", "longer")
    assert again.code == 0 and "already: nothing to do" in again.out
    assert run("query", refs / "red" / "0.png", "--json", "-g", "before.kaodex").out == before
    assert run("gallery", "undo").out.startswith("undone: enroll")


def test_an_empty_gallery_and_a_missing_one(enrolled):
    run = enrolled
    Gallery.create("empty.kaodex").close()
    empty = run("gallery", "reencode", "-g", "empty.kaodex")
    assert empty.code == 0 and "empty: nothing to do" in empty.out
    assert run("gallery", "reencode", "-g", "nowhere.kaodex").code == 2


def test_damaged_crops_are_named_and_dropped_only_when_told(enrolled):
    run = enrolled
    damage(3)
    refused = run("gallery", "reencode", "--encoder", "longer")
    assert refused.code == 1 and refused.out == ""
    assert "reference 3 (blue)" in refused.err and "--drop-unreadable" in refused.err and "1 reference" in refused.err
    assert "encoder fake" in run("gallery", "show").out
    dropped = run("gallery", "reencode", "--encoder", "longer", "--drop-unreadable")
    assert dropped.code == 0 and "moved 11 references" in dropped.out and "1 reference with unreadable" in dropped.out
    assert "reencode from fake to longer: remove unreadable crops" in run("gallery", "show").out
    undone = run("gallery", "undo")
    assert "0 references" in undone.out and "1 reference could not come back" in undone.err
    assert json.loads(run("gallery", "list", "--json").out.splitlines()[0]) == {
        "identity": "blue",
        "kind": "character",
        "references": 3,
    }


def test_interrupted_and_typed_again(enrolled, monkeypatch):
    run = enrolled
    monkeypatch.setattr("index.reencoder.BATCH", 5)
    real, calls = GreyEncoder.encode, []

    def once(self, crops, batch_size=64):
        calls.append(len(crops))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, crops)

    monkeypatch.setattr(GreyEncoder, "encode", once)
    stopped = run("gallery", "reencode", "--encoder", "longer")
    assert stopped.code == 130 and "interrupted after 5 references" in stopped.err
    assert "encoder fake" in run("gallery", "show").out
    resumed = run("gallery", "reencode", "--encoder", "longer")
    assert resumed.code == 0 and "5 of them before an interruption" in resumed.out
    given_up = run("gallery", "reencode", "--encoder", "longer")
    assert given_up.code == 0


def test_a_move_that_is_given_up_is_told(enrolled, monkeypatch):
    run = enrolled
    damage(3)
    run("gallery", "reencode", "--encoder", "longer")
    back = run("gallery", "reencode")
    assert back.code == 0 and "unfinished re-encoding to longer is given up" in back.err and "nothing to do" in back.out


def test_show_names_a_newer_default_only_where_there_is_one(enrolled, monkeypatch, tmp_path):
    run = enrolled
    assert "reencode" not in run("gallery", "show").out, "made with an encoder that does not ship"
    shipped = tmp_path / "shipped"
    for name in ("old", "new"):
        shutil.copytree(find_encoder(DEFAULT_ENCODER), shipped / name, ignore=shutil.ignore_patterns("*.safetensors"))
        card = json.loads((shipped / name / "encoder.json").read_text())
        card |= {"name": name, "flip_average": name == "new"}
        (shipped / name / "encoder.json").write_text(json.dumps(card))
    monkeypatch.setattr("embedder.card.SHIPPED", shipped)
    monkeypatch.setitem(DEFAULTS, "character", "new")
    from embedder.card import read_card

    for name, told in (("old", True), ("new", False)):
        connection = sqlite3.connect("gallery.kaodex")
        with connection:
            fingerprint = read_card(shipped / name).fingerprint
            connection.execute("UPDATE encoder SET name = ?, fingerprint = ?", (name, fingerprint))
        connection.close()
        shown = run("gallery", "show").out
        assert ("made with old; `kaodex gallery reencode` moves it to new" in shown) is told


def test_import_names_its_conflicts(enrolled, refs):
    run = enrolled
    run("enroll", refs / "red", "--as", "scarlet", "-g", "other.kaodex")
    imported = run("gallery", "import", "other.kaodex")
    assert imported.code == 1 and "4 conflicts" in imported.out
    assert imported.err.count("conflict:") == 4 and "is scarlet there, red here" in imported.err
    assert "red/0.png" in imported.err


def test_history_marks_what_was_undone(enrolled):
    run = enrolled
    run("gallery", "remove", "red")
    assert "(undone)" not in run("gallery", "show").out
    run("gallery", "undo")
    shown = run("gallery", "show").out
    assert "remove red (undone)" in shown and shown.count("(undone)") == 1


def set_aside(path: Path) -> int:
    """How many new encodings wait in the gallery's side table, as another process sees it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as gallery:
        try:
            return int(gallery.execute("SELECT count(*) FROM reencoded").fetchone()[0])
        except sqlite3.OperationalError:  # there is no such table, or it is being changed right now
            return 0


@pytest.mark.slow
@pytest.mark.skipif(not Encoder.available_encoders(), reason="no encoder ships with this checkout")
def test_killed_at_any_moment_and_completed(tmp_path: Path):
    paint_crowd(tmp_path / "refs", PICTURES)
    shutil.copytree(find_encoder(DEFAULT_ENCODER), tmp_path / "other")
    card = json.loads((tmp_path / "other" / "encoder.json").read_text())
    card |= {"name": "other", "flip_average": not card["flip_average"]}
    (tmp_path / "other" / "encoder.json").write_text(json.dumps(card))

    path, kept = tmp_path / "gallery.kaodex", tmp_path / "kept.kaodex"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}

    def command(*words: object) -> list[str]:
        return [sys.executable, "-m", "cli.main", *map(str, words), "-g", str(path), "--device", "cpu"]

    subprocess.run(command("enroll", tmp_path / "refs"), env=environment, check=True, capture_output=True)
    reencode = command("gallery", "reencode", "--encoder", tmp_path / "other")
    with Gallery.open(path, device="cpu") as gallery:
        gallery.export(kept)
        before = gallery.store.vectors("character")
    staged = [0]
    moments = random.Random(7)
    killed = 0
    while killed < KILLS:
        process = subprocess.Popen(
            reencode, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if killed % 2:  # a moment in the midst of the work, however long this machine takes to begin
            while process.poll() is None and set_aside(path) <= staged[-1]:
                time.sleep(0.01)
        else:
            time.sleep(moments.uniform(0.3, 2.5))
        if process.poll() is not None:  # it was done before its moment came: once more from the start
            assert process.returncode == 0
            for file in tmp_path.glob("gallery.kaodex*"):
                file.unlink()
            shutil.copy(kept, path)
            staged.append(0)
            continue
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        killed += 1
        with Gallery.open(path, device="cpu") as gallery:
            assert gallery.check() == []
            held = gallery.store.vectors("character")
            if gallery.store.encoder("character").name == "other":
                assert not (held.encodings == before.encodings).all(axis=1).any()
                staged.append(PICTURES)
            else:
                assert (held.encodings == before.encodings).all()
                there = gallery.store.rows("SELECT 1 FROM sqlite_schema WHERE name = 'reencoded'")
                staged.append(gallery.store.rows("SELECT count(*) FROM reencoded")[0][0] if there else 0)
                assert staged[-1] >= staged[-2], "what was kept aside was lost"
    completed = subprocess.run(reencode, env=environment, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    with Gallery.open(path, device="cpu") as gallery:
        assert gallery.store.encoder("character").name == "other"
        assert len(gallery) == PICTURES and gallery.check() == []
        assert not (gallery.store.vectors("character").encodings == before.encodings).all(axis=1).any()
    assert any(0 < count < PICTURES for count in staged), f"no kill fell into the work itself: {staged}"
