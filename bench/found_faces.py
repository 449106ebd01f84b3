"""What detectors answer on boxed pictures, and the figures of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float64

from bench.known_pictures import KnownPicture
from embedder.detectors import Detector
from measure import (
    Found,
    average_precision,
    bootstrap_pictures,
    match_boxes,
    operating_point,
    overlaps,
    recall_at_false_boxes,
)

OVERLAP = 0.5
"""Intersection over union from which a box is a hit."""

FALSE_BOXES = 0.1
"""Per picture: at so many, recall is told."""

_MEANT = 0.3
"""Intersection over union from which a box of another definition is taken to mean that face."""


@dataclass(frozen=True)
class Answers:
    """The boxes and scores that one detector gave for each picture, and the truth."""

    boxes: list[Float64[np.ndarray, "_ 4"]] = field(default_factory=list)
    scores: list[Float64[np.ndarray, " _"]] = field(default_factory=list)
    truths: list[Float64[np.ndarray, "_ 4"]] = field(default_factory=list)
    ignored: list[Float64[np.ndarray, "_ 4"]] = field(default_factory=list)
    subsets: list[str] = field(default_factory=list)

    def of(self, subset: str) -> Answers:
        """The answers on the pictures of one subset."""
        kept = [number for number, own in enumerate(self.subsets) if own == subset]
        boxes, scores, truths, ignored = (
            [part[number] for number in kept] for part in (self.boxes, self.scores, self.truths, self.ignored)
        )
        return Answers(boxes, scores, truths, ignored, [subset] * len(kept))

    def above(self, threshold: float) -> Answers:
        """Only the boxes that reach a score."""
        kept = [scores >= threshold for scores in self.scores]
        return replace(
            self,
            boxes=[boxes[keep] for boxes, keep in zip(self.boxes, kept, strict=True)],
            scores=[scores[keep] for scores, keep in zip(self.scores, kept, strict=True)],
        )

    def moved(self, offsets: Float64[np.ndarray, " 4"]) -> Answers:
        """Every edge moved by its offset times the box's longer side."""
        return replace(self, boxes=[boxes + _sides(boxes) * offsets for boxes in self.boxes])

    def matched(self) -> Found:
        """Which boxes are hits."""
        return match_boxes(self.boxes, self.scores, self.truths, self.ignored, least_overlap=OVERLAP)


def ask(pictures: Iterable[KnownPicture], detectors: Mapping[str, Detector]) -> dict[str, Answers]:
    """Each detector's answers on the same pictures, of which one is in memory at a time."""
    answers = {name: Answers() for name in detectors}
    for one in pictures:
        for name, detector in detectors.items():
            faces = [face for face in detector.find(one.picture) if face.region == "face"]
            own = answers[name]
            own.boxes.append(np.array([face.box for face in faces], np.float64).reshape(-1, 4))
            own.scores.append(np.array([face.score for face in faces], np.float64))
            own.truths.append(one.boxes)
            own.ignored.append(one.ignored)
            own.subsets.append(one.subset)
    return answers


def fitted_offsets(answers: Answers) -> Float64[np.ndarray, " 4"]:
    """The shift and scale of each axis that best bring a detector's boxes to the truth, by least squares.

    As offsets of the four edges in longer sides of the box found, over all boxes that overlap a face by at least 0.3:
    the squared errors are relative to the box. It helps boxes of another definition of a face; zeros where none
    overlaps.
    """
    apart = []
    for boxes, truths in zip(answers.boxes, answers.truths, strict=True):
        if len(boxes) and len(truths):
            near = overlaps(boxes, truths)
            best, meant = near.argmax(axis=1), near.max(axis=1) >= _MEANT
            apart.append(((truths[best] - boxes) / _sides(boxes))[meant])
    every = np.concatenate([np.zeros((0, 4)), *apart])
    return every.mean(axis=0) if len(every) else np.zeros(4)


def figures(answers: Answers, threshold: float = 0.0, resamples: int = 2000) -> dict[str, Any]:
    """AP, recall at 0.1 false boxes per picture, and recall and false boxes with what reaches a threshold.

    Each figure is [value, low, high]: 95 % by bootstrap over pictures, the same resamples for every detector.
    """
    found, shipped = answers.matched(), answers.above(threshold).matched()
    return {
        "pictures": len(answers.truths),
        "faces": sum(map(len, answers.truths)),
        "ap": _with_interval(found, average_precision, resamples),
        "recall_at_false_boxes": _with_interval(found, _recall_at, resamples),
        "recall": _with_interval(shipped, _recall, resamples),
        "false_boxes": _with_interval(shipped, _false_boxes, resamples),
    }


def best_by(figure: str, named: Mapping[str, Answers]) -> str:
    """The name of the answers with the highest AP (`ap`) or recall at 0.1 false boxes, the first of equals."""
    measures = {"ap": average_precision, "recall_at_false_boxes": _recall_at}
    return max(named, key=lambda name: measures[figure](named[name].matched()))


def subsets_of(answers: Mapping[str, Answers]) -> Sequence[str]:
    """Each subset once, in order."""
    return list(dict.fromkeys(subset for one in answers.values() for subset in one.subsets))


def _recall_at(found: Found, counts: Float64[np.ndarray, " pictures"] | None = None) -> float:
    return recall_at_false_boxes(found, FALSE_BOXES, counts)


def _recall(found: Found, counts: Float64[np.ndarray, " pictures"] | None = None) -> float:
    return operating_point(found, counts)[0]


def _false_boxes(found: Found, counts: Float64[np.ndarray, " pictures"] | None = None) -> float:
    return operating_point(found, counts)[1]


def _with_interval(found: Found, figure: Callable[..., float], resamples: int) -> list[float]:
    return [figure(found), *bootstrap_pictures(found, figure, resamples=resamples)]


def _sides(boxes: Float64[np.ndarray, "boxes 4"]) -> Float64[np.ndarray, "boxes 1"]:
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True)
