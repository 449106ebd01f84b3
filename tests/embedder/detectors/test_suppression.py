from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.detectors import suppression
from embedder.detectors.suppression import suppress


def crowd(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    corner, sides = generator.integers(0, 60, (count, 2)), generator.integers(8, 40, (count, 2))
    return np.concatenate([corner, corner + sides], axis=1).astype(np.float64), (1 + generator.permutation(count)) / (
        1 + count
    )


def same_face(one: np.ndarray, other: np.ndarray) -> bool:
    """By counting pixels."""
    canvas = np.zeros((2, 100, 100), bool)
    for layer, (left, top, right, bottom) in zip(canvas, np.array([one, other], int), strict=True):
        layer[top:bottom, left:right] = True
    shared, areas = (canvas[0] & canvas[1]).sum(), sorted(canvas.sum(axis=(1, 2)))
    return shared > 0.45 * canvas.any(axis=0).sum() or (shared > 0.85 * areas[0] and areas[0] > 0.25 * areas[1])


@given(seed=st.integers(0, 10_000), count=st.integers(0, 30))
def test_it_is_what_a_loop_over_all_pairs_keeps(seed: int, count: int) -> None:
    boxes, scores = crowd(seed, count)
    kept: list[int] = []
    for at in sorted(range(count), key=lambda position: -scores[position]):
        if not any(same_face(boxes[at], boxes[other]) for other in kept):
            kept.append(at)
    assert suppress(boxes, scores).tolist() == kept


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30)
def test_by_overlap_alone_it_is_what_opencv_keeps(seed: int) -> None:
    boxes, scores = crowd(seed, 40)
    beside = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suppression, "INSIDE", 1.0)
        assert suppress(boxes, scores).tolist() == list(cv2.dnn.NMSBoxes(beside, scores, 0.0, 0.45))


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        ((10, 10, 110, 100), 1),  # nearly the same
        ((30, 30, 90, 90), 1),  # wholly inside, 0.36 of its area
        ((30, 30, 70, 70), 2),  # wholly inside, 0.16 of its area: a small face in front of a large one
        ((0, 0, 180, 180), 1),  # around it, 3.24 times its area
        ((70, 10, 170, 110), 2),  # beside it
    ],
)
def test_two_boxes_of_one_face_or_of_two(other: tuple[int, ...], kept: int) -> None:
    assert len(suppress(np.array([(10, 10, 110, 110), other], np.float64), np.array([0.9, 0.8]))) == kept
