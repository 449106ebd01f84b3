"""Ribbons, flowers and pins in the hair."""

from __future__ import annotations

import numpy as np

from data.drawn.brush import Brush, bend, ellipse, heart_shape, offset, points, smooth, star_shape
from data.drawn.colour import Colour, Number, lighten
from data.drawn.look import Look


def draw_ornaments(brush: Brush, look: Look) -> None:
    """Ribbons, flowers and pins in the hair."""
    character = look.character
    _ornament(brush, look, character.ornament, character.ornament_side, look.tone(character.accent))
    if character.second_ornament != character.ornament:
        _ornament(brush, look, character.second_ornament, -character.ornament_side, look.tone(character.second_accent))


def bow(brush: Brush, look: Look, x: Number, y: Number, size: Number, colour: Colour) -> None:
    """A tied ribbon."""
    for side in (-1, 1):
        tail = points([(0, 0), (side * 0.3, 0.1), (side * 0.8, 0.9), (side * 0.35, 0.8)])
        brush.fill(tail * size + offset(x, y), look.dark(colour, 0.6), line=True)
        wing = smooth(
            [(0, 0), (side * 0.45, -0.5), (side * 1.05, -0.56), (side * 1.1, 0.26), (side * 0.5, 0.3)], closed=True
        )
        brush.fill(wing * size + offset(x, y), colour, line=True)
        brush.stroke(
            points([(side * 0.2, -0.02), (side * 0.7, -0.1)]) * size + offset(x, y),
            (0.01, 0.05 * size, 0.0),
            look.dark(colour, 1.0),
        )
    brush.fill(ellipse(x, y, size * 0.22, size * 0.26), colour, line=True)


def _ornament(brush: Brush, look: Look, kind: str, side: int, colour: Colour) -> None:
    if kind == "none":
        return
    move = 0.25 * look.pose.yaw
    x, y = side * 0.72 + move, -0.62
    if kind == "ribbon":
        bow(brush, look, side * 0.74 + move, -1.02, 0.46, colour)
    elif kind == "twin ribbons":
        for flip in (-1, 1):
            bow(brush, look, flip * 0.96 + move * 0.4, -0.88, 0.36, colour)
    elif kind == "flower":
        for turn in range(5):
            angle = turn * 2 * np.pi / 5
            brush.fill(
                ellipse(x + 0.19 * np.cos(angle), y - 0.2 + 0.19 * np.sin(angle), 0.16, 0.13, angle), colour, line=True
            )
        brush.fill(ellipse(x, y - 0.2, 0.1, 0.1), look.tone((250.0, 220.0, 100.0)), line=True)
    elif kind == "bars":
        for step in (0.0, 0.17):
            bar = points([(-0.22, -0.05), (0.22, -0.05), (0.22, 0.05), (-0.22, 0.05)]) @ points(
                [(0.94, 0.34 * side), (-0.34 * side, 0.94)]
            )
            brush.fill(bar + offset(x, y + step), colour, line=True)
    elif kind == "cross":
        for flip in (-1, 1):
            bar = points([(-0.24, -0.05), (0.24, -0.05), (0.24, 0.05), (-0.24, 0.05)]) @ points(
                [(0.71, 0.71 * flip), (-0.71 * flip, 0.71)]
            )
            brush.fill(bar + offset(x, y), colour, line=True)
    elif kind == "star":
        brush.fill(star_shape(x, y, 0.25, 0.25), colour, line=True)
    elif kind == "heart":
        brush.fill(heart_shape(x, y, 0.2), colour, line=True)
    elif kind == "moon":
        crescent = np.concatenate(
            [bend((0.1, -0.26), (-0.4, 0.0), (0.1, 0.26)), bend((0.1, 0.26), (-0.08, 0.0), (0.1, -0.26))]
        )
        brush.fill(crescent * (1.2, 1) + offset(x, y), colour, line=True)
    elif kind == "feather":
        plume = np.concatenate(
            [bend((0, 0.1), (0.34, -0.3), (0.3, -0.85)), bend((0.3, -0.85), (-0.14, -0.4), (0, 0.1))]
        ) * (side, 1)
        brush.fill(plume + offset(side * 0.86 + move, -0.62), colour, line=True)
        brush.fill(ellipse(side * 0.86 + move, -0.56, 0.1, 0.1), lighten(colour, 0.4), line=True)
    elif kind == "beads":
        for step in range(3):
            brush.fill(ellipse(side * 0.98 + move * 0.5, -0.7 + 0.22 * step, 0.12, 0.12), colour, line=True)
    else:  # leaf
        for flip in (-1, 1):
            blade = np.concatenate([bend((0, 0), (0.3, -0.26), (0.5, 0.0)), bend((0.5, 0.0), (0.2, 0.14), (0, 0))]) * (
                flip,
                1,
            )
            brush.fill(blade * 0.9 + offset(x, y - 0.2), colour, line=True)
