from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.training import augmentation
from embedder.training.augmentation import augment, lay_on_background, move, shift_colours


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([3, 4]), st.sampled_from([24, 40]))
def test_a_view_is_a_picture_and_repeats(seed: int, channels: int, size: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (32, 32, channels), np.uint8)
    before = picture.copy()
    view = augment(picture, size, np.random.default_rng(seed))
    assert view.shape == (size, size, 3) and view.dtype == np.uint8
    np.testing.assert_array_equal(view, augment(picture, size, np.random.default_rng(seed)))
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize(
    "change",
    [
        augmentation.grey, augmentation.line_art, augmentation.screentone, augmentation.coarsen, augmentation.blur,
        augmentation.compress, augmentation.cover_corner, augmentation.erase, augmentation.shift_colours,
    ],
)  # fmt: skip
def test_each_change_keeps_the_shape_and_the_original(
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray],
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (31, 31, 3), np.uint8)
    before = picture.copy()
    for seed in range(20):
        view = change(picture, np.random.default_rng(seed))
        assert view.shape == picture.shape and view.dtype == np.uint8
    np.testing.assert_array_equal(picture, before)


def test_hue_is_nearly_untouched() -> None:
    for hue in (0.0, 0.1, 0.35, 0.6, 0.8):
        colour = np.array(colorsys.hsv_to_rgb(hue, 0.6, 0.7)) * 255
        picture = np.full((8, 8, 3), colour, np.uint8)
        moved = []
        for seed in range(200):
            seen = colorsys.rgb_to_hsv(*(shift_colours(picture, np.random.default_rng(seed))[0, 0] / 255))[0]
            moved.append(abs((seen - hue + 0.5) % 1 - 0.5) * 360)
        assert np.median(moved) < 8
        assert np.percentile(moved, 95) < 25


def test_background_varies_and_is_often_white() -> None:
    empty = np.zeros((8, 8, 4), np.uint8)
    backgrounds = [lay_on_background(empty, np.random.default_rng(seed)) for seed in range(300)]
    white = np.mean([bool((one == 255).all()) for one in backgrounds])
    assert 0.2 < white < 0.4
    opaque = np.full((8, 8, 4), (9, 8, 7, 255), np.uint8)
    np.testing.assert_array_equal(lay_on_background(opaque, np.random.default_rng(0)), opaque[..., :3])


def test_moving_keeps_the_middle_in_sight() -> None:
    picture = np.zeros((48, 48, 4), np.uint8)
    picture[20:28, 20:28] = 255
    for seed in range(100):
        assert move(picture, 36, np.random.default_rng(seed))[..., 3].max() > 200
