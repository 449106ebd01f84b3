from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder import Detection, crop_face


def mirrored_by_hand(position: int, length: int) -> int:
    while not 0 <= position < length:
        if length == 1:
            return 0
        position = -position if position < 0 else 2 * (length - 1) - position
    return position


def crop_by_loops(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    left, top, right, bottom = box
    longer = max(right - left, bottom - top)
    side = int(np.floor(1.5 * longer + 0.5))
    first_column = int(np.floor((left + right - side) / 2))
    first_row = int(np.floor((top + bottom - side) / 2))
    crop = np.zeros((side, side, 3), np.uint8)
    for row in range(side):
        for column in range(side):
            crop[row, column] = picture[
                mirrored_by_hand(first_row + row, picture.shape[0]),
                mirrored_by_hand(first_column + column, picture.shape[1]),
            ]
    return crop


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(-9, 15), st.integers(-9, 15), st.integers(1, 20),
    st.integers(1, 20),
)  # fmt: skip
def test_face_crop_is_the_loop(height: int, width: int, left: int, top: int, box_width: int, box_height: int) -> None:
    picture = np.random.default_rng(height * 13 + width).integers(0, 256, (height, width, 3), np.uint8)
    box = (left, top, left + box_width, top + box_height)
    found = crop_face(picture, Detection(box, 1.0, "face"))
    np.testing.assert_array_equal(found, crop_by_loops(picture, box))


def test_reflection_is_that_of_numpy_padding() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    found = crop_face(picture, Detection((0, 0, 20, 20), 1.0, "face"))  # a square of 30 around (10, 10)
    padded = np.pad(picture, ((40, 40), (40, 40), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(found, padded[35:65, 35:65])


def test_whole_box_is_cut_as_it_is_and_is_a_copy() -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    crop = crop_face(picture, Detection((1, 0, 5, 4), 1.0, "whole"))
    np.testing.assert_array_equal(crop, picture[:, 1:5])
    crop[:] = 0
    assert picture[0, 1, 0] == 3


def test_empty_box_is_refused() -> None:
    with pytest.raises(ValueError, match="x0 < x1"):
        Detection((3, 3, 3, 8), 1.0, "face")
