"""Hair colours, and how often one character is taken for another of the same: what the papers saw go wrong by eye."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int64, UInt8

NEAR = 25.0
"""Colours nearer than this in CIELAB (CIE76) count as the same: two shades of blonde do, blonde and brown do not."""


class HairColour:
    """The median colour of the strip of a face crop above the forehead."""

    name = "hair colour"

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops 3"]:
        """L in [0, 100], a and b around 0."""
        return np.array([_hair(crop) for crop in crops], np.float32).reshape(len(crops), 3)


def _hair(crop: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, " 3"]:
    height, width = crop.shape[:2]
    strip = crop[height // 25 : max(height // 5, height // 25 + 1), width // 4 : max(3 * width // 4, width // 4 + 1)]
    lab = cv2.cvtColor(np.ascontiguousarray(strip).astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    return np.median(lab.reshape(-1, 3), axis=0).astype(np.float32)


def colour_of_each(
    colours: Float[np.ndarray, "pictures 3"], identities: Int64[np.ndarray, " pictures"], count: int
) -> Float[np.ndarray, "identities 3"]:
    """Each identity's median colour over its pictures."""
    return np.stack([np.median(colours[identities == number], axis=0) for number in range(count)])


def same_hair(colours: Float[np.ndarray, "identities 3"]) -> Bool[np.ndarray, "identities identities"]:
    """Which identities have hair of the same colour, themselves among them.

    >>> same_hair(np.array([[80.0, 5, 40], [75, 8, 45], [30, 0, 0]])).tolist()
    [[True, True, False], [True, True, False], [False, False, True]]
    """
    return np.linalg.norm(colours[:, None] - colours[None], axis=2) < NEAR


def shared_hair_of_errors(
    shown: Sequence[int], named: Sequence[int], same: Bool[np.ndarray, "identities identities"]
) -> tuple[float, float] | None:
    """Of the wrong answers, the share that names somebody of the same hair colour; and what chance would give.

    None without any wrong answer. Chance names any other identity with the same probability.

    >>> same = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
    >>> shared_hair_of_errors([0, 0, 2], [1, 0, 0], same)
    (0.5, 0.25)
    """
    wrong = [(one, other) for one, other in zip(shown, named, strict=True) if one != other]
    if not wrong:
        return None
    of_chance = (same.sum(axis=1) - 1) / max(len(same) - 1, 1)
    return (
        float(np.mean([same[one, other] for one, other in wrong])),
        float(np.mean([of_chance[one] for one, _ in wrong])),
    )
