"""Hair: its paint, and the mass behind the head."""

from __future__ import annotations

import cv2
import numpy as np

from data.drawn.brush import Brush, Paint, Points, bend, points, smooth
from data.drawn.character import TIED
from data.drawn.colour import Number, mix
from data.drawn.look import Look

_REACH = 2.6  # half the side of the square of head units that a hair texture covers


def hair_paint(brush: Brush, look: Look, dark: bool = False) -> Paint:
    """The colour of the hair, or a picture of it where it changes from place to place."""
    pattern = look.character.pattern
    base, second = (look.hair_dark, look.dark(look.second, 0.8)) if dark else (look.hair, look.second)
    if pattern in ("plain", "streak") or (pattern == "inner" and not dark):
        return base
    if pattern == "inner":
        return second
    side = 64
    height = np.linspace(-_REACH, _REACH, side)[:, None]
    width = np.linspace(-_REACH, _REACH, side)[None, :]
    if pattern == "tips":
        share = np.clip(height / 0.9, 0, 1) + 0 * width
    elif pattern == "roots":
        share = np.clip((-0.75 - height) / 0.4, 0, 1) + 0 * width
    elif pattern == "split":
        share = np.clip((width * look.character.parting - look.pose.yaw * 1.2) * 14 + 0.5, 0, 1) + 0 * height
    else:
        share = np.clip(np.sin(5.4 * width + 0.8 * np.sin(3 * height)) * 5 - 2.4, 0, 1)
    texture = np.array(base) + (np.array(second) - np.array(base)) * share[:, :, None]
    texture = np.rint(texture).clip(0, 255).astype(np.uint8)
    grid = np.array([[2 * _REACH / (side - 1), 0, -_REACH], [0, 2 * _REACH / (side - 1), -_REACH], [0, 0, 1]])
    full = np.vstack([brush.frame, [0, 0, 1]]) @ grid
    shape = brush.picture.shape
    return cv2.warpAffine(
        texture, full[:2], (shape[1], shape[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _edge(look: Look, tips: int, left: Number, right: Number, y: Number, depth: Number, seed: int) -> Points:
    """The lower edge of hair from right to left as locks ending in points."""
    cut = look.character.cut
    xs = np.linspace(right, left, 2 * tips + 1)
    path = []
    for index in range(tips):
        wobble = cut[(seed + index) % len(cut)]
        start, end = xs[2 * index], xs[2 * index + 2]
        tip = (xs[2 * index + 1] + 0.12 * wobble, y + depth * (1 + 0.5 * wobble))
        path.append(bend((start, y), (start - 0.02, y + depth * 0.6), tip)[:-1])
        path.append(bend(tip, (end + 0.02, y + depth * 0.5), (end, y))[:-1])
    path.append(points([(xs[-1], y)]))
    return np.concatenate(path)


def _mass(look: Look) -> Points:
    """The outline of the hair behind the head."""
    character = look.character
    back, longer = character.back, character.back_length
    wide = 1.14 + 0.07 * character.volume
    top = -1.34 - 0.07 * character.volume
    sway = 0.12 * look.pose.sway
    crown = [(0.0, top), (0.6 * wide, top * 0.87), (wide * 0.93, -0.72), (wide, -0.1)]
    # length, width of the ends, tips, depth of tips
    length, spread, tips, depth = {
        "cropped": (0.52, 0.72, 5, 0.16),
        "bob": (0.86, 1.14, 5, 0.08),
        "flared": (0.84, 1.36, 5, 0.16),
        "curled": (0.9, 1.0, 4, -0.02),
        "medium": (1.34, 1.2, 6, 0.22),
        "waves": (1.28, 1.34, 5, 0.18),
        "long": (3.0, 1.3, 7, 0.3),
        "long waves": (2.9, 1.5, 6, 0.3),
        "wolf": (1.2, 1.18, 6, 0.36),
        "spikes": (0.72, 1.26, 5, 0.34),
        "box": (1.04, 1.2, 8, 0.0),
    }[back]
    if character.tails in TIED:
        length, spread, tips, depth = min(length, 0.6), min(spread, 0.86), 4, 0.1
        back = "cropped"
    length += longer * min(1.0, length)
    right: list[tuple[Number, Number]] = list(crown)
    if back in ("waves", "long waves"):
        steps = max(3, round((length - 0.2) / 0.36))
        for step in range(1, steps):
            t = step / steps
            right.append((wide + (spread - wide) * t + 0.09 * (-1) ** step + sway * t * t, 0.2 + (length - 0.2) * t))
    elif back == "curled":
        right += [(wide * 1.07, 0.45), (wide * 1.02, length - 0.08), (spread * 0.84, length + 0.05)]
    elif back == "flared":
        right += [(wide * 0.98, 0.36), (spread, length - 0.06)]
    elif back == "spikes":
        right += [(wide * 1.24, 0.02), (wide * 1.0, 0.2), (wide * 1.26, 0.5), (wide * 0.96, 0.56)]
    elif back == "wolf":
        right += [(wide * 1.14, 0.34), (wide * 0.92, 0.46), (spread * 1.06, length * 0.8), (spread * 0.9, length)]
    else:
        right += [(wide + (spread - wide) * 0.4, length * 0.5), (spread, length)]
    right_path = points(right)
    left_path = points(right) * (-1, 1)
    if sway and length > 1.1:
        for path in (right_path, left_path):
            path[:, 0] += sway * np.clip(path[:, 1] - 0.4, 0, 2) * 0.5
    end_r, end_l = right_path[-1], left_path[-1]
    if back == "spikes":
        sides_r, sides_l = (
            np.concatenate([smooth(right_path[:4]), right_path[4:]]),
            np.concatenate([smooth(left_path[:4]), left_path[4:]]),
        )
    else:
        sides_r, sides_l = smooth(right_path), smooth(left_path)
    edge = _edge(look, tips, float(end_l[0]), float(end_r[0]), float(end_r[1]), depth, 3)
    return np.concatenate([sides_r[:-1], edge, sides_l[::-1]])


def draw_hair_behind(brush: Brush, look: Look) -> None:
    """What hangs behind neck and shoulders."""
    paint = hair_paint(brush, look, dark=True)
    shape = _mass(look)
    brush.fill(look.behind(shape, 0.12), paint, line=True)
    if look.artist.strands and not look.line_art:
        dark = mix(look.hair_dark, (20.0, 10.0, 30.0), 0.3)
        for x in (-0.86, 0.88):
            path = look.behind(bend((x, 0.2), (x * 1.1, 0.7), (x * 1.12, min(1.6, shape[:, 1].max() - 0.15))), 0.12)
            brush.stroke(path, (0.004, 0.03, 0.004), dark)
