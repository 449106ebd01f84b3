"""Tails, braids, drills and buns."""

from __future__ import annotations

import math

from data.drawn.brush import Brush, bend, ellipse, offset, points, ribbon, smooth
from data.drawn.colour import Number
from data.drawn.hair import hair_paint
from data.drawn.look import Look


def draw_tail(
    brush: Brush, look: Look, side: int, root: tuple[Number, Number], first: tuple[Number, Number],
    second: tuple[Number, Number], end: tuple[Number, Number], width: Number, tied: bool = True,
) -> None:  # fmt: skip
    """A tail along a spine given for the right side; the side is -1 (left in the picture) or 1."""
    sway = 0.16 * look.pose.sway
    spine = smooth([root, first, (second[0] + sway * 0.6 * side, second[1]), (end[0] + sway * side, end[1])])
    spine = look.behind(spine * (side, 1), 0.16)
    widths = (width * 0.45, width * 0.85, width, width * 0.95, width * 0.7, width * 0.25, 0.01)
    band = ribbon(spine, widths)
    brush.fill(band, hair_paint(brush, look), line=True)
    inner = spine[2:-2] + offset(0.1 * width * look.artist.light_side * -1, 0.0)
    if look.artist.shading != "flat" and not look.line_art:
        brush.stroke(inner, (0.01, width * 0.3, width * 0.3, 0.01), look.hair_dark)
    if look.artist.strands:
        brush.stroke(spine[3:-3], (0.004, 0.02, 0.004), look.brow)
    if tied:
        x, y = spine[2]
        brush.fill(ellipse(float(x), float(y), 0.13, 0.12), look.tone(look.character.accent), line=True)


def draw_braid(
    brush: Brush, look: Look, side: int, start: tuple[Number, Number], end: tuple[Number, Number], width: Number
) -> None:
    """A braid between two places given for the right side."""
    paint, count = hair_paint(brush, look), max(3, round((end[1] - start[1]) / (width * 0.75)))
    for index in range(count):
        t = index / count
        x = start[0] + (end[0] - start[0]) * t
        y = start[1] + (end[1] - start[1]) * t
        size = width * (1 - 0.25 * t)
        for flip in (-1, 1):
            shape = ellipse(flip * size * 0.28, flip * 0.02, size * 0.46, size * 0.42, flip * 0.6)
            brush.fill(look.behind(shape * (side, 1) + offset(side * x, y), 0.0), paint, line=True)
    brush.fill(ellipse(side * end[0], end[1], width * 0.34, width * 0.24), look.tone(look.character.accent), line=True)
    tuft = points([(-0.3, 0), (0.3, 0), (0.42, 0.7), (0.1, 0.6), (0, 1.0), (-0.15, 0.6), (-0.42, 0.75)]) * width
    brush.fill(tuft + offset(side * end[0], end[1] + width * 0.1), paint, line=True)


def draw_drill(
    brush: Brush, look: Look, side: int, start: tuple[Number, Number], length: Number, width: Number
) -> None:
    """A curl like a drill that hangs from a place given for the right side."""
    paint, count = hair_paint(brush, look), 5
    for index in reversed(range(count)):
        t = index / count
        size = width * (1 - 0.7 * t)
        y = start[1] + length * t
        x = start[0] + 0.1 * math.sin(3 * t + look.pose.sway)
        shape = ellipse(side * x, y + size * 0.3, size, length / count * 0.95, side * 0.35)
        brush.fill(shape, paint, line=True)
        brush.stroke(
            bend((side * x - size * 0.7, y + 0.16), (side * x, y + 0.32), (side * x + size * 0.75, y)),
            (0.01, 0.07 * width / 0.3, 0.01), look.hair_dark,
        )  # fmt: skip


def draw_tails(brush: Brush, look: Look) -> None:
    """Tails, buns and braids that stand beside the head, in front of the shoulders."""
    kind, one = look.character.tails, look.character.parting
    sides = (-1, 1)
    if kind == "twin high":
        for side in sides:
            draw_tail(brush, look, side, (0.92, -0.95), (1.36, -1.08), (1.62, 0.1), (1.44, 1.75), 0.5)
    elif kind == "twin low":
        for side in sides:
            draw_tail(brush, look, side, (0.98, 0.4), (1.2, 0.66), (1.42, 1.3), (1.24, 2.4), 0.44)
    elif kind == "twin drills":
        for side in sides:
            draw_drill(brush, look, side, (1.3, -0.62), 2.1, 0.36)
    elif kind == "twin braids":
        for side in sides:
            draw_braid(brush, look, side, (1.08, 0.6), (1.16, 2.2), 0.36)
    elif kind == "side tail":
        draw_tail(brush, look, one, (0.9, -0.8), (1.4, -0.84), (1.66, 0.24), (1.4, 1.8), 0.56)
    elif kind == "shoulder braid":
        draw_braid(brush, look, one, (0.9, 0.72), (0.92, 2.3), 0.44)
    elif kind == "shoulder tail":
        draw_tail(brush, look, one, (0.86, 0.62), (1.02, 0.9), (1.02, 1.5), (0.84, 2.5), 0.5)
    elif kind == "half up":
        for side in sides:
            draw_tail(brush, look, side, (0.82, -1.08), (1.2, -1.2), (1.5, -0.5), (1.42, 0.5), 0.34)


def draw_buns(brush: Brush, look: Look) -> None:
    """Buns, behind the cap of hair."""
    kind = look.character.tails
    paint = hair_paint(brush, look)
    places: tuple[tuple[Number, Number, Number], ...] = ()
    if kind == "twin buns":
        places = ((-0.86, -1.2, 0.4), (0.86, -1.2, 0.4))
    elif kind == "bun":
        places = ((0.3 * look.character.parting, -1.46, 0.48),)
    for x, y, radius in places:
        shape = look.behind(ellipse(x, y, radius, radius * 0.92), 0.2)
        brush.fill(shape, paint, line=True)
        arc = look.behind(bend((x - radius * 0.6, y - 0.1), (x, y - radius * 1.1), (x + radius * 0.6, y + 0.05)), 0.2)
        brush.stroke(arc, (0.005, 0.03, 0.005), look.brow)
        arc = look.behind(bend((x - radius * 0.4, y + 0.16), (x, y - radius * 0.4), (x + radius * 0.5, y + 0.2)), 0.2)
        brush.stroke(arc, (0.005, 0.03, 0.005), look.brow)


def draw_ponytail(brush: Brush, look: Look) -> None:
    """A tail that hangs behind the head."""
    if look.character.tails == "ponytail":
        draw_tail(brush, look, look.character.parting, (0.35, -1.05), (1.15, -0.9), (1.62, 0.3), (1.3, 1.5), 0.5, False)
