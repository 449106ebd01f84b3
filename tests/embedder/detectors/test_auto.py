"""What stands for a picture: its faces, or the whole of a picture that is a face crop itself."""

from __future__ import annotations

import numpy as np
import pytest

from embedder import Detection, crop_face
from embedder.detectors.auto import FILLS, NEARLY_SQUARE, SMALL, Auto, settle


def face(*box: int, score: float = 0.8) -> Detection:
    return Detection((box[0], box[1], box[2], box[3]), score, "face")


WHOLE = Detection((0, 0, 120, 120), 0.8, "whole")


@pytest.mark.parametrize(
    ("size", "found", "expected"),
    [
        ((120, 120), [face(20, 20, 100, 100)], [WHOLE]),  # a face crop: the square of 1.5 times the box is the picture
        ((120, 160), [face(20, 40, 100, 120)], [Detection((0, 20, 120, 140), 0.8, "whole")]),
        ((1200, 1200), [face(200, 200, 1000, 1000)], [Detection((0, 0, 1200, 1200), 0.8, "whole")]),
        ((120, 120), [face(0, 0, 50, 50)], [face(0, 0, 50, 50)]),  # a face in a corner of a small picture
        ((120, 120), [face(5, 20, 55, 70), face(60, 20, 115, 75)], [face(5, 20, 55, 70), face(60, 20, 115, 75)]),
        ((120, 120), [], [Detection((0, 0, 120, 120), 1.0, "whole")]),  # a crop of a face that no detector knows
        ((180, 360), [], []),  # too tall for a crop
        ((500, 500), [], []),  # too large
        ((400, 100), [face(0, 0, 100, 100)], [face(0, 0, 100, 100)]),  # far from the centre square
    ],
)
def test_faces_or_the_whole(size: tuple[int, int], found: list[Detection], expected: list[Detection]) -> None:
    assert settle(size, found) == expected


def test_the_limits() -> None:
    assert settle((SMALL, SMALL), []) and not settle((SMALL + 1, SMALL), [])
    assert settle((160, round(160 / NEARLY_SQUARE)), []) and not settle((160, round(160 / NEARLY_SQUARE) - 1), [])
    for half in range(40, 80):  # in the middle of 200 x 200: the crop's share by counting its pixels
        middle = face(100 - half, 100 - half, 100 + half, 100 + half)
        canvas = np.zeros((200, 200, 3), np.uint8)
        left, top, right, bottom = middle.crop
        canvas[max(0, top) : bottom, max(0, left) : right] = 1
        assert (settle((200, 200), [middle])[0].region == "whole") == (canvas[..., 0].mean() >= FILLS)


def test_the_whole_of_a_face_crop_is_nearly_its_faces_crop() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (90, 90, 3), np.uint8)
    (whole,) = settle((90, 90), [face(15, 15, 75, 75)])
    np.testing.assert_array_equal(crop_face(picture, whole), crop_face(picture, face(15, 15, 75, 75)))


def test_it_asks_the_other_detector() -> None:
    class Fake:
        name = "fake"

        def find(self, picture: np.ndarray) -> list[Detection]:
            return [face(20, 20, 100, 100, score=float(picture[0, 0, 0]) / 10)]

    auto = Auto(Fake())
    assert auto.name == "auto"
    assert auto.find(np.full((120, 120, 3), 7, np.uint8)) == [Detection((0, 0, 120, 120), 0.7, "whole")]
    assert auto.find(np.full((300, 400, 3), 5, np.uint8)) == [face(20, 20, 100, 100, score=0.5)]
