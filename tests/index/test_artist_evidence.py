"""Where in a picture the agreement with an artist lies: parts that add up to the scores."""

import numpy as np
import pytest

from embedder.picture_style import mean_direction, see_views
from index.decision import Status
from index.gallery import Gallery
from index.recognizer import Question, Recognizer
from tests.drawings import hatched, write

RED, GREEN, BLUE = (220, 30, 30), (30, 220, 30), (30, 30, 220)


@pytest.fixture
def recognizer(tmp_path, fake_encoder):
    for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE)):
        for number in range(3):
            write(tmp_path / "art" / name / f"{number}.png", hatched(colour, seed=number))
    with Gallery.create(tmp_path / "gallery.kaodex", device="cpu") as gallery:
        made = Recognizer(gallery, artist_encoder=fake_encoder)
        made.enroll(tmp_path / "art", kind="artist")
        yield made


def halves() -> np.ndarray:
    """Red at the left, and less of blue at the right."""
    picture = hatched(RED, 192, 384)
    picture[:, 240:] = hatched(BLUE, 192, 384)[:, 240:]
    return picture


def ask(recognizer, picture, **how):
    question = Question(**how)
    return recognizer.recognize([recognizer.see(picture, "a.png", how=question)], question)[0].artist


def test_each_part_speaks_for_whom_it_is_like(recognizer):
    artist = ask(recognizer, halves(), fpir=0.5)
    assert artist.candidates[0].identity == "red"
    evidence = artist.evidence
    assert (evidence.artist, evidence.other) == ("red", "blue")
    for view in evidence.views:
        if view.view.startswith("patch"):
            x0, _, x1, _ = view.box
            assert (view.leaning > 0.5) if x1 <= 240 else (view.leaning < -0.5) if x0 >= 240 else True


def test_the_parts_add_up_to_the_difference_of_the_scores(recognizer, fake_encoder):
    picture = halves()
    artist = ask(recognizer, picture, k=9)
    scores = {candidate.identity: candidate.score for candidate in artist.candidates}
    of_views = fake_encoder.encode(see_views(picture, fake_encoder).crops)
    length = np.linalg.norm(of_views.mean(axis=0))
    leanings = [view.leaning for view in artist.evidence.views]
    assert np.mean(leanings) / length == pytest.approx(scores["red"] - scores["blue"], abs=1e-5)


def test_neighbours_are_told_the_view_that_is_nearest_to_them(recognizer):
    artist = ask(recognizer, halves(), k=9)
    boxes = {view.view: view.box for view in artist.evidence.views}
    for near in artist.neighbours:
        x0, _, x1, _ = boxes[near.view]
        if near.identity == "red":
            assert x0 < 240
        if near.identity == "blue":
            assert x1 > 240


def test_who_comes_next_is_compared_with_where_all_neighbours_are_one_artists(recognizer):
    artist = ask(recognizer, halves(), k=1)
    assert len(artist.candidates) == 1
    assert (artist.evidence.artist, artist.evidence.other) == ("red", "blue")


def test_only_compares_with_nobody_else(recognizer):
    artist = ask(recognizer, halves(), only=("blue", "green"), kinds=("artist",))
    assert (artist.evidence.artist, artist.evidence.other) == ("blue", "green")
    alone = ask(recognizer, halves(), only=("blue",), kinds=("artist",))
    assert alone.evidence.other is None and all(view.other is None for view in alone.evidence.views)
    assert [view.leaning for view in alone.evidence.views] == [view.similarity for view in alone.evidence.views]


def test_a_picture_without_a_drawing_is_unknown_for_a_reason(recognizer):
    seen = [recognizer.see(picture, "a.png") for picture in (hatched(RED), np.full((99, 99, 3), 9, np.uint8))]
    first, second = (answer.artist for answer in recognizer.recognize(seen))
    assert first.candidates[0].identity == "red" and not first.reason
    assert second.status is Status.UNKNOWN and not second.candidates and "one colour" in second.reason
    assert second.as_json()["reason"] == second.reason and "views" not in second.as_json()


def test_the_score_is_that_of_the_mean_of_the_views(recognizer, fake_encoder):
    picture = halves()
    mean = mean_direction(fake_encoder.encode(see_views(picture, fake_encoder).crops))
    held = recognizer.gallery.store.vectors("artist").encodings.astype(np.float32)
    assert ask(recognizer, picture).neighbours[0].similarity == pytest.approx(float((held @ mean).max()), abs=1e-5)


def test_fast_asks_by_two_views(recognizer):
    assert [view.view for view in ask(recognizer, halves(), fast=True).evidence.views] == ["whole", "centre"]
