import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from index import Recognizer
from index.enroller import BATCH, Enroller

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 220, 30), (30, 30, 220), (220, 220, 30)

pytestmark = pytest.mark.usefixtures("use_fake_encoder")


def row(text: str, first: str) -> list[str]:
    """The cells of a printed table's row that begins with a word."""
    line = next(line for line in text.splitlines() if line.startswith(f"{first} "))
    return re.split(r"\s{2,}", line.strip())


def test_enroll_then_query_names_the_right_one(run, refs, paint, tmp_path):
    enrolled = run("enroll", refs)
    assert enrolled.code == 0
    assert row(enrolled.out, "red")[:8] == ["red", "4", "0", "0", "0", "0", "0", "4"]
    assert "gallery.kaodex holds 3 identities with 12 references" in enrolled.out
    asked = run("query", paint(tmp_path / "a.png", RED, 99), paint(tmp_path / "b.png", YELLOW, 98))
    assert asked.code == 0
    assert "red" in asked.out and "unknown" in asked.out


def test_json_is_the_contract(run, refs, paint, tmp_path):
    run("enroll", refs)
    picture = paint(tmp_path / "a.png", RED, 99)
    answered = run("query", picture, tmp_path / "missing.png", "--json")
    assert answered.code == 1
    first, second = map(json.loads, answered.out.splitlines())
    assert list(first) == ["image", "size", "faces", "artist", "error"]
    assert first["image"] == str(picture) and first["size"] == [48, 48] and first["artist"] is None
    (face,) = first["faces"]
    assert list(face) == [
        *("box", "detection", "status", "identity", "score", "p_value", "fpir", "basis", "region"),
        *("candidates", "neighbours"),
    ]
    assert face["box"] == [0, 0, 48, 48] and face["region"] == "whole"
    assert (face["status"], face["identity"]) == ("identified", "red")
    assert face["candidates"][0] == {"identity": "red", "score": face["score"], "votes": 4}
    assert [near["identity"] for near in face["neighbours"][:4]] == ["red"] * 4
    # by hand: the mean colour's direction from mid-grey is (92.5, -97.5, -97.5) for every red picture
    assert face["score"] == pytest.approx(1, abs=1e-3)
    similarity = (92.5 * -97.5 * 2 + 97.5 * 97.5) / (92.5**2 + 2 * 97.5**2)
    assert face["neighbours"][4]["similarity"] == pytest.approx(
        similarity, abs=0.03
    )  # the pattern moves the mean a little
    assert second == {
        "image": str(tmp_path / "missing.png"),
        "size": None,
        "faces": [],
        "artist": None,
        "error": second["error"],
    }
    assert second["error"] and "missing.png" in answered.err


def test_a_second_run_skips_and_goes_on(run, refs, paint):
    run("enroll", refs)
    paint(refs / "red" / "late.png", RED, 77)
    again = run("enroll", refs)
    assert again.code == 0
    assert row(again.out, "red")[:3] == ["red", "1", "4"] and row(again.out, "blue")[:3] == ["blue", "0", "4"]


def test_unreadable_pictures_are_named_and_the_rest_goes_on(run, refs):
    (refs / "red" / "broken.png").write_bytes(b"no picture at all")
    (refs / "red" / "empty.jpg").write_bytes(b"")
    enrolled = run("enroll", refs)
    assert enrolled.code == 1
    assert row(enrolled.out, "red")[:4] == ["red", "4", "0", "2"]
    assert "broken.png" in enrolled.err and "empty.jpg" in enrolled.err


def test_the_same_picture_under_two_names_is_a_conflict(run, refs):
    shutil.copy(refs / "red" / "0.png", refs / "blue" / "stolen.png")
    enrolled = run("enroll", refs)
    assert enrolled.code == 1
    assert "stolen.png" in enrolled.err or "red/0.png" in enrolled.err
    assert "already as" in enrolled.err and "--allow-conflicts" in enrolled.err
    allowed = run("enroll", refs, "--allow-conflicts")
    assert allowed.code == 0 and "13 references" in allowed.out


def test_near_duplicates_are_enrolled_and_noted(run, refs):
    picture = cv2.imread(str(refs / "red" / "0.png"))
    cv2.imwrite(str(refs / "red" / "resaved.jpg"), picture)
    enrolled = run("enroll", refs)
    assert enrolled.code == 0 and row(enrolled.out, "red")[1] == "5"
    assert "1 near-duplicate among the added" in enrolled.out


def test_as_names_one_folder_or_picture(run, refs, paint, tmp_path):
    assert run("enroll", refs / "red", "--as", "レム").code == 0
    assert run("enroll", paint(tmp_path / "one.png", BLUE, 5), "--as", "solo").code == 0
    listed = run("gallery", "list").out
    assert row(listed, "レム")[2] == "4" and row(listed, "solo")[2] == "1"


def test_batches_larger_than_a_transaction(run, paint, tmp_path):
    for number in range(2 * BATCH + 3):
        paint(tmp_path / "many" / "red" / f"{number}.png", RED, number)
    assert row(run("enroll", tmp_path / "many").out, "red")[1] == str(2 * BATCH + 3)
    assert run("gallery", "check").code == 0


@pytest.mark.parametrize("k, rule", [(1, "nearest"), (3, "majority"), (50, "weighted"), (2, "centroid")])
def test_k_and_rule_are_the_querys(run, refs, paint, tmp_path, k, rule):
    run("enroll", refs)
    answered = run("query", paint(tmp_path / "a.png", GREEN, 99), "-k", k, "--rule", rule, "--json")
    (face,) = json.loads(answered.out)["faces"]
    assert face["identity"] == "green"
    assert len(face["neighbours"]) == min(k, 12)


def test_folders_and_standard_input(run, refs, paint, tmp_path):
    run("enroll", refs)
    paint(tmp_path / "queries" / "deep" / "a.png", RED, 91)
    paint(tmp_path / "queries" / "b.png", BLUE, 92)
    answered = run("query", "queries", "-", "--json", stdin=f"{refs / 'green' / '0.png'}\n\n")
    lines = [json.loads(line) for line in answered.out.splitlines()]
    assert [line["faces"][0]["identity"] for line in lines] == ["blue", "red", "green"]


def test_annotated_pictures(run, refs, paint, tmp_path):
    run("enroll", refs)
    paint(tmp_path / "one" / "a.png", RED, 91)
    paint(tmp_path / "two" / "a.png", YELLOW, 92)
    answered = run("query", tmp_path / "one", tmp_path / "two", "--annotate", "named")
    assert answered.code == 0
    assert sorted(path.name for path in (tmp_path / "named").iterdir()) == ["a-2.named.png", "a.named.png"]
    drawn = cv2.imread(str(tmp_path / "named" / "a.named.png"))
    assert drawn.shape[1] > 300  # enlarged, with the nearest references beside it


@pytest.mark.parametrize(
    "words, cure",
    [
        (["query", "a.png"], "kaodex enroll FOLDER"),
        (["enroll", "nowhere"], "one folder of pictures per identity"),
        (["enroll", "empty"], "put each identity's pictures in a folder"),
        (["enroll", "loose"], "--as NAME"),
        (["enroll", "loose/0.png"], "--as NAME"),
        (["gallery", "list"], "kaodex enroll FOLDER"),
        (["enroll", "refs", "--detector", "psychic"], "use 'auto', 'whole'"),
    ],
)
def test_first_mistakes_name_the_cure(run, refs, paint, tmp_path, words, cure):
    (tmp_path / "empty").mkdir()
    paint(tmp_path / "loose" / "0.png", RED)
    answered = run(*words)
    assert answered.code == 2
    assert cure in answered.err and "Traceback" not in answered.err
    if words[0] != "gallery":
        assert not answered.out


def test_a_failed_first_enroll_leaves_no_gallery_behind(run, tmp_path):
    (tmp_path / "empty").mkdir()
    run("enroll", "empty")
    assert not (tmp_path / "gallery.kaodex").exists()


def test_loose_pictures_and_a_level_too_high_are_noted(run, refs, paint):
    paint(refs / "loose.png", RED, 55)
    enrolled = run("enroll", refs)
    assert enrolled.code == 0 and "loose.png" in enrolled.err and "--as NAME" in enrolled.err
    too_high = refs.parent / "games"
    for game in ("one", "two"):
        for name in ("red", "blue"):
            paint(too_high / game / f"{name} of {game}" / "0.png", RED, hash((game, name)) % 1000)
    assert "one level too high" in run("enroll", too_high, "-g", "other.kaodex").err


def test_an_identity_of_one_picture_is_noted(run, paint, tmp_path):
    paint(tmp_path / "few" / "red" / "0.png", RED)
    assert "three or more" in run("enroll", tmp_path / "few").out


def test_an_empty_gallery_says_so(run, refs):
    run("enroll", refs)
    run("gallery", "remove", "red", "green", "blue")
    answered = run("query", refs / "red" / "0.png")
    assert answered.code == 2 and "is empty" in answered.err


def test_another_encoder_is_refused_in_words(run, refs, fake_encoder, monkeypatch):
    run("enroll", refs)
    fake_encoder.name, fake_encoder.fingerprint = "stranger", "another fingerprint"
    answered = run("query", refs / "red" / "0.png")
    assert answered.code == 2 and "made by encoder fake" in answered.err


def test_gallery_from_the_environment(run, refs, monkeypatch, tmp_path):
    monkeypatch.setenv("KAODEX_GALLERY", str(tmp_path / "elsewhere.kaodex"))
    run("enroll", refs)
    assert (tmp_path / "elsewhere.kaodex").exists() and not (tmp_path / "gallery.kaodex").exists()


def test_interrupting_keeps_what_is_done(run, paint, tmp_path, monkeypatch):
    for number in range(3 * BATCH):
        paint(tmp_path / "many" / "red" / f"{number:03}.png", RED, number)
    commit = Enroller._commit
    calls = []

    def interrupt(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return commit(self, *arguments)

    monkeypatch.setattr(Enroller, "_commit", interrupt)
    stopped = run("enroll", "many")
    assert stopped.code == 130 and f"interrupted after {BATCH} of {3 * BATCH}" in stopped.err
    monkeypatch.setattr(Enroller, "_commit", commit)
    finished = run("enroll", "many")
    assert row(finished.out, "red")[:3] == ["red", str(2 * BATCH), str(BATCH)]


def test_artists_answer_beside_characters(run, refs, paint, tmp_path):
    run("enroll", refs)
    run("enroll", refs, "--kind", "artist")
    answered = run("query", paint(tmp_path / "a.png", RED, 99), "--json")
    line = json.loads(answered.out)
    assert line["faces"][0]["identity"] == "red"
    assert line["artist"]["identity"] == "red" and line["artist"]["region"] == "whole"


def test_stored_crops_are_small_and_look_like_the_picture(run, paint, tmp_path):
    large = cv2.resize(cv2.imread(str(paint(tmp_path / "small.png", RED, 3))), (600, 400))
    folder = tmp_path / "big" / "red"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "a.png"), large)
    run("enroll", tmp_path / "big", "--detector", "whole")
    assert run("gallery", "show", "red", "--sheet", "sheet.png").code == 0
    from index import Gallery

    with Gallery.open(tmp_path / "gallery.kaodex") as gallery:
        crop = cv2.imdecode(np.frombuffer(gallery.crop(1), np.uint8), cv2.IMREAD_COLOR)
    assert crop.shape == (160, 160, 3)
    assert np.abs(crop.mean(axis=(0, 1)) - large[:, 100:500].mean(axis=(0, 1))).max() < 3
    assert (tmp_path / "sheet.png").exists()


@pytest.mark.skipif(
    not (Path(__file__).resolve().parents[3] / "shared/data/lbpcascade_animeface.xml").exists(),
    reason="needs the anime face cascade that lies beside the repository, not in it",
)
def test_a_cascade_finds_faces_in_a_picture(run, tmp_path):
    shared = Path(__file__).resolve().parents[3] / "shared" / "data"
    scene = next(iter(sorted((shared / "scenes").glob("*.jpg"))))
    cascade = f"cascade:{shared / 'lbpcascade_animeface.xml'}"
    enrolled = run("enroll", scene, "--as", "somebody", "--detector", cascade)
    assert enrolled.code in (0, 1)
    answered = run("query", scene, "--json", "--detector", cascade) if enrolled.code == 0 else None
    if answered:
        assert all(face["region"] == "face" for face in json.loads(answered.out)["faces"])


def test_file_names_that_are_not_utf8_are_told_readably(run, refs, paint, tmp_path):
    odd = paint(refs / "red" / "plain.png", RED, 61).rename(refs / "red" / "caf\udce9.png")
    assert run("enroll", refs).code == 0
    answered = run("query", odd, "--json")
    assert answered.code == 0 and json.loads(answered.out)["image"].endswith("caf\ufffd.png")
    assert run("query", odd).code == 0


def test_annotating_into_the_pictures_own_folder_touches_none_of_them(run, refs, paint, tmp_path):
    run("enroll", refs)
    for name in ("a.png", "a-2.png", "sub/a.png"):
        paint(tmp_path / "mine" / name, RED, len(name))
    before = {path: path.read_bytes() for path in (tmp_path / "mine").rglob("*.png")}
    assert run("query", "mine", "--annotate", "mine").code == 0
    assert {path: path.read_bytes() for path in before} == before
    assert len(list((tmp_path / "mine").glob("*.named.png"))) == 3


def test_a_folder_whose_name_cannot_be_one_is_told_and_the_rest_goes_on(run, refs, paint):
    paint(refs / "bad\nname" / "0.png", RED, 70)
    paint(refs / ("x" * 201) / "0.png", RED, 71)
    enrolled = run("enroll", refs)
    assert enrolled.code == 1 and row(enrolled.out, "red")[1] == "4"
    assert enrolled.err.count("rename the folder") == 2


def test_an_empty_folder_on_standard_input_stops_nobody(run, refs, tmp_path):
    run("enroll", refs)
    (tmp_path / "empty").mkdir()
    answered = run("query", "-", "--json", stdin=f"{refs / 'red' / '0.png'}\nempty\n{refs / 'blue' / '0.png'}\n")
    lines = [json.loads(line) for line in answered.out.splitlines()]
    assert answered.code == 1 and [bool(line["error"]) for line in lines] == [False, True, False]


def test_mistakes_in_encoder_and_detector_leave_no_gallery_behind(run, refs, tmp_path, monkeypatch):
    assert run("enroll", refs, "--detector", "cascade:nowhere.xml").code == 2
    assert not (tmp_path / "gallery.kaodex").exists()


def test_an_empty_file_is_no_gallery(run, refs, tmp_path):
    (tmp_path / "gallery.kaodex").touch()
    assert run("query", refs / "red" / "0.png").code == 2
    assert run("enroll", refs).code == 0


def test_too_small_a_rate_is_explained(run, refs, use_fake_encoder):
    use_fake_encoder.strangers = ()
    run("enroll", refs)
    answered = run("query", refs / "red" / "0.png")
    assert answered.code == 0 and "unknown" in answered.out
    assert "more identities are needed" in answered.err and "--as-strangers" in answered.err


def test_interrupting_a_query_keeps_its_answers(run, refs, monkeypatch):
    run("enroll", refs)
    query = Recognizer.query

    def interrupted(self, *arguments, **options):
        answers = query(self, *arguments, **options)
        yield next(answers)
        raise KeyboardInterrupt

    monkeypatch.setattr(Recognizer, "query", interrupted)
    answered = run("query", refs / "red")
    assert answered.code == 130 and "0.png" in answered.out and "interrupted" in answered.err
