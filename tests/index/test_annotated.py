"""An answer drawn on its picture: whose references stand where, in which words."""

import numpy as np
import pytest

import index.annotated
from data.canvas import Mark
from embedder import Detection, load_detector
from index.annotated import annotated, note, title
from index.answers import Candidate, PictureAnswer, Recognition
from index.decision import Status
from index.gallery import Gallery
from index.recognizer import Recognizer
from tests.drawings import hatched, write

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 220, 30), (30, 30, 220), (220, 220, 30)
BOXES = [(40, 40, 140, 140), (240, 40, 340, 140), (440, 40, 540, 140)]


@pytest.fixture
def recognizer(tmp_path, refs, fake_encoder):
    with Gallery.create(tmp_path / "gallery.kaodex", device="cpu") as gallery:
        made = Recognizer(gallery, fake_encoder, artist_encoder=fake_encoder)
        made.enroll(refs)
        yield made


def scene() -> np.ndarray:
    picture = np.full((300, 600, 3), 128, np.uint8)
    for (x0, y0, x1, y1), colour in zip(BOXES, (RED, YELLOW, BLUE), strict=True):
        picture[y0 - 30 : y1 + 30, x0 - 30 : x1 + 30] = colour
    return picture


def asked(recognizer: Recognizer, detections) -> PictureAnswer:
    (answer,) = recognizer.recognize([recognizer.see(scene(), "scene.png", detections)])
    return answer


def marks_of(monkeypatch, recognizer: Recognizer, answer: PictureAnswer) -> tuple[list[Mark], str]:
    """What `annotated` hands on to be drawn."""
    handed: list = []

    def annotate(picture, marks, legend):
        handed.extend((marks, legend))
        return picture

    monkeypatch.setattr(index.annotated, "annotate", annotate)
    annotated(scene(), answer, recognizer.gallery)
    return handed[0], handed[1]


def test_each_face_is_marked_in_the_answers_order_with_its_own_references(monkeypatch, recognizer):
    answer = asked(recognizer, [Detection(box, 1.0, "face") for box in BOXES])
    marks, legend = marks_of(monkeypatch, recognizer, answer)
    assert [mark.box for mark in marks] == BOXES
    assert [mark.title for mark in marks] == ["red", "unknown", "blue"]
    assert [mark.tone for mark in marks] == ["identified", "unknown", "identified"]
    assert [mark.detail for mark in marks] == [f"{face.score:.2f}" for face in answer.faces]
    assert legend == "p: share of strangers that score as high; a name needs p ≤ 0.01"
    for mark, colour in ((marks[0], RED), (marks[2], BLUE)):
        assert [shown.caption.split("\n")[0] for shown in mark.thumbnails[:4]] == [mark.title] * 4
        for shown in mark.thumbnails[:4]:
            assert np.abs(shown.picture.mean(axis=(0, 1)) - colour).max() < 12


def test_a_whole_picture_and_the_artist_are_whole_and_the_artist_comes_last(monkeypatch, recognizer, tmp_path):
    write(tmp_path / "art" / "red" / "0.png", hatched(RED))
    recognizer.enroll(tmp_path / "art", kind="artist")
    recognizer.detector = load_detector("whole")
    answer = asked(recognizer, None)
    marks, _ = marks_of(monkeypatch, recognizer, answer)
    assert [mark.region for mark in marks] == ["whole", "whole"]
    assert marks[-1].title == "artist unknown" and marks[-1].box == (0, 0, 600, 300)
    assert all(mark.note.endswith("whole picture") for mark in marks)


def test_a_picture_without_faces_says_so(recognizer):
    result = annotated(scene(), asked(recognizer, []), recognizer.gallery)
    changed = (result != scene()).any(axis=2)
    assert changed[:20, :130].sum() > 500 and changed.sum() == changed[:20, :200].sum()


def recognition(status: Status, *candidates: str, p: float | None = 0.0123, region: str = "face") -> Recognition:
    return Recognition(
        status, tuple(Candidate(name, 0.8, 1) for name in candidates), (), region, p, None if p is None else 0.01
    )


@pytest.mark.parametrize(
    ("asked", "name", "words"),
    [
        (recognition(Status.IDENTIFIED, "レム", "ラム"), "レム", "identified · score 0.80 · p 0.012"),
        (recognition(Status.AMBIGUOUS, "レム", "ラム", "x"), "レム or ラム?", "ambiguous · score 0.80 · p 0.012"),
        (
            recognition(Status.UNKNOWN, "レム", region="whole"),
            "unknown",
            "unknown · score 0.80 · p 0.012 · whole picture",
        ),
        (recognition(Status.UNKNOWN, p=None), "unknown", "unknown"),
    ],
)
def test_title_and_note(asked, name, words):
    assert title(asked) == name
    assert note(asked) == words
