"""Single locks: at the sides of the face, out of the outline, and up from the crown."""

from __future__ import annotations

import math

import numpy as np

from data.drawn.brush import Brush, Points, bend, ellipse, offset, points, ribbon, smooth
from data.drawn.colour import Number
from data.drawn.hair import hair_paint
from data.drawn.look import Look
from data.drawn.tails import draw_braid, draw_drill


def draw_side_locks(brush: Brush, look: Look) -> None:
    """Locks in front of the ears."""
    kind, paint = look.character.sides, hair_paint(brush, look)
    if kind == "none":
        return
    sway = 0.08 * look.pose.sway
    for side in (-1, 1):
        if look.character.one_sided and side != look.character.parting:
            continue
        move = 0.1 * look.pose.yaw
        if kind == "braid":
            draw_braid(brush, look, side, (0.98, 0.15), (1.0, 1.15), 0.2)
            continue
        if kind == "curl":
            draw_drill(brush, look, side, (1.04, 0.05), 1.1, 0.17)
            continue
        length, root, width = {
            "short": (0.5, 0.2, 0.2), "jaw": (0.98, 0.24, 0.24), "long": (2.3, 0.26, 0.32), "hime": (0.74, 0.3, 0.36),
            "thick": (1.4, 0.34, 0.46), "tied": (1.7, 0.24, 0.24),
        }[kind]  # fmt: skip
        x = 1.0
        if kind == "hime":
            shape = points([(x - root + 0.04, -0.5), (x + 0.1, -0.5), (x + 0.13, length), (x - root, length)])
        else:
            inner = bend((x - root, -0.5), (x - root * 0.72, length * 0.3), (x - 0.02 + sway, length))
            outer = bend((x + sway, length), (x + width * 0.74, length * 0.45), (x + 0.1, -0.5))
            shape = np.concatenate([inner, outer])
            if kind in ("long", "thick"):
                fork = points(
                    [(x + 0.0 + sway, length), (x + 0.08 + sway * 0.6, length * 0.72), (x + 0.16 + sway, length * 0.9)]
                )
                shape = np.concatenate([inner, fork, outer[2:]])
        if side * look.pose.yaw > 0:  # the far side shows less
            shape[:, 0] = 1.1 + (shape[:, 0] - 1.1) * (1 - 1.1 * abs(look.pose.yaw))
        shape = shape * (side * look.width, 1) + offset(move, 0)
        brush.fill(shape, paint, line=True)
        if look.artist.shading != "flat" and not look.line_art and side != look.artist.light_side:
            half = len(shape) // 2
            core = (shape[:half] + shape[::-1][:half]) / 2 if half > 3 else shape[:2]
            brush.stroke(core, (0.02, width * 0.3, 0.01), look.hair_dark)
        if kind == "tied":
            for y in (0.95, 1.08):
                brush.fill(
                    ellipse(side * (x + 0.05) * look.width + move + sway * 0.3 * side, y, 0.13, 0.06),
                    look.tone(look.character.accent),
                    line=True,
                )


# angles from straight up, in radians, and lengths of the locks that stick out
_FLUFF = {
    "smooth": (),
    "flicks": ((1.95, 0.2), (1.55, 0.14)),
    "tufts": ((2.05, 0.24), (1.7, 0.2), (1.3, 0.2), (0.9, 0.16)),
    "messy": ((2.1, 0.3), (1.85, 0.2), (1.55, 0.28), (1.2, 0.2), (0.85, 0.24), (0.45, 0.16), (0.1, 0.16)),
}


def draw_fluff(brush: Brush, look: Look) -> None:
    """Locks that stick out of the outline of the head."""
    paint = hair_paint(brush, look)
    puff, cut = look.character.volume, look.character.cut
    wide, high = 1.08 + 0.05 * puff, 1.12 + 0.07 * puff
    for side in (-1, 1):
        for index, (angle, length) in enumerate(_FLUFF[look.character.fluff]):
            angle += 0.12 * cut[(index + 5 * side) % len(cut)]
            length *= 1 + 0.4 * cut[(index + 11) % len(cut)]

            def at(turn: Number, reach: Number, side: int = side) -> tuple[float, float]:
                return (side * wide * reach * math.sin(turn), -0.24 - high * reach * math.cos(turn))

            tip = at(angle + 0.24, 1 + length)
            start, end = at(angle - 0.3, 0.93), at(angle + 0.2, 0.93)
            lock = np.concatenate(
                [bend(start, at(angle - 0.05, 1.04 + 0.3 * length), tip), bend(tip, at(angle + 0.18, 1.0), end)]
            )
            brush.fill(lock + offset(0.1 * look.pose.yaw, 0), paint, line=True)


def draw_ahoge(brush: Brush, look: Look) -> None:
    """Strands that stand up from the crown."""
    kind, side = look.character.ahoge, look.character.parting
    if kind == "none":
        return
    paint = hair_paint(brush, look)
    if not isinstance(paint, tuple):
        paint = look.hair
    top = -1.32 - 0.07 * look.character.volume
    move = 0.1 * look.pose.sway

    def lock(path: Points, widths: tuple[Number, ...]) -> None:
        brush.fill(ribbon(path * (side, 1) + offset(0.12 * look.pose.yaw, 0), widths), paint, line=True)

    if kind == "curl":
        lock(
            smooth([(0.0, top + 0.06), (0.1, top - 0.22), (0.45 + move, top - 0.3), (0.66 + move, top - 0.06)]),
            (0.16, 0.14, 0.1, 0.01),
        )
    elif kind == "straight":
        lock(smooth([(0.0, top + 0.06), (-0.02, top - 0.2), (0.14 + move, top - 0.44)]), (0.16, 0.12, 0.01))
    elif kind == "double":
        for flip in (-1, 1):
            lock(
                smooth([(0.0, top + 0.06), (flip * 0.1, top - 0.2), (flip * (0.42 + move), top - 0.24)]),
                (0.12, 0.1, 0.01),
            )
    elif kind == "heart":
        for flip in (-1, 1):
            path = smooth([(0.0, top + 0.05), (flip * 0.3, top - 0.22), (flip * 0.2, top - 0.4), (0.0, top - 0.26)])
            brush.stroke(path + offset(0.12 * look.pose.yaw, 0), (0.06, 0.07, 0.06, 0.04), paint)
    else:
        lock(
            smooth([(0.0, top + 0.06), (0.3, top - 0.2), (0.06, top - 0.3), (0.5 + move, top - 0.4)]),
            (0.15, 0.12, 0.09, 0.01),
        )
