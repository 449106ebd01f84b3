from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

from embedder.detector_training.objective import BOXES_WEIGH, objective  # noqa: E402
from embedder.detector_training.targets import CORE, RING, Target, target_of  # noqa: E402

NONE = np.zeros((0, 4), np.float32)
SIZE = 96


def naive(boxes: np.ndarray, ignore: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cell by cell, face by face, from the largest to the smallest."""
    cells = size // 8
    heat, weight, where = np.zeros((cells, cells)), np.ones((cells, cells)), np.zeros((cells, cells, 4))
    for row in range(cells):
        for column in range(cells):
            x, y = 8 * column + 4, 8 * row + 4
            if any(x0 < x < x1 and y0 < y < y1 for x0, y0, x1, y1 in ignore):
                weight[row, column] = 0
    for x0, y0, x1, y1 in sorted(boxes.tolist(), key=lambda one: -(one[2] - one[0]) * (one[3] - one[1])):
        middle = ((x0 + x1) / 2, (y0 + y1) / 2)
        away = {
            (row, column): np.hypot((8 * column + 4 - middle[0]) / (x1 - x0), (8 * row + 4 - middle[1]) / (y1 - y0))
            for row in range(cells)
            for column in range(cells)
        }
        own = (min(max(int(middle[1] // 8), 0), cells - 1), min(max(int(middle[0] // 8), 0), cells - 1))
        core = {cell for cell, far in away.items() if far < CORE} | {own}
        for cell, far in away.items():
            if cell not in core and far < RING and not heat[cell]:
                weight[cell] = min(weight[cell], (1 - np.exp(-4.5 * (far / RING) ** 2)) ** 4)
        for cell in core:
            heat[cell], weight[cell], where[cell] = 1, 1 / np.sqrt(len(core)), (x0, y0, x1, y1)
    return heat, weight, where


faces = st.lists(
    # middles off the borders between cells, where float32 and float64 may disagree
    st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(10, 80), st.integers(10, 80)).map(
        lambda one: (
            one[0] + 0.3 - one[2] / 2,
            one[1] + 0.3 - one[3] / 2,
            one[0] + 0.3 + one[2] / 2,
            one[1] + 0.3 + one[3] / 2,
        )
    ),
    max_size=3,
    unique_by=lambda one: round((one[2] - one[0]) * (one[3] - one[1])),
)


@settings(max_examples=60)
@given(faces, faces)
def test_target_is_what_the_naive_one_is(boxes: list[tuple[float, ...]], ignore: list[tuple[float, ...]]) -> None:
    given_boxes, given_ignore = (np.array(one, np.float32).reshape(-1, 4) for one in (boxes, ignore))
    target = target_of(given_boxes, given_ignore, SIZE)
    for got, expected in zip(target, naive(given_boxes, given_ignore, SIZE), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3)


def stacked(target: Target) -> Target:
    return Target(*(torch.from_numpy(part[None]) for part in target))  # type: ignore[arg-type]


def test_the_loss_is_least_where_the_network_is_right() -> None:
    target = stacked(target_of(np.array([[20, 20, 60, 70]], np.float32), NONE, SIZE))
    right = torch.where(torch.as_tensor(target.heat) > 0, 12.0, -12.0)
    boxes = torch.as_tensor(target.boxes).clone()
    assert float(objective(right, boxes, target)) < 1e-3
    shifted = boxes + 12
    # IoU 28 x 38 over the union, less the part of the hull that is in neither box (Rezatofighi et al. 2019, formula 2)
    union, hull = 2 * 40 * 50 - 28 * 38, 52 * 62
    giou = 28 * 38 / union - (hull - union) / hull
    np.testing.assert_allclose(float(objective(right, shifted, target)), BOXES_WEIGH * (1 - giou), rtol=1e-3)
    assert float(objective(-right, boxes, target)) > 5


def test_scores_in_places_to_be_ignored_do_not_count() -> None:
    everything = np.array([[-1, -1, SIZE + 1, SIZE + 1]], np.float32)
    target = stacked(target_of(NONE, everything, SIZE))
    wrong = torch.full((1, SIZE // 8, SIZE // 8), 9.0)
    assert float(objective(wrong, torch.zeros(1, SIZE // 8, SIZE // 8, 4), target)) == 0
