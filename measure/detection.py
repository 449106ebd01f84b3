"""How well boxes found agree with boxes drawn by hand: figures in which each true box weighs the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64, Int64


def overlaps(
    boxes: Float64[np.ndarray, "boxes 4"], others: Float64[np.ndarray, "others 4"]
) -> Float64[np.ndarray, "boxes others"]:
    """Intersection over union of each box x0, y0, x1, y1 with each other, in [0, 1].

    >>> overlaps(np.array([[0.0, 0, 3, 2]]), np.array([[1.0, 0, 4, 2], [3, 0, 4, 2]])).tolist()
    [[0.5, 0.0]]
    """
    shared = _shared_areas(boxes, others)
    return shared / (_areas(boxes)[:, None] + _areas(others) - shared)


@dataclass(frozen=True)
class Found:
    """What a detector found in several pictures, the highest score first: what was a hit, and what a false box.

    Boxes that lie in a region to be ignored are not in it.
    """

    scores: Float64[np.ndarray, " found"]
    hits: Bool[np.ndarray, " found"]
    pictures: Int64[np.ndarray, " found"]
    """In which picture each box was found, 0 to the number of pictures - 1."""
    truths: Int64[np.ndarray, " pictures"]
    """How many true boxes each picture has."""
    _last: Int64[np.ndarray, " thresholds"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.truths.sum():
            raise ValueError(f"{len(self.truths)} pictures without a true box: there is nothing to be found")
        if np.isnan(self.scores).any() or (np.diff(self.scores) > 0).any():
            raise ValueError("scores must be numbers, the highest first")
        # boxes of one score are found together or not at all: a threshold lies after the last of them
        last = np.flatnonzero(np.append(np.diff(self.scores) < 0, True)[: len(self.scores)])
        object.__setattr__(self, "_last", last)

    def curve(
        self, counts: Float64[np.ndarray, " pictures"] | None = None
    ) -> tuple[Float64[np.ndarray, " thresholds"], Float64[np.ndarray, " thresholds"]]:
        """Recall, and false boxes per picture, at each score as the threshold, the highest first.

            `counts` says how often each picture is counted (a bootstrap).

            >>> boxes, truths = np.array([[0.0, 0, 2, 2], [5, 5, 7, 7]]), np.array([[0.0, 0, 2, 2], [8, 8, 9, 9]])
        >>> match = match_boxes([boxes], [np.array([0.9, 0.4])], [truths])
            >>> [part.tolist() for part in match.curve()]
            [[0.5, 0.5], [0.0, 1.0]]
        """
        each = np.ones(len(self.truths)) if counts is None else counts
        weights = each[self.pictures]
        right = np.cumsum(weights * self.hits)[self._last]
        wrong = np.cumsum(weights * ~self.hits)[self._last]
        return right / (each @ self.truths), wrong / each.sum()


def match_boxes(
    boxes: Sequence[Float64[np.ndarray, "_ 4"]],
    scores: Sequence[Float64[np.ndarray, " _"]],
    truths: Sequence[Float64[np.ndarray, "_ 4"]],
    ignored: Sequence[Float64[np.ndarray, "_ 4"]] | None = None,
    *,
    least_overlap: float = 0.5,
) -> Found:
    """Match the boxes found in each picture to its true boxes: by descending score, each to the free one nearest to it.

    A box is a hit where its intersection over union with a true box that no better box has taken is at least
    `least_overlap`, which is in (0, 1]; else it is false (Everingham and others, "The PASCAL Visual Object Classes
    Challenge", 2010, section 4.2, where a box whose best truth is taken is not given another). It is left out where
    as large a share of its own area lies in a region to be ignored (as crowds are in COCO's evaluation).

    Raises ValueError where the lists are not of one length, or there is no true box at all.
    """
    ignored = [np.zeros((0, 4))] * len(boxes) if ignored is None else ignored
    hits: list[bool] = []
    kept_scores: list[float] = []
    pictures: list[int] = []
    for number, (own, sure, true, ignore) in enumerate(zip(boxes, scores, truths, ignored, strict=True)):
        if len(own) != len(sure):
            raise ValueError(f"{len(own)} boxes have {len(sure)} scores; each needs one")
        for score, hit in _matched(own, sure, true, ignore, least_overlap):
            kept_scores.append(score)
            hits.append(hit)
            pictures.append(number)
    order = np.argsort(-np.array(kept_scores, float), kind="stable")
    return Found(
        np.array(kept_scores, float)[order],
        np.array(hits, bool)[order],
        np.array(pictures, np.int64)[order],
        np.array([len(true) for true in truths], np.int64),
    )


def average_precision(found: Found, counts: Float64[np.ndarray, " pictures"] | None = None) -> float:
    """Area under precision over recall, precision being the highest at that recall or any higher one; in [0, 1].

    All points of the curve, as PASCAL VOC has measured since 2010 (Everingham and others, "The PASCAL Visual Object
    Classes Challenge: A Retrospective", 2015, section 2.2.1). Boxes of equal score are one point, so that a detector
    without scores has its precision times its recall.

    >>> boxes, truths = np.array([[0.0, 0, 2, 2], [5, 5, 7, 7]]), np.array([[0.0, 0, 2, 2], [8, 8, 9, 9]])
    >>> match = match_boxes([boxes], [np.array([0.4, 0.9])], [truths])
    >>> average_precision(match)  # one of two found, at a precision of 1/2
    0.25
    """
    each = np.ones(len(found.truths)) if counts is None else counts
    recall, false = found.curve(counts)
    right, wrong = recall * (each @ found.truths), false * each.sum()
    precision = np.divide(right, right + wrong, out=np.zeros(len(right)), where=right + wrong > 0)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * highest).sum())


def recall_at_false_boxes(found: Found, rate: float, counts: Float64[np.ndarray, " pictures"] | None = None) -> float:
    """The highest recall with at most `rate` false boxes per picture (FROC: Bunch and others 1978); 0 where none has.

    >>> boxes, truths = np.array([[0.0, 0, 2, 2], [5, 5, 7, 7]]), np.array([[0.0, 0, 2, 2], [8, 8, 9, 9]])
    >>> match = match_boxes([boxes], [np.array([0.9, 0.4])], [truths])
    >>> recall_at_false_boxes(match, 0.1)
    0.5
    """
    recall, false = found.curve(counts)
    within = false <= rate + 5e-10  # sums of weights: the addition absorbs their rounding
    return float(recall[within].max(initial=0.0))


def operating_point(found: Found, counts: Float64[np.ndarray, " pictures"] | None = None) -> tuple[float, float]:
    """Recall and false boxes per picture with everything found taken, whatever its score.

    >>> boxes, truths = np.array([[0.0, 0, 2, 2], [5, 5, 7, 7]]), np.array([[0.0, 0, 2, 2], [8, 8, 9, 9]])
    >>> match = match_boxes([boxes], [np.array([1.0, 1])], [truths])
    >>> operating_point(match)
    (0.5, 1.0)
    """
    recall, false = found.curve(counts)
    return (float(recall[-1]), float(false[-1])) if len(recall) else (0.0, 0.0)


def bootstrap_pictures(
    found: Found,
    figure: Callable[[Found, Float64[np.ndarray, " pictures"]], float],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a figure: pictures are drawn with replacement, whole, with all their boxes.

    Two detectors asked about the same pictures meet the same resamples. Resamples without a true box are left out.

    >>> match = match_boxes([np.array([[0.0, 0, 2, 2]])] * 2, [np.ones(1)] * 2, [np.array([[0.0, 0, 2, 2]])] * 2)
    >>> bootstrap_pictures(match, average_precision)
    (1.0, 1.0)
    """
    random = np.random.default_rng(seed)
    size = len(found.truths)
    values = []
    for _ in range(resamples):
        counts = np.bincount(random.integers(0, size, size), minlength=size).astype(np.float64)
        if counts @ found.truths:
            values.append(figure(found, counts))
    tail = 50 * (1 - confidence)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def _matched(
    boxes: Float64[np.ndarray, "found 4"],
    scores: Float64[np.ndarray, " found"],
    truths: Float64[np.ndarray, "truths 4"],
    ignored: Float64[np.ndarray, "ignored 4"],
    least_overlap: float,
) -> list[tuple[float, bool]]:
    """Score and hit of each box of one picture that is not to be ignored."""
    near = overlaps(boxes, truths)
    within = _shared_areas(boxes, ignored) / _areas(boxes)[:, None]
    free = np.ones(len(truths), bool)
    matched = []
    for box in np.argsort(-scores, kind="stable"):
        best = int(np.argmax(np.where(free, near[box], -1.0))) if free.any() else -1
        hit = best >= 0 and bool(near[box, best] >= least_overlap)
        if hit:
            free[best] = False
        elif (within[box] >= least_overlap).any():
            continue
        matched.append((float(scores[box]), hit))
    return matched


def _areas(boxes: Float64[np.ndarray, "boxes 4"]) -> Float64[np.ndarray, " boxes"]:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _shared_areas(
    boxes: Float64[np.ndarray, "boxes 4"], others: Float64[np.ndarray, "others 4"]
) -> Float64[np.ndarray, "boxes others"]:
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.clip(high - low, 0, None).prod(axis=2)
