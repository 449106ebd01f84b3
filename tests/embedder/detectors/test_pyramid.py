"""A network that finds painted squares finds them in pictures of any size, wherever they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.detectors.found import as_faces
from embedder.detectors.levels import SEEN_TWICE, level_step, levels
from embedder.detectors.search import peaks, search
from embedder.detectors.tiles import tiles
from tests.embedder.detectors.squares import find_squares, paint

FACES = (16, 256)


def found_in(picture: np.ndarray, faces: tuple[int, int] = FACES, most_pixels: int = 1) -> list[tuple]:
    """Boxes and scores, in small tiles; `most_pixels` of 1 means the smallest tiles that there are."""
    boxes, scores = search(picture, find_squares, faces=faces, threshold=0.5, most_pixels=most_pixels)
    return [(one.box, one.score) for one in as_faces(boxes, scores, (picture.shape[1], picture.shape[0]))]


def alike(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Intersection over union, pixel by pixel."""
    shared = set(range(max(one[0], other[0]), min(one[2], other[2])))
    tall = set(range(max(one[1], other[1]), min(one[3], other[3])))
    area = len(shared) * len(tall)
    return area / (sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - area)


@given(
    height=st.integers(200, 1500),
    width=st.integers(200, 1500),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
@settings(max_examples=60)
def test_a_square_is_found_once_wherever_it_lies_and_however_large_it_is(height, width, place) -> None:
    side = round(21 * (min(height, width) / 21) ** place[0])
    left, top = round(place[1] * (width - side)), round(place[2] * (height - side))
    picture = np.zeros((height, width, 3), np.uint8)
    paint(picture, left, top, side)
    found = found_in(picture)
    assert len(found) == 1
    assert alike(found[0][0], (left, top, left + side, top + side)) > 0.85


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15)
def test_tiles_answer_as_one_pass_over_the_whole_picture_does(seed: int) -> None:
    generator = np.random.default_rng(seed)
    picture = np.zeros((int(generator.integers(1000, 1800)), int(generator.integers(1000, 1800)), 3), np.uint8)
    for _ in range(12):
        side = int(20 * 20 ** generator.random())
        paint(picture, *(int(generator.integers(0, length - side)) for length in picture.shape[1::-1]), side)
    assert len(tiles(*picture.shape[:2], largest=256, most=1)) > 1
    assert sorted(found_in(picture)) == sorted(found_in(picture, most_pixels=1 << 30))


@pytest.mark.parametrize("side", [20, 37, 250, 1000, 4000])
def test_a_face_as_large_as_the_picture(side: int) -> None:
    picture = np.zeros((side, side, 3), np.uint8)
    paint(picture, 0, 0, side)
    assert [alike(box, (0, 0, side, side)) > 0.95 for box, _ in found_in(picture)] == [True]


def test_faces_below_20_pixels_are_dropped_and_boxes_end_at_the_border() -> None:
    picture = np.zeros((60, 90, 3), np.uint8)
    paint(picture, 2, 2, 18)
    paint(picture, 40, 10, 20)
    assert [box for box, _ in found_in(picture)] == [(40, 10, 60, 30)]
    outside = as_faces(np.array([[-9.4, 3.4, 30.6, 70.0], [95.0, 0, 130, 40]]), np.array([0.9, 0.8]), (90, 60))
    assert [one.box for one in outside] == [(0, 3, 31, 60)]


def test_only_faces_of_the_range_are_believed() -> None:
    def sees(side: float):
        def network(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            scores = np.zeros((1, pictures.shape[1] // 8, pictures.shape[2] // 8), np.float32)
            boxes = np.zeros((*scores.shape, 4), np.float32)
            scores[0, 1, 1] = 0.9
            boxes[0, 1, 1] = 40 - side / 2, 40 - side / 2, 40 + side / 2, 40 + side / 2
            return scores, boxes

        return search(np.zeros((80, 80, 3), np.uint8), network, faces=FACES, threshold=0.5)[1]

    assert [len(sees(side)) for side in (15.9, 16, 256, 256.1)] == [0, 1, 1, 0]


def test_peaks_by_their_definition() -> None:
    scores = np.random.default_rng(5).integers(0, 6, (17, 23)).astype(np.float32) / 5
    expected = [
        (row, column)
        for row in range(17)
        for column in range(23)
        if scores[row, column] >= 0.8
        and scores[row, column] == scores[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].max()
    ]
    assert list(zip(*peaks(scores, 0.8), strict=True)) == expected


@given(side=st.integers(1, 9000), other=st.integers(1, 300))
@settings(max_examples=30)
def test_every_face_is_well_inside_the_range_of_some_level(side: int, other: int) -> None:
    assert level_step(FACES) == 4
    picture = np.zeros((other, side, 3), np.uint8)
    seen = [(max(level.shape[:2]) / max(side, other), smallest) for level, smallest in levels(picture, FACES)]
    assert seen[0] == (1, FACES[0])
    for face in np.geomspace(20, max(20, side, other), 9):
        believed = [face * scale for scale, smallest in seen if smallest <= face * scale]
        assert min(believed) <= 1.1 * FACES[1] / SEEN_TWICE  # a tenth for what rounding takes


def test_a_picture_is_filled_with_grey_to_the_networks_grid() -> None:
    seen = []

    def network(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(pictures)
        empty = np.zeros((1, pictures.shape[1] // 8, pictures.shape[2] // 8), np.float32)
        return empty, np.zeros((*empty.shape, 4), np.float32)

    search(np.full((33, 64, 3), 200, np.uint8), network, faces=FACES, threshold=0.5)
    (tile,) = seen
    assert tile.shape == (1, 64, 64, 3) and (tile[0, :33] == 200).all() and (tile[0, 33:] == 127).all()
