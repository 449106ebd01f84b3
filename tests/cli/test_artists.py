"""Artists as identities, typed: enrolled by views with an encoder of their own, asked beside characters."""

import json

import cv2
import numpy as np
import pytest

from data.pictures import read_picture
from embedder import Encoder
from index import Gallery
from index.picture_faces import KEPT_SIDE, MOST_BYTES
from tests.conftest import FakeEncoder
from tests.drawings import hatched, write

RED, GREEN, BLUE = (220, 30, 30), (30, 220, 30), (30, 30, 220)


@pytest.fixture(autouse=True)
def loaded(monkeypatch):
    """Encoders are loaded by name; each name is another fake one. Which were asked for, in order."""
    asked: list = []

    def load(name=None, device="auto"):
        asked.append(str(name))
        return FakeEncoder(str(name))

    monkeypatch.setattr(Encoder, "load", load)
    return asked


@pytest.fixture
def art(tmp_path):
    """art/red, art/green, art/blue with three drawings each."""
    for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE)):
        for number in range(3):
            write(tmp_path / "art" / name / f"{number}.png", hatched(colour, seed=number, width=190 + number))
    return tmp_path / "art"


def test_an_artist_is_enrolled_and_named(run, art, loaded, tmp_path):
    enrolled = run("enroll", art, "--kind", "artist")
    assert enrolled.code == 0 and loaded == ["art-1"]
    assert "no drawing" in enrolled.out and "several faces" not in enrolled.out
    picture = write(tmp_path / "a.png", hatched(RED, seed=9))
    line = json.loads(run("query", picture, "--json").out)
    assert loaded == ["art-1", "art-1"], "nobody needs the encoder of faces here"
    assert line["faces"] == [] and line["artist"]["identity"] == "red" and line["artist"]["region"] == "whole"
    assert line["artist"]["neighbours"][0]["view"] in {view["view"] for view in line["artist"]["views"]}
    assert line["artist"]["compared_with"] in ("green", "blue")
    told = run("query", picture)
    assert "artist  red" in told.out and "nearer to red than to" in told.out


def test_one_gallery_holds_both_kinds_each_with_its_encoder(run, art, refs, loaded, tmp_path):
    run("enroll", refs)
    run("enroll", art, "--kind", "artist")
    shown = run("gallery", "show").out
    assert "character: 3 identities, 12 references, encoder faces-2" in shown
    assert "artist: 3 identities, 9 references, encoder art-1" in shown
    picture = write(tmp_path / "a.png", hatched(BLUE, seed=9))
    both = json.loads(run("query", picture, "--json", "--detector", "whole").out)
    assert both["faces"][0]["identity"] == "blue" and both["artist"]["identity"] == "blue"
    loaded.clear()
    who = json.loads(run("query", picture, "--json", "--detector", "whole", "--kind", "character").out)
    assert who["faces"] == both["faces"] and who["artist"] is None and loaded == ["faces-2"]
    loaded.clear()
    drew = json.loads(run("query", picture, "--json", "--kind", "artist").out)
    assert drew["faces"] == [] and drew["artist"] == both["artist"] and loaded == ["art-1"]


def test_the_encoder_belongs_to_the_kind_asked_for(run, art, refs, loaded, tmp_path):
    run("enroll", refs)
    run("enroll", art, "--kind", "artist", "--encoder", "mine")
    assert "artist: 3 identities, 9 references, encoder mine" in run("gallery", "show").out
    picture = write(tmp_path / "a.png", hatched(BLUE, seed=9))
    assert run("query", picture, "--detector", "whole").code == 0, "the gallery knows which encoder made what"
    refused = run("query", picture, "--kind", "artist", "--encoder", "other")
    assert refused.code == 2 and "artist encodings" in refused.err and "--kind artist" in refused.err
    assert run("query", picture, "--kind", "character", "--encoder", "faces-2", "--detector", "whole").code == 0


def test_the_same_encoder_for_both_kinds_is_no_reason_to_mix_them(run, art, refs, tmp_path):
    run("enroll", refs)
    assert run("enroll", art, "--kind", "artist", "--encoder", "faces-2").code == 0
    with Gallery.open(tmp_path / "gallery.kaodex") as gallery:
        assert gallery.store.encoder("character").fingerprint != gallery.store.encoder("artist").fingerprint


def test_a_picture_without_a_drawing_is_listed_and_the_rest_goes_on(run, art, tmp_path):
    write(art / "red" / "blank.png", np.full((200, 200, 3), 250, np.uint8))
    (art / "red" / "broken.png").write_bytes(b"no picture")
    enrolled = run("enroll", art, "--kind", "artist")
    assert enrolled.code == 1 and "no drawing: " in enrolled.err and "of one colour" in enrolled.err
    row = next(line for line in enrolled.out.splitlines() if line.startswith("red"))
    assert row.split()[:7] == ["red", "3", "0", "1", "1", "0", "3"]
    asked = run("query", art / "red" / "blank.png", "--kind", "artist")
    assert asked.code == 0 and "unknown" in asked.out and "no artist can be told" in asked.out


def test_one_question_alone_needs_somebody_of_the_kind(run, art, refs):
    run("enroll", refs)
    nobody = run("query", art / "red" / "0.png", "--kind", "artist")
    assert nobody.code == 2 and "holds no artist" in nobody.err and "--kind artist" in nobody.err


def test_only_some_artists(run, art, tmp_path):
    run("enroll", art, "--kind", "artist")
    picture = write(tmp_path / "a.png", hatched(RED, seed=9))
    answered = run("query", picture, "--kind", "artist", "--only", "green", "--only", "blue", "--json")
    artist = json.loads(answered.out)["artist"]
    assert {near["identity"] for near in artist["neighbours"]} <= {"green", "blue"}


def test_what_a_gallery_keeps_is_enough_to_encode_again(run, art, loaded, tmp_path):
    large = np.random.default_rng(0).integers((100, 0, 0), (256, 90, 90), (50, 80, 3)).astype(np.uint8)
    large = np.kron(large, np.ones((20, 20, 1), np.uint8))
    write(tmp_path / "more" / "noisy" / "0.png", large)
    write(tmp_path / "more" / "calm" / "0.png", hatched(GREEN, 1000, 1600))
    run("enroll", art, "--kind", "artist")
    run("enroll", tmp_path / "more", "--kind", "artist")
    with Gallery.open(tmp_path / "gallery.kaodex") as gallery:
        for name, bound in (("calm", MOST_BYTES), ("noisy", 3 * MOST_BYTES)):
            (reference,) = gallery.references(name, "artist")
            assert reference.box == (0, 0, 1600, 1000)
            kept = gallery.crop(reference.id)
            assert read_picture(kept).shape == (480, KEPT_SIDE, 3) and len(kept) <= bound
        before = gallery.store.vectors("artist").encodings.astype(np.float32)
    moved = run("gallery", "reencode", "--kind", "artist", "--encoder", "art-9")
    assert moved.code == 0 and "moved 11 references from art-1" in moved.out
    with Gallery.open(tmp_path / "gallery.kaodex") as gallery:
        after = gallery.store.vectors("artist").encodings.astype(np.float32)
    assert (before * after).sum(axis=1) == pytest.approx(1, abs=5e-3)
    assert json.loads(run("query", art / "red" / "0.png", "--json").out)["artist"]["identity"] == "red"
    assert "nothing to do" in run("gallery", "reencode", "--kind", "character").out


def test_gallery_operations_know_artists(run, art, tmp_path):
    run("enroll", art, "--kind", "artist")
    assert run("gallery", "rename", "red", "scarlet", "--kind", "artist").code == 0
    assert run("gallery", "merge", "blue", "green", "--into", "cool", "--kind", "artist").code == 0
    assert run("gallery", "show", "cool", "--kind", "artist", "--sheet", "sheet.png").code == 0
    assert cv2.imread("sheet.png") is not None
    assert run("gallery", "remove", "scarlet", "--kind", "artist").code == 0
    assert "scarlet" not in run("gallery", "list").out
    run("gallery", "undo")
    run("gallery", "copy", "gallery.kaodex", "copy.kaodex")
    run("gallery", "import", "gallery.kaodex", "-g", "taken.kaodex")
    for place in ("gallery.kaodex", "copy.kaodex", "taken.kaodex"):
        picture = write(tmp_path / "a.png", hatched(RED, seed=9))
        assert json.loads(run("query", picture, "--json", "-g", place).out)["artist"]["identity"] == "scarlet"


def test_near_duplicates_conflicts_and_strangers_of_artists(run, art, tmp_path):
    write(art / "blue" / "copy.png", read_picture(art / "red" / "0.png"))
    cv2.imwrite(str(art / "red" / "again.jpg"), cv2.imread(str(art / "red" / "1.png")))
    enrolled = run("enroll", art, "--kind", "artist")
    assert enrolled.code == 1 and "conflict" in enrolled.err and "near-duplicate" in enrolled.out
    for number in range(4):
        write(tmp_path / "crowd" / f"{number}.png", hatched((200, 200, 20), seed=number, height=150 + number))
    added = run("enroll", tmp_path / "crowd", "--kind", "artist", "--as-strangers")
    assert added.code == 0 and "bank holds 4 strangers" in added.out
    costs = run("calibrate", "--kind", "artist", "--json")
    assert costs.code == 0 and {json.loads(line)["basis"] for line in costs.out.splitlines()} <= {
        "own",
        "strangers",
        "borrowed",
    }


def test_the_annotated_picture_has_a_map_below_or_beside(run, art, tmp_path):
    run("enroll", art, "--kind", "artist")
    picture = hatched(RED, 400, 400)
    picture[:, 250:] = hatched(BLUE, 400, 400)[:, 250:]
    path = write(tmp_path / "a.png", picture)
    assert run("query", path, "--fpir", "0.5", "--annotate", "named").code == 0
    drawn = cv2.imread(str(tmp_path / "named" / "a.named.png"))
    assert drawn.shape[0] * drawn.shape[1] > 2 * 400 * 400
    blue_over_red = (drawn[..., 0].astype(int) - drawn[..., 2] > 60).sum()
    assert blue_over_red > 20_000, "the part that is like the best candidate is blue on the map"


def test_words_are_no_verdict(run, art, tmp_path):
    run("enroll", art, "--kind", "artist")
    told = run("query", art / "red" / "0.png").out + run("query", "--help").out
    assert not any(word in told.lower() for word in ("forged", "stolen", "plagiar", "copied"))
    assert "evidence, not a verdict" in run("query", "--help").out


def test_the_bench_of_artists(run, art, loaded, tmp_path):
    for number in range(2):
        write(art / "grey" / f"{number}.png", hatched((90, 100, 140), seed=number, height=150 + 9 * number))
    report = run(
        *("bench", art, "--kind", "artist", "--shots", 1, "--draws", 2, "-k", 1, "--groups", "(.+)"),
        *("--json", "figures.json", "--report", "report"),
    )
    assert report.code == 0, report.err
    assert loaded == ["art-1", "faces-2"] and "face encoder" in report.out and "HOG + Lab" in report.out
    assert "measures characters as much as artists" in report.err and "pairs of artists told apart" in report.err
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["protocol"]["kind"] == "artist" and figures["pairs"]["pairs"] == 6
    assert cv2.imread(str(tmp_path / "report" / "pairs.png")) is not None
    assert run("bench", art, "--report", "report").code == 2, "nothing to draw of characters"
