"""Enrolling from pictures of several faces, with a detector and an encoder that a reader can compute by hand."""

import random
import re
import shutil

import cv2
import numpy as np
import pytest

from cli.enroll import FACES as FACES_OF_COMMAND
from data.folders import LabelledPicture
from embedder import Detection
from index import Gallery, Recognizer
from index.enroller import Enroller
from index.enrolment import FACES

DARK, LIGHT = (30, 30, 30), (220, 220, 220)
RED, GREEN, BLUE, YELLOW, CYAN, PINK = (
    *((220, 30, 30), (30, 220, 30), (30, 30, 220)),
    *((220, 220, 30), (30, 220, 220), (220, 30, 220)),
)
CELL = 48


class CellDetector:
    """A picture is a row of square cells, each the crop of one face; a black cell shows nobody."""

    name = "cells"

    def find(self, picture):
        cells = [picture[:, left : left + CELL] for left in range(0, picture.shape[1], CELL)]
        return [
            Detection((number * CELL + 8, 8, number * CELL + 40, 40), 0.9, "face")
            for number, cell in reversed(list(enumerate(cells)))
            if cell.mean() > 20
        ]


@pytest.fixture(autouse=True)
def use_cells(monkeypatch, use_fake_encoder):
    monkeypatch.setattr("index.recognizer.load_detector", lambda spec: CellDetector())


@pytest.fixture
def scene(paint, tmp_path):
    """scene(path, colours): a picture of one face per colour, from left to right, unlike any other picture."""
    painted = iter(range(1000, 100000))

    def write(path, *colours):
        cells = [cv2.imread(str(paint(tmp_path / "cell.png", colour, next(painted)))) for colour in colours]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", np.hstack(cells))[1].tobytes())
        return path

    return write


def counts(run_of_enroll, identity):
    """The numbers of an identity's row: added, skipped, unreadable, no face, several faces, conflicts, references."""
    line = next(line for line in run_of_enroll.out.splitlines() if line.startswith(f"{identity} "))
    return [int(cell) for cell in re.split(r"\s{2,}", line.strip())[1:8]]


def held(path="gallery.kaodex", kind="character"):
    """Each reference as (identity, file name, which cell of its picture)."""
    with Gallery.open(path) as gallery:
        return sorted(
            (who.name, reference.source.rpartition("/")[2], reference.box[0] // CELL)
            for who in gallery.identities(kind)
            for reference in gallery.references(who.name, kind)
        )


def test_the_face_that_agrees_with_the_other_references_is_enrolled(run, refs, scene):
    scene(refs / "red" / "pair.png", GREEN, RED)
    scene(refs / "red" / "three.png", YELLOW, BLUE, RED)
    scene(refs / "green" / "pair.png", GREEN, RED)
    enrolled = run("enroll", refs)
    assert enrolled.code == 0
    assert counts(enrolled, "red") == [6, 0, 0, 0, 0, 0, 6] and counts(enrolled, "green") == [5, 0, 0, 0, 0, 0, 5]
    assert {("red", "pair.png", 1), ("red", "three.png", 2), ("green", "pair.png", 0)} < set(held())
    again = run("enroll", refs)
    assert again.code == 0 and counts(again, "red") == [0, 6, 0, 0, 0, 0, 6]


def test_two_references_are_enough_and_one_is_not(run, refs, scene, tmp_path):
    scene(tmp_path / "one" / "red" / "pair.png", GREEN, RED)
    shutil.copy(refs / "red" / "0.png", tmp_path / "one" / "red")
    left = run("enroll", "one")
    assert left.code == 1 and counts(left, "red") == [1, 0, 0, 0, 1, 0, 1]
    assert "several faces: one/red/pair.png: 2 faces, too few references of red alone" in left.err
    shutil.copy(refs / "red" / "1.png", tmp_path / "one" / "red")
    later = run("enroll", "one")  # the two that the gallery holds by now
    assert later.code == 0 and counts(later, "red") == [2, 1, 0, 0, 0, 0, 3]
    assert ("red", "pair.png", 1) in held()


def test_the_same_friend_in_every_picture_is_not_guessed(run, refs, scene):
    for number in range(6):
        scene(refs / "pink" / f"{number}.png", *random.Random(number).sample([PINK, CYAN], 2))
    enrolled = run("enroll", refs)
    assert enrolled.code == 1
    assert counts(enrolled, "pink") == [0, 0, 0, 0, 6, 0, 0] and counts(enrolled, "red") == [4, 0, 0, 0, 0, 0, 4]
    assert enrolled.err.count("too few references of pink alone") == 6 and "--faces largest" in enrolled.err


def test_no_clear_majority_is_told_with_its_votes(run, refs, scene):
    scene(refs / "red" / "nobody.png", GREEN, BLUE)  # both as unlike red
    enrolled = run("enroll", refs)
    assert enrolled.code == 1 and counts(enrolled, "red") == [4, 0, 0, 0, 1, 0, 4]
    assert re.search(
        r"nobody.png: 2 faces, none clearly agrees with the other references \(votes \d, \d\)", enrolled.err
    )


def test_pictures_of_several_faces_alone_vote_for_each_other(run, tmp_path, scene):
    for number, other in enumerate((GREEN, BLUE, CYAN, DARK, LIGHT)):
        scene(tmp_path / "refs" / "red" / f"{number}.png", *((RED, other) if number % 2 else (other, RED)))
    enrolled = run("enroll", "refs")
    assert enrolled.code == 0
    assert held() == [("red", f"{number}.png", 1 - number % 2) for number in range(5)]


def a_folder(refs, scene):
    """Labelled pictures of all sorts: of one face and several, decided and not, copies, and one of two identities."""
    for number, colours in enumerate([(RED, GREEN), (BLUE, RED), (RED, YELLOW, GREEN), (GREEN, BLUE)]):
        scene(refs / "red" / f"several {number}.png", *colours)
    shutil.copy(refs / "red" / "several 1.png", refs / "red" / "a copy.png")
    shutil.copy(refs / "red" / "several 1.png", refs / "blue" / "also there.png")
    for number, other in enumerate((GREEN, YELLOW, DARK, CYAN, LIGHT)):
        scene(refs / "pink" / f"{number}.png", PINK, other)
    return [LabelledPicture(path.parent.name, path) for path in sorted(refs.rglob("*.png"))]


def test_the_order_of_the_files_changes_nothing(refs, scene, fake_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr("index.enroller.BATCH", 3)
    pictures = a_folder(refs, scene)
    ends = []
    for number in range(5):
        with Recognizer.open(tmp_path / f"{number}.kaodex", create=True) as recognizer:
            report = recognizer.enroll(random.Random(number).sample(pictures, len(pictures)))
        copies = {"a copy.png", "several 1.png"}  # whichever comes first is the source
        references = [
            (name, "" if file in copies else file, cell) for name, file, cell in held(recognizer.gallery.path)
        ]
        ends.append((sorted(references), sorted((trouble.path.name, trouble.reason) for trouble in report.troubles)))
    assert ends == ends[:1] * 5
    assert [file for file, _ in ends[0][1]] == ["several 3.png"]


def test_interrupted_while_pictures_are_put_off(run, refs, scene, monkeypatch, tmp_path):
    pictures = a_folder(refs, scene)
    finished = run("enroll", "refs", "-g", "whole.kaodex")
    settle = Enroller._settle
    settled = []

    def interrupt(self, identity):
        if len(settled) == 2:
            raise KeyboardInterrupt
        settled.append(identity)
        settle(self, identity)

    monkeypatch.setattr(Enroller, "_settle", interrupt)
    stopped = run("enroll", "refs")
    assert stopped.code == 130 and settled == ["blue", "pink"]
    assert f"interrupted after {len(pictures) - 5} of {len(pictures)}" in stopped.err
    monkeypatch.setattr(Enroller, "_settle", settle)
    resumed = run("enroll", "refs")
    assert held() == held("whole.kaodex") and resumed.code == finished.code == 1
    assert counts(resumed, "red")[0] == 3 and counts(resumed, "pink")[:2] == [0, 5]
    before = held()
    third = run("enroll", "refs")
    assert held() == before and counts(third, "red")[0] == 0 and counts(third, "red")[4] == 1
    assert run("gallery", "check").code == 0


def test_later_references_settle_what_was_undecided_and_change_nothing_else(run, paint, scene, tmp_path):
    for number in range(3):
        scene(tmp_path / "refs" / "red" / f"{number}.png", GREEN, RED)
    assert counts(run("enroll", "refs"), "red") == [0, 0, 0, 0, 3, 0, 0]
    for number in range(2):
        paint(tmp_path / "refs" / "red" / f"alone {number}.png", RED, number)
    assert counts(run("enroll", "refs"), "red") == [5, 0, 0, 0, 0, 0, 5]
    before = held()
    assert before[:3] == [("red", f"{number}.png", 1) for number in range(3)]
    scene(tmp_path / "refs" / "red" / "green alone.png", GREEN)
    run("enroll", "refs")
    assert held() == sorted([*before, ("red", "green alone.png", 0)])


def test_undone_together(run, refs, scene):
    run("enroll", refs / "green", "--as", "green")
    scene(refs / "red" / "pair.png", GREEN, RED)
    assert run("enroll", refs / "red", "--as", "red").code == 0
    assert run("gallery", "undo").code == 0
    assert {name for name, _, _ in held()} == {"green"}


def test_largest_takes_the_largest_face(run, scene, tmp_path, monkeypatch):
    def find(self, picture):
        boxes = [(8, 8, 40, 40), (CELL + 4, 4, CELL + 44, 44), (2 * CELL + 8, 8, 2 * CELL + 40, 40)]
        return [Detection(box, 0.9, "face") for box in boxes]

    monkeypatch.setattr(CellDetector, "find", find)
    scene(tmp_path / "refs" / "red" / "a.png", GREEN, RED, BLUE)
    assert run("enroll", "refs", "--faces", "largest").code == 0
    assert held() == [("red", "a.png", 1)]
    assert "--faces largest" in run("gallery", "show").out


def test_all_enrols_each_face_once(run, scene, tmp_path):
    scene(tmp_path / "refs" / "red" / "a.png", RED, RED, RED)
    scene(tmp_path / "refs" / "red" / "b.png", RED)
    shutil.copy(tmp_path / "refs" / "red" / "a.png", tmp_path / "refs" / "red" / "copy.png")
    enrolled = run("enroll", "refs", "--faces", "all")
    assert enrolled.code == 0 and counts(enrolled, "red") == [2, 1, 0, 0, 0, 0, 4]
    assert held() == [("red", "a.png", 0), ("red", "a.png", 1), ("red", "a.png", 2), ("red", "b.png", 0)]
    again = run("enroll", "refs", "--faces", "all")
    assert again.code == 0 and counts(again, "red") == [0, 3, 0, 0, 0, 0, 4]


def test_a_face_of_somebody_else_is_a_conflict_and_the_others_are_enrolled(run, scene, tmp_path):
    scene(tmp_path / "both.png", RED, GREEN)
    run("enroll", "both.png", "--as", "red", "--faces", "largest")
    left = run("enroll", "both.png", "--as", "green", "--faces", "all")
    assert left.code == 1 and "1 of 2 faces, the rest is enrolled: enrolled already as red" in left.err
    assert held() == [("green", "both.png", 1), ("red", "both.png", 0)]


def test_all_faces_of_strangers_are_strangers_and_one_stranger_together(run, refs, scene, tmp_path):
    run("enroll", refs)
    scene(tmp_path / "crowd" / "two.png", YELLOW, CYAN)
    scene(tmp_path / "crowd" / "with red.png", YELLOW, RED)
    enrolled = run("enroll", "crowd", "--as-strangers")
    assert enrolled.code == 1
    assert "1 of 2 faces, the rest is enrolled: scores 1.00 as red" in enrolled.err
    assert "the bank holds 2 strangers with 3 pictures" in enrolled.out
    bank = [(file, cell) for _, file, cell in held(kind="character stranger")]
    assert sorted(bank) == [("two.png", 0), ("two.png", 1), ("with red.png", 0)]


def test_no_face_is_told_with_its_cure(run, refs, scene):
    scene(refs / "red" / "night.png", (0, 0, 0))
    enrolled = run("enroll", refs)
    assert enrolled.code == 1 and counts(enrolled, "red") == [4, 0, 0, 1, 0, 0, 4]
    assert "night.png: cells found no face: crop" in enrolled.err and "--detector whole" in enrolled.err


def test_the_choices_of_the_command_are_those_of_the_index(run, refs, fake_encoder, tmp_path):
    assert FACES_OF_COMMAND == FACES
    with (
        Recognizer.open(tmp_path / "g.kaodex", create=True) as recognizer,
        pytest.raises(ValueError, match="agree, largest, all"),
    ):
        recognizer.enroll(refs, faces="prettiest")
