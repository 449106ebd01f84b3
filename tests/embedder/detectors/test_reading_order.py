from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from embedder.detectors import Detection
from embedder.detectors.reading_order import in_reading_order


def face(left: int, top: int, side: int = 20) -> Detection:
    return Detection((left, top, left + side, top + side), 0.5, "face")


def test_rows_are_read_from_the_top_and_from_the_left() -> None:
    wanted = [face(0, 8), face(50, 0), face(100, 6, 10), face(10, 40), face(60, 45), face(0, 90)]
    for seed in range(20):
        shuffled = random.Random(seed).sample(wanted, len(wanted))
        assert in_reading_order(shuffled) == wanted
    assert in_reading_order([]) == []


@given(st.lists(st.builds(face, st.integers(0, 300), st.integers(0, 300), st.integers(1, 90)), unique=True))
def test_nobody_is_lost_and_the_given_order_does_not_matter(faces: list[Detection]) -> None:
    ordered = in_reading_order(faces)
    assert sorted(ordered, key=lambda one: one.box) == sorted(faces, key=lambda one: one.box)
    assert in_reading_order(faces[::-1]) == ordered
    if faces:
        highest = min(faces, key=lambda one: (one.box[1], one.box))
        assert (ordered[0].box[1] + ordered[0].box[3]) / 2 < highest.box[3]
