"""Faces of any size in a picture of any size, by a network that sees faces of a limited range in a bounded picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32, UInt8

from embedder.detectors.levels import levels
from embedder.detectors.tiles import GRID, tiles

MOST_PIXELS = 1 << 21
"""Of a tile: the network's working memory stays in the hundreds of megabytes however large the picture is."""

GREY = 127
"""Every colour of what fills a tile up to a multiple of 32 pixels."""

Network = Callable[
    [UInt8[np.ndarray, "tiles height width 3"]],
    tuple[Float32[np.ndarray, "tiles rows columns"], Float32[np.ndarray, "tiles rows columns 4"]],
]
"""Pictures whose sides are multiples of 32, to scores in [0, 1] and boxes (x0, y0, x1, y1 in pixels) at a stride."""


def search(
    picture: UInt8[np.ndarray, "height width 3"],
    network: Network,
    *,
    faces: tuple[int, int],
    threshold: float,
    most_pixels: int = MOST_PIXELS,
) -> tuple[Float[np.ndarray, "found 4"], Float[np.ndarray, " found"]]:
    """Boxes in pixels of the picture and their scores, before the boxes of one face are made one (`suppress`).

    faces: the smallest and largest face that the network sees, longer side in pixels. At each level (see `levels`) only
    faces of its range are believed; a smaller or larger one is well visible at a neighbouring level.
    """
    found_boxes, found_scores = [np.empty((0, 4))], [np.empty(0)]
    height, width = picture.shape[:2]
    for level, smallest in levels(picture, faces):
        for tile in tiles(*level.shape[:2], largest=faces[1], most=most_pixels):
            rows, columns = tile.rows, tile.columns
            part = _filled(level[rows.start : rows.stop, columns.start : columns.stop])
            scores, boxes = (output[0] for output in network(part[None]))
            at = peaks(scores, threshold)
            placed = boxes[at] + np.array([columns.start, rows.start] * 2, np.float64)
            sides = np.maximum(placed[:, 2] - placed[:, 0], placed[:, 3] - placed[:, 1])
            centres = (placed[:, :2] + placed[:, 2:]) / 2
            ours = tile.owns(centres) & (sides >= smallest) & (sides <= faces[1])
            shrunk = (width / level.shape[1], height / level.shape[0])
            found_boxes.append(placed[ours] * (shrunk * 2))
            found_scores.append(scores[at][ours].astype(np.float64))
    return np.concatenate(found_boxes), np.concatenate(found_scores)


def peaks(scores: Float32[np.ndarray, "rows columns"], threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns where a score reaches the threshold and none of its eight neighbours is higher."""
    import cv2

    highest = cv2.dilate(scores, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((scores >= threshold) & (scores >= highest))
    return rows, columns


def _filled(part: UInt8[np.ndarray, "_ _ 3"]) -> UInt8[np.ndarray, "height width 3"]:
    height, width = part.shape[:2]
    filled = np.full((-(-height // GRID) * GRID, -(-width // GRID) * GRID, 3), GREY, np.uint8)
    filled[:height, :width] = part
    return filled
