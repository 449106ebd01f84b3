from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embedder.detector_training.geometry import moved, share_covered, share_inside


@given(st.floats(-180, 180), st.floats(0.3, 3), st.floats(0.3, 3), st.booleans(), st.floats(5, 80), st.floats(5, 80))
def test_a_moved_face_is_the_box_of_the_moved_oval(
    angle: float, across: float, down: float, mirror: bool, width: float, height: float
) -> None:
    turn = np.radians(angle)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = np.column_stack([rotation @ np.diag([-across if mirror else across, down]), [7.0, -3.0]])
    box = np.array([[20, 30, 20 + width, 30 + height]], np.float32)
    points = np.linspace(0, 2 * np.pi, 20_000)
    oval = np.stack([20 + width / 2 * (1 + np.cos(points)), 30 + height / 2 * (1 + np.sin(points))])
    there = matrix[:, :2] @ oval + matrix[:, 2:]
    expected = [*there.min(axis=1), *there.max(axis=1)]
    np.testing.assert_allclose(moved(box, matrix)[0], expected, rtol=1e-4, atol=1e-2)


def test_what_can_be_seen_of_a_box() -> None:
    boxes = np.array([[0, 0, 10, 10], [-5, 0, 5, 10], [95, 95, 105, 105], [200, 0, 210, 10]], np.float32)
    np.testing.assert_allclose(share_inside(boxes, 100, 100), [1, 0.5, 0.25, 0])
    cover = np.zeros((100, 100), bool)
    cover[:, :3] = True
    np.testing.assert_allclose(share_covered(boxes, cover), [0.3, 0.6, 0, 1])
