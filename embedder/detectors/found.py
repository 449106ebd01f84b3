"""From boxes as networks give them to detections: whole pixels, inside the picture, each face once."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from embedder.detectors.detection import SMALLEST_FACE, Detection
from embedder.detectors.suppression import suppress


def as_faces(
    boxes: Float[np.ndarray, "boxes 4"], scores: Float[np.ndarray, " boxes"], size: tuple[int, int]
) -> list[Detection]:
    """Faces, the highest score first; what is below 20 pixels inside a picture of `size` (width, height) is dropped."""
    width, height = size
    inside = np.clip(np.rint(boxes), 0, (width, height, width, height)).astype(np.int64)
    faces = []
    for at in suppress(boxes, scores):
        left, top, right, bottom = (int(edge) for edge in inside[at])
        if min(right - left, bottom - top) > 0 and max(right - left, bottom - top) >= SMALLEST_FACE:
            faces.append(Detection((left, top, right, bottom), min(1.0, float(scores[at])), "face"))
    return faces
