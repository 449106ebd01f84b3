"""Heat maps: the right colours in the right places, on a scale that tells their size."""

import numpy as np
import pytest

from data.canvas import Heat, beside, heat_map
from data.canvas.heat import AWAY, FAINTEST, TOWARDS, spread

LEFT, RIGHT = (0, 0, 100, 100), (300, 0, 400, 100)


def test_the_field_is_the_value_of_what_is_near():
    boxes = np.array([LEFT, RIGHT], np.float64)
    field, cover = spread(boxes, np.array([0.2, -0.1]), (100, 400))
    assert field[50, 50] == pytest.approx(0.2, abs=0.01) and field[50, 350] == pytest.approx(-0.1, abs=0.01)
    assert field.max() <= 0.2 + 1e-6 and field.min() >= -0.1 - 1e-6
    assert cover[50, 50] == pytest.approx(1) and cover[50, 200] < 0.05


def test_a_small_part_says_more_about_its_place_than_a_large_one():
    boxes = np.array([(0, 0, 400, 400), (180, 180, 220, 220)], np.float64)
    field, _ = spread(boxes, np.array([-0.5, 0.5]), (400, 400))
    assert field[200, 200] > 0.3 and field[350, 350] < -0.3


def hue(map_: np.ndarray, row: int, column: int) -> np.ndarray:
    return map_[row, column].astype(int)


def test_colours_say_for_whom_each_part_speaks():
    picture = np.full((400, 400, 3), 200, np.uint8)
    drawn = heat_map(picture, Heat([(0, 0, 100, 100), (300, 300, 400, 400)], [0.2, -0.2], "a", "b"), "where")
    top = next(row for row in range(len(drawn)) if (drawn[row, 200] != drawn[0, 0]).any() and row > 25)
    left = (drawn.shape[1] - 400) // 2
    towards, away, middle = (hue(drawn, top + at, left + at) for at in (70, 330, 200))
    for found, wanted in ((towards, TOWARDS), (away, AWAY)):
        assert np.abs(found - wanted).max() < 80
    assert towards[2] > towards[0] + 60 and away[0] > away[2] + 60
    assert np.ptp(middle) < 30, "grey where nothing is near"


def test_the_scale_is_as_wide_as_the_largest_value_but_not_for_noise():
    assert Heat([LEFT, RIGHT], [0.05, -0.3], "a", "b").limit == 0.3
    assert Heat([LEFT], [0.0001], "a", "").limit == FAINTEST


@pytest.mark.parametrize("size", [(40, 60), (900, 300), (1, 500), (2000, 2400)])
def test_any_size_and_a_single_artist(size):
    height, width = size
    drawn = heat_map(np.zeros((height, width, 3), np.uint8), Heat([(0, 0, width, height)], [0.7], "画家", ""), "t")
    assert drawn.dtype == np.uint8 and drawn.ndim == 3 and max(drawn.shape) < 2000


def test_a_value_for_each_box():
    with pytest.raises(ValueError, match="2 and 1"):
        Heat([LEFT, RIGHT], [0.1], "a", "b")


def test_two_pictures_stand_where_less_is_bare():
    wide, tall = np.zeros((50, 400, 3), np.uint8), np.ones((400, 50, 3), np.uint8)
    assert beside(wide, wide).shape == (100, 400, 3) and beside(tall, tall).shape == (400, 100, 3)
    page = beside(tall, tall)
    assert (page == 1).all()
