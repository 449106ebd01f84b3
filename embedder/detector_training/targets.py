"""What the network should say of a scene, cell by cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from embedder.detector_training.box_files import Boxes
from embedder.detectors.network import STRIDE

CORE, RING = 0.15, 0.5
"""Of a face's sides: the oval around its middle whose cells say "here", and the one whose cells may nearly say so."""


class Target(NamedTuple):
    """Of one scene, or stacked of many."""

    heat: Float32[np.ndarray, "*scenes rows columns"]
    """1 in the cells that are the middle of a face, else 0."""
    weight: Float32[np.ndarray, "*scenes rows columns"]
    """How much a cell's score counts. The cells of one face count together as the root of their number."""
    boxes: Float32[np.ndarray, "*scenes rows columns 4"]
    """The box of the face that a cell is the middle of; elsewhere without meaning."""


def target_of(boxes: Boxes, ignore: Boxes, size: int) -> Target:
    """The target of a scene of size x size pixels.

    Scores near a middle count less as mistakes, (1 - g)^4 with g = exp(-4.5 r^2) at a share r of the way to the ring,
    as in CornerNet (Law and Deng 2018); in places to be ignored they do not count. Of two faces' middles in one cell
    the smaller face's stays.
    """
    cells = size // STRIDE
    middles = np.arange(cells, dtype=np.float32) * STRIDE + STRIDE / 2
    heat = np.zeros((cells, cells), np.float32)
    weight = np.ones((cells, cells), np.float32)
    where = np.zeros((cells, cells, 4), np.float32)
    for x0, y0, x1, y1 in ignore:
        across, down = (middles > x0) & (middles < x1), (middles > y0) & (middles < y1)
        weight[down[:, None] & across[None]] = 0
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for box in boxes[np.argsort(-areas, kind="stable")]:
        centre, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        right, down = (middles - centre[0]) / sides[0], (middles - centre[1]) / sides[1]
        away = np.sqrt(right[None] ** 2 + down[:, None] ** 2)
        core = away < CORE
        column, row = np.clip(centre // STRIDE, 0, cells - 1).astype(int)
        core[row, column] = True
        near = (away < RING) & ~core & (heat == 0)
        weight[near] = np.minimum(weight, (1 - np.exp(-4.5 * (away / RING) ** 2)) ** 4)[near]
        heat[core], weight[core], where[core] = 1, 1 / np.sqrt(core.sum()), box
    return Target(heat, weight, where)
