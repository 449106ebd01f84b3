from __future__ import annotations

import colorsys

import numpy as np
import pytest

from embedder.training.recolour import draw_turns, turn_hue


@pytest.mark.parametrize("degrees", [0.0, 90.0, 120.0, 240.0])
def test_turning_is_the_slow_way(degrees: float) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (6, 7, 4), np.uint8)
    turned = turn_hue(picture, degrees)
    np.testing.assert_array_equal(turned[..., 3], picture[..., 3])
    for before, after in zip(picture.reshape(-1, 4), turned.reshape(-1, 4), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(before[:3] / 255))
        expected = np.array(colorsys.hsv_to_rgb((hue + degrees / 360) % 1, saturation, value)) * 255
        assert np.abs(after[:3] - expected).max() <= 8  # OpenCV rounds hue to 2 degrees


def test_greys_stay() -> None:
    grey = np.full((4, 4, 3), 90, np.uint8)
    np.testing.assert_array_equal(turn_hue(grey, 120.0), grey)


def test_turns_are_even_and_repeat() -> None:
    turns = np.concatenate([draw_turns(50, 2, 1, step) for step in range(60)])
    np.testing.assert_allclose(np.bincount(turns) / len(turns), 1 / 3, atol=0.03)
    np.testing.assert_array_equal(draw_turns(50, 2, 1, 7), draw_turns(50, 2, 1, 7))
    assert not draw_turns(50, 0, 1, 7).any()
