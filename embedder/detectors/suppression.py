"""One face, one box: of boxes that stand for the same face, the one with the highest score stays."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

SAME_FACE = 0.45
"""Intersection over union above which two boxes are one face."""

INSIDE, SIMILAR = 0.85, 0.25
"""Two boxes are one face, too, where this share of the smaller lies in the larger and its area is that of it at least:
the same face taken with and without its chin or hair. A much smaller box inside a larger one may be another face."""


def suppress(boxes: Float[np.ndarray, "boxes 4"], scores: Float[np.ndarray, " boxes"]) -> Int[np.ndarray, " kept"]:
    """Positions of the boxes that stay, the highest score first.

    Greedy non-maximum suppression: the best box stays, all that stand for its face go, and so on with the rest.
    boxes: x0, y0, x1, y1.
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[left, :2])
        shared = np.prod(np.maximum(0, np.minimum(boxes[best, 2:], boxes[left, 2:]) - corner), axis=1)
        smaller, larger = np.minimum(area[best], area[left]), np.maximum(area[best], area[left])
        same = shared > SAME_FACE * (smaller + larger - shared)
        same |= (shared > INSIDE * smaller) & (smaller > SIMILAR * larger)
        left = left[~same]
    return np.array(kept, np.intp)
