"""Painted faces that a reader can check by hand: squares of red with a blue square in the middle."""

from __future__ import annotations

import cv2
import numpy as np

RED, BLUE = (255, 0, 0), (0, 0, 255)


def paint(picture: np.ndarray, left: int, top: int, side: int) -> None:
    """A red square with a blue one of half its side in the middle: cut by a tile's edge, it is no longer like that."""
    picture[top : top + side, left : left + side] = RED
    quarter = side // 4
    picture[top + quarter : top + side - quarter, left + quarter : left + side - quarter] = BLUE


def find_squares(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a trained network does, by counting pixels: scores and boxes at a stride of 8; middling sizes are surest."""
    count, height, width = pictures.shape[:3]
    scores = np.zeros((count, height // 8, width // 8), np.float32)
    boxes = np.zeros((*scores.shape, 4), np.float32)
    for number, picture in enumerate(pictures):
        blue = (picture[..., 2] > 127) & (picture[..., 1] < 100)
        inside = blue & (picture[..., 0] < 128)
        face = (blue | (picture[..., 0] > 127)) & (picture[..., 1] < 100)
        for left, top, wide, high, _ in cv2.connectedComponentsWithStats(face.astype(np.uint8))[2][1:]:
            ys, xs = np.nonzero(inside[top : top + high, left : left + wide])
            if not len(xs):
                continue
            core = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
            right = np.array([wide, high, 3 * wide, 3 * high]) / 4
            if abs(wide - high) > 2 or np.abs(core - right).max() > 2.6:
                continue
            row, column = min(top + high // 2, height - 1) // 8, min(left + wide // 2, width - 1) // 8
            scores[number, row, column] = 0.95 - 0.1 * abs(np.log2(max(wide, high) / 64))
            boxes[number, row, column] = left, top, left + wide, top + high
    return scores, boxes
