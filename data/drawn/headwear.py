"""Hats, bands and headphones, and what of them lies behind the hair."""

from __future__ import annotations

import numpy as np

from data.drawn.brush import Brush, Points, bend, ellipse, offset, points, smooth, star_shape
from data.drawn.colour import Number
from data.drawn.look import Look


def draw_behind_head(brush: Brush, look: Look) -> None:
    """What lies behind the hair: a halo, the brim of a hat, the ears of a bear."""
    if look.character.horns == "halo":
        brush.trace(look.behind(ellipse(0, -1.42, 0.72, 0.2)), 3.2, look.tone((252.0, 222.0, 120.0)), closed=True)
    if look.character.headwear == "kerchief":
        cloth = look.tone(look.character.accent)
        brush.fill(
            smooth([(-1.16, 0.2), (-1.14, -0.9), (0, -1.6), (1.14, -0.9), (1.16, 0.2)], closed=True), cloth, line=True
        )


def draw_headwear(brush: Brush, look: Look) -> None:
    """Hats, bands and headphones."""
    kind = look.character.headwear
    if kind in ("none", "kerchief"):
        return
    colour, trim = look.tone(look.character.accent), look.tone(look.character.second_accent)
    puff = 0.05 * look.character.volume
    wide, top = 1.1 + puff, -1.4 - puff
    move = 0.12 * look.pose.yaw
    side = look.character.ornament_side

    def band(height: Number, thick: Number) -> Points:
        arc = smooth(
            [
                (-wide, -0.5),
                (-wide * 0.88, (height - 0.5) * 0.62),
                (0.0, height),
                (wide * 0.88, (height - 0.5) * 0.62),
                (wide, -0.5),
            ]
        )
        return np.concatenate([arc, (arc * (0.94, 1) + offset(0, thick))[::-1]]) + offset(move, 0)

    if kind == "band":
        brush.fill(band(-1.22, 0.17), colour, line=True)
    elif kind == "ribbon band":
        brush.fill(band(-1.2, 0.13), colour, line=True)
        for flip in (-1, 1):
            loop = smooth([(0, -1.24), (flip * 0.2, -1.66), (flip * 0.5, -1.72), (flip * 0.34, -1.32)], closed=True)
            brush.fill(loop + offset(move + side * 0.3, 0.06), colour, line=True)
    elif kind == "maid":
        for index in range(9):
            t = index / 8 * 2 - 1
            brush.fill(
                ellipse(t * 0.84 + move, -1.36 + 0.42 * t * t, 0.16, 0.17), look.tone((250.0, 250.0, 252.0)), line=True
            )
        brush.fill(band(-1.22, 0.14), colour, line=True)
    elif kind == "crown":
        base = [(-0.5, -1.1), (-0.58, -1.56), (-0.28, -1.34), (0.0, -1.7), (0.28, -1.34), (0.58, -1.56), (0.5, -1.1)]
        gold = look.tone((246.0, 204.0, 84.0))
        brush.fill(points(base) + offset(move + side * 0.16, -0.02), gold, line=True)
        for x in (-0.25, 0.0, 0.25):
            brush.fill(ellipse(x + move + side * 0.16, -1.22, 0.06, 0.07), colour)
    elif kind == "beret":
        shape = smooth(
            [(-1.14, -0.94), (-0.8, -1.5), (0.2, -1.72), (1.1, -1.5), (1.26, -1.1), (0.6, -1.02), (-0.4, -0.92)],
            closed=True,
        )
        brush.fill(shape * (side, 1) + offset(move, 0), colour, line=True)
        brush.stroke(
            bend((side * -0.95, -0.98), (0, -1.12), (side * 1.05, -1.08)), (0.06, 0.1, 0.06), look.dark(colour, 0.7)
        )
        brush.fill(star_shape(side * 0.5 + move, -1.34, 0.16, 0.16), trim, line=True)
    elif kind == "cap":
        crown = smooth([(-1.12, -0.66), (-0.98, -1.22), (0, -1.62), (0.98, -1.22), (1.12, -0.66)])
        brush.fill(
            np.concatenate([crown, bend((1.12, -0.66), (0, -1.06), (-1.12, -0.66))]) + offset(move, 0),
            colour,
            line=True,
        )
        brim = np.concatenate(
            [
                bend((-0.9, -0.78), (0, -1.16), (0.9, -0.78)),
                bend((0.9, -0.78), (0.5, -0.5), (0.0, -0.5)),
                bend((0, -0.5), (-0.5, -0.5), (-0.9, -0.78)),
            ]
        )
        brush.fill(look.turn(brim), trim, line=True)
    elif kind == "witch":
        cone = smooth(
            [(-0.92, -1.02), (-0.6, -1.7), (-0.2, -2.3), (0.5, -2.6), (0.36, -2.1), (0.66, -1.6), (0.92, -1.02)]
        )
        brush.fill(cone * (side, 1) + offset(move, 0), colour, line=True)
        brim = smooth(
            [
                (-1.74, -0.78),
                (-0.9, -1.2),
                (0, -1.28),
                (0.9, -1.2),
                (1.74, -0.78),
                (0.9, -0.9),
                (0, -0.98),
                (-0.9, -0.9),
            ],
            closed=True,
        )
        brush.fill(brim + offset(move, 0), colour, line=True)
        brush.stroke(bend((-0.92, -1.16), (0, -1.46), (0.92, -1.16)) + offset(move, 0), (0.14, 0.14), trim)
    elif kind == "headphones":
        brush.fill(band(top - 0.04, 0.14), colour, line=True)
        for flip in (-1, 1):
            brush.fill(ellipse(flip * wide * 1.04 + move, -0.06, 0.2, 0.36), trim, line=True)
            brush.fill(ellipse(flip * wide * 1.1 + move, -0.06, 0.12, 0.24), colour, line=True)
    elif kind == "goggles":
        brush.fill(band(-1.06, 0.16), look.tone((70.0, 60.0, 56.0)), line=True)
        for flip in (-1, 1):
            x, y = look.place(flip * 0.38, -0.98)
            brush.fill(ellipse(x, y, 0.33, 0.24), colour, line=True)
            brush.fill(ellipse(x, y, 0.24, 0.16), look.tone((150.0, 200.0, 220.0)), line=True)
            brush.fill(ellipse(x - 0.08, y - 0.05, 0.08, 0.04), (250.0, 250.0, 250.0))
