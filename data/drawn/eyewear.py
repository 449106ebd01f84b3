"""Glasses, monocles and eye patches."""

from __future__ import annotations

import numpy as np

from data.drawn.brush import Brush, bend, ellipse, offset, points, smooth
from data.drawn.colour import mix
from data.drawn.eyes import eye_place
from data.drawn.look import Look


def draw_eyewear(brush: Brush, look: Look) -> None:
    """Glasses, a monocle or an eye patch."""
    kind = look.character.eyewear
    if kind == "none":
        return
    frame = look.tone(look.character.second_accent)
    if sum(frame) > 560:
        frame = mix(frame, (40.0, 30.0, 40.0), 0.6)
    if kind == "eye patch":
        side = look.character.parting
        x, y, width, height = eye_place(look, side)
        strap = points([(x - side * 0.2, y - height), (-side * 0.95, -0.5)])
        brush.trace(strap, 1.8, (40.0, 36.0, 44.0))
        brush.trace(points([(x + side * 0.2, y), (side * 1.02, y - 0.1)]), 1.8, (40.0, 36.0, 44.0))
        white = sum(look.character.accent) > 420
        patch = smooth([(-1.1, -0.75), (1.1, -0.75), (1.0, 0.5), (0, 1.1), (-1.0, 0.5)], closed=True) * (
            width,
            height,
        ) + offset(x, y)
        brush.fill(patch, (246.0, 246.0, 246.0) if white else (44.0, 40.0, 48.0), line=True)
        return
    inner = []
    for side in (-1, 1):
        if kind == "monocle" and side != look.character.parting:
            continue
        x, y, width, height = eye_place(look, side)
        rw = max(width * 1.22, 0.28)
        if kind in ("round", "monocle"):
            rim = ellipse(x, y + 0.03, rw * 1.05, max(height * 1.12, rw))
        else:
            rim = smooth(
                [(-1.05, -0.62), (0, -0.72), (1.05, -0.62), (0.98, 0.6), (0.5, 0.82), (-0.5, 0.82), (-0.98, 0.6)],
                closed=True,
            ) * (rw, max(height * 1.15, 0.26)) + offset(x, y + 0.06)
        brush.fill(rim, (235.0, 245.0, 255.0), opacity=0.16)
        if kind == "half rim":
            low = rim[rim[:, 1] > y + 0.02]
            order = np.argsort(low[:, 0])
            brush.trace(low[order], 1.6, frame)
        else:
            brush.trace(rim, 1.5, frame, closed=True)
        brush.fill(
            points(
                [(x - rw * 0.5, y - 0.2), (x - rw * 0.3, y - 0.2), (x - rw * 0.62, y + 0.12), (x - rw * 0.76, y + 0.06)]
            ),
            (255.0, 255.0, 255.0),
            opacity=0.4,
        )
        inner.append((x - side * rw * 1.05, y))
        brush.trace(points([(x + side * rw * 1.05, y - 0.05), (side * 1.02, y - 0.12)]), 1.2, frame)
    if len(inner) == 2:
        (ax, ay), (bx, by) = inner
        brush.trace(bend((ax, ay), ((ax + bx) / 2, (ay + by) / 2 - 0.1), (bx, by)), 1.5, frame)
    elif inner:
        x, y = inner[0]
        side = look.character.parting
        brush.trace(
            bend((x + side * 0.5, y + 0.2), (x + side * 0.7, y + 0.7), (side * 0.95, 1.2)),
            0.7,
            look.tone((230.0, 190.0, 90.0)),
        )
