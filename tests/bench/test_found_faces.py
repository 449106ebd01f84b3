"""Detectors that answer by rote, on boxes that a reader can measure; and where the boxes come from."""

import json

import numpy as np
import pytest
from PIL import Image

from bench.found_faces import Answers, ask, best_by, figures, fitted_offsets, subsets_of
from bench.known_pictures import KnownPicture, drawn_scenes, hand_boxed
from data.errors import UnusableSource
from embedder.detectors import Detection

NOTHING = np.zeros((0, 4))


def known(*boxes, subset="a", ignored=()):
    picture = np.zeros((100, 100, 3), np.uint8)
    return KnownPicture("one", subset, picture, np.array(boxes, float).reshape(-1, 4), np.array(ignored).reshape(-1, 4))


class Rote:
    """Gives the same boxes for every picture."""

    name = "rote"

    def __init__(self, *faces):
        self._faces = [Detection(box, score, region) for box, score, region in faces]

    def find(self, picture):
        return self._faces


def test_only_faces_are_answers_and_subsets_stay_apart():
    rote = Rote(((0, 0, 10, 10), 0.9, "face"), ((50, 50, 60, 60), 0.2, "face"), ((0, 0, 100, 100), 1.0, "whole"))
    answers = ask([known((0, 0, 10, 10)), known((50, 50, 60, 60), subset="b")], {"rote": rote})["rote"]
    assert [boxes.tolist() for boxes in answers.boxes] == [[[0, 0, 10, 10], [50, 50, 60, 60]]] * 2
    assert subsets_of({"rote": answers}) == ["a", "b"]
    first = figures(answers.of("a"), threshold=0.5, resamples=20)
    assert (first["pictures"], first["faces"]) == (1, 1)
    assert first["ap"] == [1.0, 1.0, 1.0] and first["recall_at_false_boxes"][0] == 1.0
    assert (first["recall"][0], first["false_boxes"][0]) == (1.0, 0.0)
    assert figures(answers.of("a"), resamples=20)["false_boxes"][0] == 1.0
    assert figures(answers.of("b"), threshold=0.5, resamples=20)["recall"][0] == 0.0
    assert figures(answers.of("b"), resamples=20)["ap"][0] == 0.5  # found second, after a false one


def test_boxes_of_another_definition_are_fitted_by_least_squares():
    random = np.random.default_rng(0)
    truths = [np.array([[x, y, x + 20.0, y + 30.0]]) for x, y in random.integers(0, 60, (12, 2)).astype(float)]
    # sides of 30; edges 5, 0, -5 and 0 from the truth on average, one pixel more or less
    boxes = [truth + [-5, 0, 5, 0] + random.choice([-1, 1]) * np.array([1, 1, 1, 1]) for truth in truths]
    signs = [np.sign((box - truth)[0, 1]) for box, truth in zip(boxes, truths, strict=True)]
    far = np.array([[200.0, 200.0, 230.0, 230.0]])
    answers = Answers(
        [np.concatenate([box, far]) for box in boxes], [np.ones(2)] * 12, truths, [NOTHING] * 12, [""] * 12
    )
    offsets = fitted_offsets(answers)
    drift = np.mean(signs) / 30
    assert offsets == pytest.approx([5 / 30 - drift, -drift, -5 / 30 - drift, -drift])

    def squares(tried):
        return sum(((truth - box - 30 * tried) ** 2).sum() for box, truth in zip(boxes, truths, strict=True))

    assert all(
        squares(offsets) < squares(offsets + change) for change in 0.01 * np.concatenate([np.eye(4), -np.eye(4)])
    )
    fitted = answers.moved(offsets)
    assert fitted.boxes[0][0] == pytest.approx(boxes[0][0] + 30 * offsets)
    assert fitted_offsets(Answers([far], [np.ones(1)], [truths[0]], [NOTHING], [""])).tolist() == [0, 0, 0, 0]


def test_the_best_of_several_settings():
    right, wrong, truth = np.array([[0.0, 0, 10, 10]]), np.array([[20.0, 20, 30, 30]]), np.array([[0.0, 0, 10, 10]])
    three = [[truth] * 2, [NOTHING] * 2, [""] * 2]
    named = {
        "half": Answers([right, wrong], [np.ones(1)] * 2, *three),
        "all": Answers([right, right], [np.ones(1)] * 2, *three),
    }
    assert best_by("ap", named) == best_by("recall_at_false_boxes", named) == "all"
    assert named["half"].above(1.5).boxes[0].shape == (0, 4)


def test_boxes_by_hand_are_read_and_checked(tmp_path):
    (tmp_path / "art").mkdir()
    Image.new("RGB", (30, 40)).save(tmp_path / "art" / "x.png")
    told = {"art/x.png": {"boxes": [[1, 2, 30, 40]], "ignore": [[0, 0, 5, 5]]}}
    (tmp_path / "boxes.json").write_text(json.dumps(told))
    (one,) = hand_boxed(tmp_path / "boxes.json", tmp_path)
    assert (one.name, one.subset, one.picture.shape) == ("art/x.png", "art", (40, 30, 3))
    assert one.boxes.tolist() == [[1, 2, 30, 40]] and one.ignored.tolist() == [[0, 0, 5, 5]]
    told["art/x.png"]["boxes"] = [[1, 2, 31, 40]]
    (tmp_path / "boxes.json").write_text(json.dumps(told))
    with pytest.raises(UnusableSource, match="leaves its 30 x 40 pixels"):
        list(hand_boxed(tmp_path / "boxes.json", tmp_path))


def test_drawn_scenes_are_the_same_each_time_and_of_three_kinds():
    plain, grey, tilted = drawn_scenes(3)
    again = next(drawn_scenes(1))
    assert np.array_equal(plain.picture, again.picture) and np.array_equal(plain.boxes, again.boxes)
    assert len({one.subset for one in (plain, grey, tilted)}) == 3
    assert (grey.picture == grey.picture[..., :1]).all() and not (plain.picture == plain.picture[..., :1]).all()
    assert len(plain.boxes) and not len(plain.ignored)
    corners = tilted.picture[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 128).all()  # what was outside the frame
