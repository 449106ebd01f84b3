"""Features that have a formula, against values worked out by hand on tiny pictures."""

import math

import numpy as np
import pytest

from bench.systems.colour_histogram import hsv_histogram
from bench.systems.hand_made import HandMade, haralick_texture, hu_moments
from bench.systems.pixels import Pixels

pytest.importorskip("mahotas", reason="texture needs mahotas; install kaodex[bench]")


def grey(rows):
    return np.repeat(np.array(rows, np.uint8)[..., None], 3, axis=2)


def test_hu_moments_of_a_bar():
    # Three pixels of 10 in a row: mass 30, variance 20 along x and none along y; 20 / 30^2 = 1 / 45.
    bar = grey([[0, 0, 0, 0, 0], [0, 10, 10, 10, 0], [0, 0, 0, 0, 0]])
    assert hu_moments(bar) == pytest.approx([1 / 45, 1 / 45**2, 0, 0, 0, 0, 0], abs=1e-15)
    assert hu_moments(bar.transpose(1, 0, 2).copy()) == pytest.approx([1 / 45, 1 / 45**2, 0, 0, 0, 0, 0], abs=1e-15)


def test_hu_moments_of_two_pixels_that_lean():
    # Masses 1 and 3, one pixel apart: the mean lies at 3/4, mu20 = 9/16 + 3/16 = 3/4 and mu30 = -27/64 + 3/64 = -3/8.
    # Normalised by 4^2 and 4^2.5: nu20 = 3/64, nu30 = -3/256; every other moment is 0.
    nu20, nu30 = 3 / 64, -3 / 256
    expected = [nu20, nu20**2, nu30**2, nu30**2, nu30**4, nu20 * nu30**2, 0]
    assert hu_moments(grey([[1, 3]])) == pytest.approx(expected, abs=1e-15)


def test_hu_moments_of_black_are_zero():
    assert hu_moments(grey([[0, 0], [0, 0]])).tolist() == [0] * 7


def test_texture_of_a_chequered_square():
    # 1 0   Side by side and one above the other stand unlike pixels: P(0,1) = P(1,0) = 1/2.
    # 0 1   Along one diagonal P(1,1) = 1, along the other P(0,0) = 1. Each feature is the mean over these four.
    none = 1 - 1
    by_direction = {
        "angular second moment": [1 / 2, 1 / 2, 1, 1],
        "contrast": [1, 1, 0, 0],
        "correlation": [-1, -1, 1, 1],  # 1 where nothing varies, by mahotas' convention
        "sum of squares": [1 / 4, 1 / 4, 0, 0],
        "inverse difference moment": [1 / 2, 1 / 2, 1, 1],
        "sum average": [1, 1, 2, 0],
        "sum variance": [0, 0, 0, 0],
        "sum entropy": [0, 0, 0, 0],
        "entropy": [1, 1, 0, 0],  # in bits
        "difference variance": [1 / 4] * 4,  # of the differences' two shares, 0 and 1
        "difference entropy": [0, 0, 0, 0],
        "information 1": [(1 - 2) / 1] * 2 + [none, none],  # (HXY - HXY1) / HX
        "information 2": [math.sqrt(1 - math.exp(-2 * (2 - 1)))] * 2 + [none, none],  # of HXY2 - HXY
    }
    expected = [sum(four) / 4 for four in by_direction.values()]
    assert haralick_texture(grey([[1, 0], [0, 1]])) == pytest.approx(expected, abs=1e-12)


def test_colours_fall_into_their_bins():
    # Hue 0 to 179 in eight bins of 22.5, saturation and value in eight of 32: red is bin 0, green (hue 60) bin 2, blue
    # (hue 120) bin 5, and half-grey (no hue, no saturation, value 128) bin 4 of the values.
    crop = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [128, 128, 128]]], np.uint8)
    shares = hsv_histogram(crop)
    assert {int(bin): float(shares[bin]) for bin in np.flatnonzero(shares)} == {
        (0 * 8 + 7) * 8 + 7: 0.25,
        (2 * 8 + 7) * 8 + 7: 0.25,
        (5 * 8 + 7) * 8 + 7: 0.25,
        4: 0.25,
    }


def test_the_parts_stand_in_their_order():
    crop = np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)
    (row,) = HandMade().describe([crop])
    assert row.tolist() == pytest.approx(
        [*hu_moments(crop), *haralick_texture(crop), *hsv_histogram(crop)], rel=1e-6, abs=1e-30
    )
    assert HandMade().describe([]).shape == (0, 532)


def test_pixels_are_laid_out_row_by_row():
    crop = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [51, 51, 51]]], np.uint8)
    (row,) = Pixels(2).describe([crop])
    assert row.tolist() == pytest.approx([1, 0, 0, 0, 1, 0, 0, 0, 1, 0.2, 0.2, 0.2])
    (shrunk,) = Pixels(1).describe([grey([[0, 10], [20, 30]])])
    assert shrunk.tolist() == pytest.approx([15 / 255] * 3)
    assert Pixels(4).describe([]).shape == (0, 48)
