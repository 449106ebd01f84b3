"""One figure, back to front."""

from __future__ import annotations

import numpy as np

from data.drawn.animal_ears import draw_animal_ears
from data.drawn.brush import Brush
from data.drawn.clothes import draw_body
from data.drawn.colour import Number
from data.drawn.eyes import draw_eyes
from data.drawn.eyewear import draw_eyewear
from data.drawn.face import (
    box_points,
    draw_blush,
    draw_brows,
    draw_earrings,
    draw_ears,
    draw_feelings,
    draw_marks,
    draw_mouth,
    draw_nose,
    draw_skin,
)
from data.drawn.fringe import draw_cap
from data.drawn.hair import draw_hair_behind
from data.drawn.headwear import draw_behind_head, draw_headwear
from data.drawn.locks import draw_ahoge, draw_fluff, draw_side_locks
from data.drawn.look import Look
from data.drawn.occlusion import draw_occlusion
from data.drawn.ornaments import draw_ornaments
from data.drawn.tails import draw_buns, draw_ponytail, draw_tails

_NECK = np.array((0.0, 1.0))  # the head tilts about this point


def frames(look: Look, unit: Number, centre: tuple[Number, Number]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames of head and body that put the middle of the face box at `centre`, and the box (x0, y0, x1, y1)."""
    tilt = look.pose.tilt
    head = _frame(unit, tilt)
    corners = box_points(look) @ head[:, :2].T + head[:, 2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    shift = np.array(centre) - (low + high) / 2
    head[:, 2] += shift
    body = _frame(unit, tilt * 0.3)
    body[:, 2] += shift
    return head, body, np.concatenate([low + shift, high + shift])


def _frame(unit: Number, angle: Number) -> np.ndarray:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * unit
    return np.concatenate([turn, (unit * _NECK - turn @ _NECK)[:, None]], axis=1)


def draw_figure(brush: Brush, body: np.ndarray, look: Look) -> None:
    """Draw head and shoulders; the brush stands in the frame of the head."""
    draw_behind_head(brush, look)
    draw_ponytail(brush, look)
    draw_hair_behind(brush, look)
    draw_body(brush.at(body), look)
    draw_buns(brush, look)
    draw_ears(brush, look)
    clip = draw_skin(brush, look)
    draw_blush(brush, look, clip)
    draw_marks(brush, look, clip)
    draw_nose(brush, look)
    draw_mouth(brush, look)
    draw_eyes(brush, look)
    draw_brows(brush, look)
    draw_eyewear(brush, look)
    draw_earrings(brush, look)
    draw_tails(brush, look)
    draw_side_locks(brush, look)
    draw_fluff(brush, look)
    draw_ahoge(brush, look)
    draw_cap(brush, look, clip)
    if look.artist.brows_over_hair:
        draw_brows(brush, look)
    draw_animal_ears(brush, look)
    draw_headwear(brush, look)
    draw_ornaments(brush, look)
    draw_feelings(brush, look)
    draw_occlusion(brush, look)
