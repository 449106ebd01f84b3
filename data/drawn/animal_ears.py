"""Ears of animals, fins and horns, which stand on the hair."""

from __future__ import annotations

import numpy as np

from data.drawn.brush import Brush, Points, bend, ellipse, offset, points, ribbon, smooth
from data.drawn.colour import Colour, lighten, mix
from data.drawn.look import Look

_INNER: Colour = (244.0, 176.0, 178.0)


def draw_animal_ears(brush: Brush, look: Look) -> None:
    """Ears of an animal, fins and horns, on top of the hair."""
    kind = look.character.ears
    if kind not in ("human", "elf", "long elf"):
        colour = look.tone(look.character.ear_colour)
        inner = look.tone(_INNER) if not look.line_art else (225.0, 225.0, 225.0)
        move = 0.14 * look.pose.yaw
        for side in (-1, 1):
            outer, hollow = _ear(kind)
            flip = (side, 1)
            brush.fill(outer * flip + offset(move, 0), colour, line=True)
            brush.fill(hollow * flip + offset(move, 0), inner if kind != "fin" else lighten(colour, 0.35))
            if kind in ("cat", "fox"):
                for dx in (0.0, 0.09):
                    tuft = points([(0.46 + dx, -1.12), (0.56 + dx, -1.14), (0.66 + dx, -1.38)]) * flip + offset(move, 0)
                    brush.fill(tuft, look.tone((250.0, 246.0, 244.0)))
    _horns(brush, look)


def _ear(kind: str) -> tuple[Points, Points]:
    if kind == "cat":
        outer = np.concatenate(
            [bend((0.26, -1.22), (0.62, -1.62), (0.98, -1.72)), bend((0.98, -1.72), (1.16, -1.3), (1.02, -0.74))]
        )
        hollow = points([(0.48, -1.2), (0.92, -1.58), (0.97, -0.98)])
    elif kind == "fox":
        outer = np.concatenate(
            [bend((0.22, -1.22), (0.56, -1.72), (1.1, -1.88)), bend((1.1, -1.88), (1.34, -1.2), (1.06, -0.66))]
        )
        hollow = points([(0.5, -1.2), (1.02, -1.72), (1.06, -0.96)])
    elif kind == "dog":
        outer = smooth(
            [(0.42, -1.3), (0.9, -1.46), (1.4, -1.06), (1.5, -0.42), (1.28, -0.3), (1.08, -0.7)], closed=True
        )
        hollow = smooth([(0.98, -1.1), (1.28, -0.9), (1.36, -0.5), (1.2, -0.6)], closed=True)
    elif kind == "rabbit":
        outer = smooth([(0.3, -1.24), (0.34, -1.9), (0.6, -2.6), (0.86, -2.5), (0.82, -1.8), (0.7, -1.12)], closed=True)
        hollow = smooth(
            [(0.44, -1.3), (0.48, -1.9), (0.62, -2.36), (0.72, -2.2), (0.68, -1.7), (0.6, -1.24)], closed=True
        )
    elif kind == "bear":
        outer = ellipse(0.82, -1.26, 0.36, 0.34)
        hollow = ellipse(0.84, -1.24, 0.2, 0.19)
    elif kind == "horse":
        outer = smooth([(0.4, -1.2), (0.48, -1.56), (0.78, -1.86), (0.94, -1.5), (0.84, -1.04)], closed=True)
        hollow = smooth([(0.54, -1.22), (0.6, -1.5), (0.77, -1.7), (0.83, -1.44), (0.76, -1.14)], closed=True)
    else:  # fin
        outer = points(
            [
                (0.96, -0.1),
                (1.3, -0.62),
                (1.42, -0.24),
                (1.66, -0.2),
                (1.48, 0.08),
                (1.6, 0.34),
                (1.26, 0.34),
                (0.98, 0.4),
            ]
        )
        hollow = points([(1.04, 0.02), (1.26, -0.34), (1.3, -0.06), (1.42, 0.02), (1.26, 0.2), (1.04, 0.28)])
    return outer, hollow


def _horns(brush: Brush, look: Look) -> None:
    kind = look.character.horns
    colour = look.tone(mix(look.character.second_accent, (240.0, 226.0, 206.0), 0.45))
    move = 0.12 * look.pose.yaw
    if kind == "oni":
        for side in (-1, 1):
            shape = np.concatenate(
                [bend((0.3, -1.06), (0.32, -1.4), (0.5, -1.66)), bend((0.5, -1.66), (0.62, -1.3), (0.58, -1.0))]
            )
            brush.fill(shape * (side, 1) + offset(move, 0), colour, line=True)
    elif kind == "ram":
        for side in (-1, 1):
            spine = smooth([(0.78, -0.98), (1.14, -1.24), (1.46, -0.86), (1.36, -0.4), (1.08, -0.42), (1.14, -0.7)]) * (
                side,
                1,
            )
            brush.fill(ribbon(spine + offset(move, 0), (0.34, 0.34, 0.3, 0.22, 0.12, 0.02)), colour, line=True)
    elif kind == "dragon":
        for side in (-1, 1):
            main = np.concatenate(
                [bend((0.56, -1.06), (1.0, -1.26), (1.34, -1.74)), bend((1.34, -1.74), (1.2, -1.1), (0.82, -0.86))]
            )
            branch = points([(0.98, -1.2), (1.44, -1.22), (1.04, -1.04)])
            brush.fill(branch * (side, 1) + offset(move, 0), colour, line=True)
            brush.fill(main * (side, 1) + offset(move, 0), colour, line=True)
    elif kind == "unicorn":
        x = look.place(0.0, -1.0)[0]
        brush.fill(points([(x - 0.13, -0.86), (x + 0.02, -1.72), (x + 0.15, -0.86)]), colour, line=True)
        for y in (-1.0, -1.2, -1.4):
            brush.trace(points([(x - 0.1 - 0.1 * (y + 1), y), (x + 0.1 + 0.1 * (y + 1), y - 0.08)]), 0.6)
