"""Neck, shoulders and what is worn on them."""

from __future__ import annotations

import numpy as np

from data.drawn.brush import Brush, bend, ellipse, offset, points, smooth
from data.drawn.colour import Colour, Number, mix
from data.drawn.look import Look


def _torso(build: Number) -> np.ndarray:
    right = points([
        (0.3, 1.2), (0.5, 1.36), (1.02 * build, 1.52), (1.36 * build, 1.72), (1.3 * build, 2.5), (1.08 * build, 3.6),
        (1.06 * build, 4.3),
    ])  # fmt: skip
    edge = np.concatenate([smooth(right), [(1.5 * build, 7.0), (1.9 * build, 60.0)]])
    return np.concatenate([edge, edge[::-1] * (-1, 1)])


def _waist(build: Number) -> np.ndarray:
    right = points([(1.3, 2.5), (1.08, 3.6), (1.06, 4.3)]) * (build, 1)
    return np.concatenate([right, right[::-1] * (-1, 1)])


def _draw_arms(brush: Brush, look: Look, build: Number, sleeve: Colour) -> None:
    arm = smooth([
        (1.0, 1.6), (1.36, 1.7), (1.62, 2.1), (1.74, 3.2), (1.74, 4.5), (1.38, 4.5), (1.32, 3.3), (1.18, 2.5),
    ], closed=True)  # fmt: skip
    for side in (-1, 1):
        brush.fill(ellipse(side * 1.55 * build, 4.66, 0.17, 0.26), look.skin, line=True)
        brush.fill(arm * (side * build, 1), sleeve, line=True)


def draw_body(brush: Brush, look: Look) -> None:
    """Neck, shoulders, clothes and what is worn round the neck."""
    character = look.character
    build = character.build * (1 - 0.16 * look.artist.chibi)
    cloth, trim = look.tone(character.cloth_colour), look.tone(character.trim_colour)
    accent = look.tone(character.second_accent)
    kind = character.clothes
    thin = 0.3 * build
    neck = points(
        [
            (-thin, 0.6),
            (thin, 0.6),
            (thin * 1.05, 1.22),
            (thin * 1.9, 1.5),
            (0, 2.0),
            (-thin * 1.9, 1.5),
            (-thin * 1.05, 1.22),
        ]
    )
    brush.fill(neck, look.skin, line=True)
    shadow = points(
        [(-thin, 0.7), (thin, 0.7), (thin, 1.2), (0.05 - look.artist.light_side * 0.1, 1.36), (-thin, 1.16)]
    )
    brush.fill(shadow, look.skin_dark)
    bare = kind == "bare shoulders"
    _draw_arms(brush, look, build, look.skin if bare else cloth)
    torso = _torso(build)
    brush.fill(torso, look.skin if bare else cloth)
    for half in (torso[: len(torso) // 2], torso[len(torso) // 2 :]):
        brush.trace(half, near=cloth)
    skirt = points(
        [(1.05, 4.2), (1.1, 4.6), (1.7, 7.0), (2.1, 60.0), (-2.1, 60.0), (-1.7, 7.0), (-1.1, 4.6), (-1.05, 4.2)]
    )
    brush.fill(
        skirt * (build, 1), look.dark(trim if kind not in ("kimono", "frills", "cape") else cloth, 0.4), line=True
    )
    dark = look.dark(cloth, 0.7)
    if look.artist.shading != "flat":
        side = -look.artist.light_side
        for x, y in ((0.8, 2.0), (1.25, 2.5)):
            brush.stroke(
                bend((side * x, y), (side * (x - 0.12), y + 0.5), (side * (x + 0.05), y + 1.2)),
                (0.01, 0.12, 0.02),
                dark,
            )
        if kind != "bare shoulders":
            brush.stroke(bend((-side * 1.2, 2.2), (-side * 1.1, 2.6), (-side * 1.2, 3.4)), (0.01, 0.07, 0.01), dark)
    _outfit(brush, look, build, cloth, dark, trim, accent)
    _neckwear(brush, look, build)


def _bow(brush: Brush, look: Look, x: Number, y: Number, size: Number, colour: tuple[Number, Number, Number]) -> None:
    for side in (-1, 1):
        wing = smooth(
            [(0, 0), (side * 0.5, -0.32), (side * 0.95, -0.3), (side * 0.9, 0.3), (side * 0.45, 0.28)], closed=True
        )
        tail = points([(0, 0), (side * 0.2, 0.05), (side * 0.55, 0.95), (side * 0.2, 0.85)])
        brush.fill(tail * size + offset(x, y), look.dark(colour, 0.5), line=True)
        brush.fill(wing * size + offset(x, y), colour, line=True)
    brush.fill(ellipse(x, y, size * 0.2, size * 0.2), colour, line=True)


def _outfit(
    brush: Brush, look: Look, build: Number, cloth: tuple[Number, Number, Number], dark: tuple[Number, Number, Number],
    trim: tuple[Number, Number, Number], accent: tuple[Number, Number, Number],
) -> None:  # fmt: skip
    kind = look.character.clothes
    sides = (-1, 1)
    vee = points([(-0.36, 1.26), (0.36, 1.26), (0, 2.05)])
    white = look.tone((246.0, 246.0, 248.0))
    if kind == "sailor":
        brush.fill(vee, look.skin)
        for side in sides:
            collar = points([(0.26, 1.18), (0.62, 1.34), (1.08, 1.72), (0.78, 2.1), (0.0, 2.2), (0.32, 1.5)]) * (
                side,
                1,
            )
            brush.fill(collar, trim, line=True)
            stripe = points([(0.4, 1.4), (0.92, 1.74), (0.7, 1.98), (0.1, 2.1)]) * (side, 1)
            brush.trace(stripe, 1.3, white)
        _bow(brush, look, 0.0, 2.16, 0.42, accent)
    elif kind in ("tie", "bow", "blazer"):
        if kind == "blazer":
            brush.fill(points([(-0.42, 1.28), (0.42, 1.28), (0, 2.9)]), white)
        for side in sides:
            collar = points([(0.24, 1.14), (0.42, 1.22), (0.62, 1.6), (0.34, 1.82), (0.0, 1.46)]) * (side, 1)
            if kind == "blazer":
                lapel = points([(0.36, 1.3), (0.66, 1.42), (0.8, 1.8), (0.56, 1.9), (0.02, 3.0)]) * (side, 1)
                brush.fill(lapel, dark, line=True)
            brush.fill(
                collar,
                white if kind != "tie" else look.tone(mix(look.character.cloth_colour, (255.0, 255.0, 255.0), 0.8)),
                line=True,
            )
        if kind == "bow":
            _bow(brush, look, 0.0, 1.56, 0.5, accent)
        else:
            brush.fill(points([(-0.12, 1.46), (0.12, 1.46), (0.2, 2.6), (0, 2.8), (-0.2, 2.6)]), accent, line=True)
            brush.fill(
                points([(-0.14, 1.42), (0.14, 1.42), (0.1, 1.64), (-0.1, 1.64)]), look.dark(accent, 0.4), line=True
            )
    elif kind == "hoodie":
        for side in sides:
            hood = smooth(
                [(0.1, 1.66), (0.34, 1.24), (0.72, 1.1), (1.02, 1.36), (0.78, 1.76), (0.3, 1.98)], closed=True
            ) * (side, 1)
            brush.fill(hood, look.dark(cloth, 0.35), line=True)
        for side in sides:
            brush.trace(points([(side * 0.22, 1.8), (side * 0.25, 2.5)]), 2.0, trim)
    elif kind == "kimono":
        brush.fill(vee, look.skin)
        for side in (look.character.parting, -look.character.parting):
            band = points([(0.3, 1.14), (0.62, 1.3), (-0.3, 2.8), (-0.6, 2.6), (0.0, 1.8)]) * (side, 1)
            brush.fill(band, trim if side == look.character.parting else white, line=True)
        brush.trace(points([(-0.9, 1.7), (-0.2, 3.2)]), 0.8, dark)
    elif kind == "turtleneck":
        brush.fill(points([(-0.4, 0.98), (0.4, 0.98), (0.5, 1.45), (-0.5, 1.45)]), cloth, line=True)
        for x in (-0.24, 0.0, 0.24):
            brush.trace(points([(x, 1.08), (x * 1.1, 1.4)]), 0.6, dark)
    elif kind == "tee":
        brush.fill(ellipse(0, 1.28, 0.52, 0.3), look.skin)
        brush.trace(bend((-0.52, 1.28), (0, 1.92), (0.52, 1.28)), 2.6, trim)
    elif kind == "bare shoulders":
        below = np.concatenate([bend((-1.32 * build, 2.1), (0, 1.98), (1.32 * build, 2.1)), _waist(build)])
        brush.fill(below, cloth, line=True)
        brush.trace(bend((-1.32 * build, 2.2), (0, 2.06), (1.32 * build, 2.2)), 2.2, trim)
        for side in sides:
            brush.trace(points([(side * 0.5, 1.4), (side * 0.7, 2.06)]), 2.4, cloth)
            brush.trace(bend((side * 0.1, 1.66), (side * 0.4, 1.58), (side * 0.7, 1.62)), 0.5, look.skin_dark)
    elif kind == "uniform":
        for side in sides:
            collar = points([(0.02, 1.3), (0.34, 1.04), (0.46, 1.06), (0.52, 1.36), (0.04, 1.62)]) * (side, 1)
            brush.fill(collar, cloth, line=True)
            brush.trace(collar[1:4], 1.5, trim)
            brush.fill(
                points([(0.86, 1.42), (1.5, 1.7), (1.4, 1.92), (0.8, 1.62)]) * (side * build, 1), trim, line=True
            )
        brush.trace(points([(0, 1.62), (0, 4.0)]), 1.2, dark)
        for y in (1.9, 2.4, 2.9):
            brush.fill(ellipse(0.16, y, 0.07, 0.07), trim, line=True)
    elif kind == "frills":
        brush.fill(vee * (1.1, 0.86) + offset(0, 0.16), white)
        count = 9
        for index in range(count):
            t = index / (count - 1) * 2 - 1
            brush.fill(ellipse(t * 0.72, 1.66 - 0.34 * abs(t), 0.15, 0.14), white, line=True)
        _bow(brush, look, 0.0, 1.62, 0.4, accent)
    else:  # cape
        for side in sides:
            fold = smooth(
                [
                    (0.06, 1.5),
                    (0.4, 1.12),
                    (0.98, 1.3),
                    (1.74 * build, 1.86),
                    (1.96 * build, 3.4),
                    (0.6, 3.6),
                    (0.3, 2.2),
                ],
                closed=True,
            ) * (side, 1)
            brush.fill(fold, trim, line=True)
        brush.fill(ellipse(0, 1.56, 0.16, 0.16), accent, line=True)


def _neckwear(brush: Brush, look: Look, build: Number) -> None:
    kind = look.character.neckwear
    if kind == "none":
        return
    colour = look.tone(look.character.accent)
    thin = 0.31 * build
    band = np.concatenate([bend((-thin, 1.12), (0, 1.26), (thin, 1.12)), bend((thin, 1.24), (0, 1.4), (-thin, 1.24))])
    if kind == "scarf":
        wrap = smooth(
            [(-0.62, 1.1), (0, 1.28), (0.62, 1.1), (0.78, 1.4), (0.3, 1.72), (-0.3, 1.72), (-0.78, 1.4)], closed=True
        )
        brush.fill(wrap, colour, line=True)
        side = look.character.parting
        brush.fill(
            points([(0.2, 1.6), (0.6, 1.5), (0.72, 2.7), (0.28, 2.7)]) * (side, 1), look.dark(colour, 0.4), line=True
        )
        brush.trace(bend((-0.66, 1.3), (0, 1.56), (0.66, 1.3)), 0.7, look.dark(colour, 1.0))
    elif kind in ("choker", "bell"):
        brush.fill(band, colour, line=True)
        if kind == "bell":
            brush.fill(ellipse(0, 1.42, 0.13, 0.13), look.tone((244.0, 200.0, 70.0)), line=True)
            brush.trace(points([(-0.1, 1.44), (0.1, 1.44)]), 0.8, (70.0, 50.0, 30.0))
    elif kind == "pendant":
        brush.trace(bend((-thin * 1.1, 1.2), (0, 2.1), (thin * 1.1, 1.2)), 1.1, colour)
        brush.fill(points([(0, 1.56), (0.1, 1.7), (0, 1.86), (-0.1, 1.7)]), colour, line=True)
    else:
        for side in (-1, 1):
            brush.fill(points([(0.0, 1.28), (0.36, 1.04), (0.56, 1.3), (0.2, 1.5)]) * (side, 1), colour, line=True)
