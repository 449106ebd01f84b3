from __future__ import annotations

import numpy as np
import pytest

from embedder.preprocess import centre_square, check_crop, normalise, prepare, resize_square


def test_centre_square() -> None:
    picture = np.arange(3 * 8 * 3, dtype=np.uint8).reshape(3, 8, 3)
    np.testing.assert_array_equal(centre_square(picture), picture[:, 2:5])


def test_shrinking_averages_areas() -> None:
    square = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    by_hand = np.zeros((4, 4, 3))
    for row in range(4):
        for column in range(4):
            by_hand[row, column] = square[3 * row : 3 * row + 3, 3 * column : 3 * column + 3].mean((0, 1))
    assert np.abs(resize_square(square, 4) - by_hand).max() <= 0.51  # rounded to whole levels


def test_enlarging_is_linear_between_pixel_centres() -> None:
    square = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    by_hand = np.zeros((8, 8, 3))
    for row in range(8):
        for column in range(8):
            y, x = np.clip([(row + 0.5) / 2 - 0.5, (column + 0.5) / 2 - 0.5], 0, 3)
            top, left = int(min(y, 2)), int(min(x, 2))
            for near_row in (top, top + 1):
                for near_column in (left, left + 1):
                    weight = (1 - abs(y - near_row)) * (1 - abs(x - near_column))
                    by_hand[row, column] += weight * square[near_row, near_column]
    assert np.abs(resize_square(square, 8) - by_hand).max() <= 1.01


def test_normalise_is_the_formula() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), np.uint8)
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    by_hand = np.zeros((2, 3, 5, 5))
    for picture, row, column, channel in np.ndindex(pixels.shape):
        value = pixels[picture, row, column, channel] / 255
        by_hand[picture, channel, row, column] = (value - mean[channel]) / std[channel]
    np.testing.assert_allclose(normalise(pixels, mean, std), by_hand, atol=1e-5)


def test_prepare_takes_any_size(crops: list[np.ndarray]) -> None:
    batch = prepare(crops, 16, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    assert batch.shape == (len(crops), 3, 16, 16)
    alone = prepare(crops[3:4], 16, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    np.testing.assert_array_equal(batch[3:4], alone)
    assert prepare([], 16, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)).shape == (0, 3, 16, 16)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        "a picture",
    ],
)
def test_what_is_no_crop_is_named(wrong: object) -> None:
    with pytest.raises(ValueError, match="crop 7 must be a uint8 array"):
        check_crop(wrong, 7)
