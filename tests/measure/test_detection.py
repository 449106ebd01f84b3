"""Figures of boxes against loops over thresholds and pictures, on boxes small enough to draw on squared paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure import (
    average_precision,
    bootstrap_pictures,
    match_boxes,
    operating_point,
    overlaps,
    recall_at_false_boxes,
)

corners = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 4), st.integers(1, 4))
box_lists = st.lists(corners.map(lambda c: (c[0], c[1], c[0] + c[2], c[1] + c[3])), max_size=4)
scored = st.lists(st.tuples(corners, st.sampled_from([0.25, 0.5, 0.75, 1.0])), max_size=5)
pictures = st.lists(st.tuples(scored, box_lists, box_lists), min_size=1, max_size=4).filter(
    lambda every: any(truths for _, truths, _ in every)
)


def array(boxes):
    return np.array(boxes, np.float64).reshape(-1, 4)


def found_in(every):
    boxes = [array([(x, y, x + w, y + h) for (x, y, w, h), _ in found]) for found, _, _ in every]
    scores = [np.array([score for _, score in found], np.float64) for found, _, _ in every]
    return match_boxes(boxes, scores, [array(one[1]) for one in every], [array(one[2]) for one in every])


def cells(box):
    return {(x, y) for x in range(int(box[0]), int(box[2])) for y in range(int(box[1]), int(box[3]))}


def naive_labels(every):
    """Score and hit of all boxes, by counting squares."""
    labels = []
    for found, truths, ignored in every:
        free = [cells(truth) for truth in truths]
        for (x, y, w, h), score in sorted(found, key=lambda one: -one[1]):
            own = cells((x, y, x + w, y + h))
            shares = [len(own & truth) / len(own | truth) for truth in free]
            if shares and max(shares) >= 0.5:
                del free[shares.index(max(shares))]
                labels.append((score, True))
            elif not any(len(own & cells(region)) >= len(own) / 2 for region in ignored):
                labels.append((score, False))
    return labels


@given(pictures)
def test_figures_against_loops(every):
    found = found_in(every)
    labels = naive_labels(every)
    truths = sum(len(one[1]) for one in every)
    assert sorted(zip(found.scores.tolist(), found.hits.tolist(), strict=True)) == sorted(labels)

    points = []  # recall, precision, false boxes per picture
    for threshold in sorted({score for score, _ in labels}, reverse=True):
        taken = [hit for score, hit in labels if score >= threshold]
        points.append((sum(taken) / truths, sum(taken) / len(taken), (len(taken) - sum(taken)) / len(every)))
    area, before = 0.0, 0.0
    for recall, _, _ in points:
        area += (recall - before) * max(precision for other, precision, _ in points if other >= recall)
        before = recall
    assert average_precision(found) == pytest.approx(area)
    for rate in (0.0, 0.5, 1.0):
        expected = max((recall for recall, _, false in points if false <= rate), default=0.0)
        assert recall_at_false_boxes(found, rate) == pytest.approx(expected)
    assert operating_point(found) == pytest.approx((points[-1][0], points[-1][2]) if points else (0, 0))


@given(pictures, st.data())
def test_a_picture_counted_twice_is_there_twice(every, data):
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(every), max_size=len(every)))
    repeated = [one for one, count in zip(every, counts, strict=True) for _ in range(count)]
    if not any(truths for _, truths, _ in repeated):
        return
    found, weights = found_in(every), np.array(counts, np.float64)
    again = found_in(repeated)
    assert average_precision(found, weights) == pytest.approx(average_precision(again))
    assert recall_at_false_boxes(found, 0.5, weights) == pytest.approx(recall_at_false_boxes(again, 0.5))
    assert operating_point(found, weights) == pytest.approx(operating_point(again))


@given(box_lists, box_lists)
def test_overlaps_against_counted_squares(boxes, others):
    expected = [[len(cells(a) & cells(b)) / len(cells(a) | cells(b)) for b in others] for a in boxes]
    assert np.allclose(overlaps(array(boxes), array(others)), np.array(expected).reshape(len(boxes), len(others)))


def test_each_truth_is_found_once_and_the_better_box_has_it():
    truth = array([[0, 0, 10, 10]])
    found = match_boxes([array([[0, 0, 10, 10], [0, 0, 10, 8]])], [np.array([0.3, 0.8])], [truth])
    assert found.scores.tolist() == [0.8, 0.3] and found.hits.tolist() == [True, False]


def test_a_box_beside_a_taken_truth_may_have_another():
    truths = array([[0, 0, 10, 10], [0, 2, 10, 12]])
    found = match_boxes([array([[0, 0, 10, 10], [0, 0, 10, 10]])], [np.array([0.9, 0.8])], [truths])
    assert found.hits.tolist() == [True, True]


def test_ignored_regions_are_neither_hit_nor_miss():
    boxes, ignored = array([[0, 0, 4, 4], [20, 20, 24, 24]]), array([[0, 0, 10, 10]])
    found = match_boxes([boxes], [np.ones(2)], [array([[20, 20, 24, 24]])], [ignored])
    assert (average_precision(found), operating_point(found)) == (1.0, (1.0, 0.0))


def test_intervals_hold_the_figure_and_narrow_with_more_pictures():
    random = np.random.default_rng(1)
    truth = array([[0, 0, 10, 10]])
    widths = []
    for size in (20, 320):
        boxes = [truth if hit else truth + 50 for hit in random.random(size) < 0.6]
        found = match_boxes(boxes, [np.ones(1)] * size, [truth] * size)
        low, high = bootstrap_pictures(found, lambda *test: operating_point(*test)[0], resamples=300)
        assert low <= operating_point(found)[0] <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_what_is_not_defined_is_refused():
    nothing = array([])
    with pytest.raises(ValueError, match="without a true box"):
        match_boxes([nothing], [np.zeros(0)], [nothing])
    with pytest.raises(ValueError, match="1 boxes have 2 scores"):
        match_boxes([array([[0, 0, 1, 1]])], [np.ones(2)], [array([[0, 0, 1, 1]])])
    found = match_boxes([nothing], [np.zeros(0)], [array([[0, 0, 1, 1]])])
    assert average_precision(found) == 0.0 and recall_at_false_boxes(found, 1.0) == 0.0
