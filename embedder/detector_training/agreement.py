"""Labels that a detector gives again and again: boxes that most views of one picture agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from data.errors import UnusableSource
from embedder.detector_training.box_files import Boxes
from embedder.detectors import Detector
from measure.detection import overlaps

SCALES = (1.0, 1.3, 1.7, 2.2)
BORDER = 0.15
"""Of the longer side: a border that continues the outermost pixels, so that tight crops have a surrounding."""

SAME = 0.4
"""Intersection over union from which two views' boxes mean one face."""


@dataclass(frozen=True)
class BoxShape:
    """What another definition of a face is in ours, in sides of its box: how far the middle moves, and both sides."""

    right: float = 0.0
    down: float = 0.0
    width: float = 1.0
    height: float = 1.0

    @classmethod
    def parse(cls, text: str) -> BoxShape:
        """From `RIGHT,DOWN,WIDTH,HEIGHT`; raises UnusableSource."""
        try:
            shape = cls(*(float(part) for part in text.split(",")))
        except (TypeError, ValueError) as error:
            raise UnusableSource(f"'{text}' is not RIGHT,DOWN,WIDTH,HEIGHT, such as 0.02,-0.14,0.75,0.94") from error
        if min(shape.width, shape.height) <= 0:
            raise UnusableSource(f"a face has a width and a height above 0, not those of '{text}'")
        return shape

    def of(self, boxes: Boxes) -> Boxes:
        """Boxes of the other definition as boxes of ours."""
        size = boxes[:, 2:] - boxes[:, :2]
        middle = (boxes[:, 2:] + boxes[:, :2]) / 2 + size * np.array([self.right, self.down], np.float32)
        half = size * np.array([self.width, self.height], np.float32) / 2
        return np.concatenate([middle - half, middle + half], axis=1)


def agreed_boxes(
    picture: UInt8[np.ndarray, "height width 3"], detector: Detector, share: float = 0.5
) -> tuple[Boxes, bool]:
    """Boxes that at least a share of the views agree on, each their median; the one that most agree on comes first.

    Also whether there is a box that half as many views agree on, which nobody can call a face or none. The views are
    the picture and its mirror image at four scales.
    """
    views = [_seen(picture, detector, scale, mirrored) for scale in SCALES for mirrored in (False, True)]
    agreed = sorted(
        ((len({view for view, _ in group}) / len(views), [box for _, box in group]) for group in grouped(views)),
        key=lambda one: -one[0],
    )
    medians = [np.median(group, axis=0) for one, group in agreed if one >= share]
    doubtful = any(share / 2 <= one < share for one, _ in agreed)
    return np.array(medians, np.float32).reshape(-1, 4), doubtful


def grouped(views: Sequence[Boxes]) -> list[list[tuple[int, Float32[np.ndarray, " 4"]]]]:
    """Boxes of several views joined where they overlap the median of a group, each with the number of its view."""
    groups: list[list[tuple[int, Float32[np.ndarray, " 4"]]]] = []
    for number, boxes in enumerate(views):
        for box in boxes:
            for group in groups:
                median = np.median([one for _, one in group], axis=0)
                if overlaps(median[None].astype(np.float64), box[None].astype(np.float64))[0, 0] > SAME:
                    group.append((number, box))
                    break
            else:
                groups.append([(number, box)])
    return groups


def _seen(picture: UInt8[np.ndarray, "height width 3"], detector: Detector, scale: float, mirrored: bool) -> Boxes:
    """The faces of one view, in pixels of the picture."""
    border = round(BORDER * max(picture.shape[:2]))
    view = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_REPLICATE)
    view = cv2.resize(view, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    if mirrored:
        view = np.ascontiguousarray(view[:, ::-1])
    faces = [found.box for found in detector.find(np.asarray(view, np.uint8)) if found.region == "face"]
    boxes = np.array(faces, np.float32).reshape(-1, 4)
    if mirrored:
        boxes[:, [0, 2]] = view.shape[1] - boxes[:, [2, 0]]
    return boxes / np.float32(scale) - np.float32(border)
