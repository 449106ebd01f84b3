"""What is in front of a face: a hand, a thing, loose hair."""

from __future__ import annotations

from data.drawn.brush import Brush, bend, ellipse, points, smooth
from data.drawn.colour import lighten
from data.drawn.look import Look


def draw_occlusion(brush: Brush, look: Look) -> None:
    """A hand, a thing or loose hair in front of the face."""
    kind, side = look.pose.occlusion, look.pose.occlusion_side
    colour = look.pose.occlusion_colour if not look.line_art else (255.0, 255.0, 255.0)
    if kind == "hand":
        palm = smooth([(0.62, 1.0), (0.7, 0.72), (1.02, 0.74), (1.16, 1.1), (1.3, 2.4), (0.8, 2.4)], closed=True) * (
            side,
            1,
        )
        for step, (x, y) in enumerate(((0.62, 0.4), (0.76, 0.3), (0.92, 0.32), (1.06, 0.44))):
            finger = ellipse(side * x, y + 0.24, 0.082, 0.3, side * (0.2 - 0.12 * step))
            brush.fill(finger, look.skin, line=True)
        brush.fill(palm, look.skin, line=True)
    elif kind == "fist":
        brush.fill(
            smooth([(0.1, 1.0), (0.2, 0.76), (0.52, 0.76), (0.62, 1.04), (0.8, 2.4), (0.3, 2.4)], closed=True)
            * (side, 1),
            look.skin,
            line=True,
        )
        for x in (0.24, 0.36, 0.48):
            brush.trace(points([(side * x, 0.82), (side * x, 1.0)]), 0.8, near=look.skin)
    elif kind == "cup":
        brush.fill(points([(0.1, 0.94), (0.8, 0.94), (0.72, 1.9), (0.18, 1.9)]) * (side, 1), colour, line=True)
        brush.fill(ellipse(side * 0.45, 0.94, 0.35, 0.08), lighten(colour, 0.5), line=True)
        for y in (1.2, 1.36, 1.52):
            brush.fill(ellipse(side * 0.8, y, 0.16, 0.08), look.skin, line=True)
    elif kind == "book":
        brush.fill(points([(-0.2, 1.0), (1.5, 0.76), (1.6, 3.0), (-0.1, 3.0)]) * (side, 1), colour, line=True)
        brush.fill(points([(-0.05, 1.14), (1.36, 0.94), (1.4, 1.1), (-0.04, 1.3)]) * (side, 1), lighten(colour, 0.45))
    elif kind == "wisps":
        paint = look.hair
        for start, end in (((-1.1, -0.4), (0.5, 0.5)), ((-1.1, 0.1), (0.3, 0.9)), ((-1.2, -0.1), (0.9, 0.2))):
            path = bend(start, ((start[0] + end[0]) / 2, start[1] - 0.1), end) * (side, 1)
            brush.stroke(path, (0.07, 0.06, 0.01), paint)
