from __future__ import annotations

import colorsys
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from embedder.training import augmentation, hand_drawn
from embedder.training.augmentation import augment
from embedder.training.hand_drawn import grain, marker, pencil, photographed, places, smooth_field, unsteady

OPERATIONS = [pencil, marker, photographed, unsteady]


def drawing(size: int = 96) -> np.ndarray:
    """A ring of black on a ground of one saturated colour."""
    picture = np.full((size, size, 3), (120, 160, 220), np.uint8)
    cv2.circle(picture, (size // 2, size // 2), size // 3, (10, 10, 10), max(1, size // 32))
    return picture


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("size", [16, 33, 96, 160])
def test_each_operation_keeps_the_shape_and_the_original_and_repeats(
    operation: Callable[[np.ndarray, np.random.Generator], np.ndarray], size: int
) -> None:
    picture = drawing(size)
    before = picture.copy()
    for seed in range(20):
        view = operation(picture, np.random.default_rng(seed))
        assert view.shape == (size, size, 3) and view.dtype == np.uint8
        np.testing.assert_array_equal(view, operation(picture, np.random.default_rng(seed)))
    np.testing.assert_array_equal(picture, before)


def test_pencil_is_dark_on_edges_and_nearly_without_colour() -> None:
    on_edge, flat = [], []
    ring = cv2.dilate((drawing()[..., 0] < 60).astype(np.uint8), np.ones((5, 5))) > 0
    for seed in range(60):
        view = pencil(drawing(), np.random.default_rng(seed)).astype(int)
        assert np.ptp(view, axis=2).max() <= 30
        on_edge.append(view[ring].mean())
        flat.append(view[~ring].mean())
    assert np.mean(np.array(flat) - on_edge) > 30
    assert np.mean(flat) > 180


def test_marker_colours_keep_their_hue_and_lines_are_dark() -> None:
    moved, darkest = [], []
    for seed in range(60):
        view = marker(drawing(), np.random.default_rng(seed))
        ground = view[2:10, 40:56].mean(axis=(0, 1))
        if np.ptp(ground) > 20:  # else drawn with lines alone
            seen = colorsys.rgb_to_hsv(*(ground / 255))[0] * 360
            moved.append(abs(seen - colorsys.rgb_to_hsv(120, 160, 220)[0] * 360))
        darkest.append(view.max(axis=2).min())
    assert 30 < len(moved) < 58
    assert np.median(moved) < 6 and max(moved) < 20
    assert np.median(darkest) < 90


def test_a_photograph_of_white_paper_is_off_white_and_uneven() -> None:
    white = np.full((96, 96, 3), 255, np.uint8)
    views = [photographed(white, np.random.default_rng(seed)).astype(int) for seed in range(60)]
    means = np.array([view.mean(axis=(0, 1)) for view in views])
    assert 150 < means.mean() < 245
    assert (means[:, 0] >= means[:, 2] - 2).mean() > 0.9  # paper leans towards yellow
    assert min(view.std() for view in views) > 1
    corners = np.array([[view[:20, :20].mean(), view[-20:, -20:].mean()] for view in views])
    assert np.abs(np.ptp(corners, axis=1)).mean() > 5


def test_an_unsteady_hand_draws_close_to_the_line() -> None:
    size = 96
    rows, columns = np.indices((size, size))
    slope = np.stack([rows * 2, columns * 2, np.zeros_like(rows)], axis=2).astype(np.uint8)
    away = [np.abs(unsteady(slope, np.random.default_rng(seed)).astype(int) - slope)[8:-8, 8:-8] for seed in range(50)]
    assert np.mean(away) > 0.5 and np.max(away) < 0.12 * size * 2


def test_places_are_columns_and_rows() -> None:
    assert places(4)[1, 3].tolist() == [3, 1]


def test_fields_and_grain_stay_in_their_ranges() -> None:
    for seed in range(20):
        field = smooth_field(40, 2, 0.5, 1.2, np.random.default_rng(seed)) / 127
        assert field.min() > 0.4 and field.max() < 1.3
        rough = grain(40, 0.4, np.random.default_rng(seed)) / 255
        assert rough.max() <= 1 and rough.min() > 0.3 and rough.std() > 0.05


def test_a_share_of_the_views_is_drawn_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("pencil", "marker", "photographed"):
        one = getattr(hand_drawn, name)
        monkeypatch.setattr(
            augmentation, name, lambda view, random, one=one, name=name: (calls.append(name), one(view, random))[1]
        )
    random = np.random.default_rng(0)
    for _ in range(600):
        augment(drawing(32), 24, random, "hand-drawn")
    assert calls.count("photographed") / 600 == pytest.approx(0.3, abs=0.06)
    assert calls.count("pencil") / 600 == pytest.approx(0.15, abs=0.05)
    assert calls.count("marker") + calls.count("pencil") == calls.count("photographed")
    calls.clear()
    for _ in range(100):
        augment(drawing(32), 24, random, "drawings")
    assert not calls
