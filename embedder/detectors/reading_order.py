"""The order in which people read the faces of a picture."""

from __future__ import annotations

from collections.abc import Iterable

from embedder.detectors.detection import Detection


def in_reading_order(detections: Iterable[Detection]) -> list[Detection]:
    """Row by row from the top, each row from left to right.

    A row is the topmost face that is left with all whose middle is above its lower edge.
    """
    left = sorted(detections, key=lambda one: (one.box[1], one.box))
    ordered = []
    while left:
        bottom = left[0].box[3]
        row = [one for one in left if (one.box[1] + one.box[3]) / 2 < bottom]
        left = [one for one in left if one not in row]
        ordered += sorted(row, key=lambda one: one.box)
    return ordered
