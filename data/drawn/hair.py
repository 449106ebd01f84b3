"""Hair: the mass behind the head, tails, the cap with its fringe, side locks and stray strands."""

from __future__ import annotations

import math

import cv2
import numpy as np

from data.drawn.brush import Brush, Paint, Points, bend, ellipse, offset, points, ribbon, smooth
from data.drawn.colour import Number, lighten, mix
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
        share = np.clip((height - 0.0) / 0.9, 0, 1) + 0 * width
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


def _mass(look: Look) -> tuple[Points, bool]:
    """The outline of the hair behind the head, and whether it reaches below the shoulders."""
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
    if character.tails in ("bun", "twin buns", "ponytail", "twin high", "twin low", "twin drills", "twin braids",
                           "side tail", "shoulder braid", "shoulder tail"):  # fmt: skip
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
        right += [(wide * 1.0 + (spread - wide) * 0.4, (length + 0.0) * 0.5), (spread, length)]
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
    return np.concatenate([sides_r[:-1], edge, sides_l[::-1]]), length > 1.1


def draw_hair_behind(brush: Brush, look: Look) -> None:
    """What hangs behind neck and shoulders."""
    paint = hair_paint(brush, look, dark=True)
    if look.character.tails == "ponytail":
        _tail(brush, look, look.character.parting, (0.35, -1.05), (1.15, -0.9), (1.62, 0.3), (1.3, 1.5), 0.5, False)
    shape, _ = _mass(look)
    brush.fill(look.behind(shape, 0.12), paint, line=True)
    if look.artist.strands and not look.line_art:
        dark = mix(look.hair_dark, (20.0, 10.0, 30.0), 0.3)
        for x in (-0.86, 0.88):
            path = look.behind(bend((x, 0.2), (x * 1.1, 0.7), (x * 1.12, min(1.6, shape[:, 1].max() - 0.15))), 0.12)
            brush.stroke(path, (0.004, 0.03, 0.004), dark)


def _tail(
    brush: Brush, look: Look, side: int, root: tuple[Number, Number], first: tuple[Number, Number],
    second: tuple[Number, Number], end: tuple[Number, Number], width: Number, tied: bool = True,
) -> None:  # fmt: skip
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


def _braid(
    brush: Brush, look: Look, side: int, start: tuple[Number, Number], end: tuple[Number, Number], width: float
) -> None:
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


def _drill(brush: Brush, look: Look, side: int, start: tuple[Number, Number], length: Number, width: Number) -> None:
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
            _tail(brush, look, side, (0.92, -0.95), (1.36, -1.08), (1.62, 0.1), (1.44, 1.75), 0.5)
    elif kind == "twin low":
        for side in sides:
            _tail(brush, look, side, (0.98, 0.4), (1.2, 0.66), (1.42, 1.3), (1.24, 2.4), 0.44)
    elif kind == "twin drills":
        for side in sides:
            _drill(brush, look, side, (1.3, -0.62), 2.1, 0.36)
    elif kind == "twin braids":
        for side in sides:
            _braid(brush, look, side, (1.08, 0.6), (1.16, 2.2), 0.36)
    elif kind == "side tail":
        _tail(brush, look, one, (0.9, -0.8), (1.4, -0.84), (1.66, 0.24), (1.4, 1.8), 0.56)
    elif kind == "shoulder braid":
        _braid(brush, look, one, (0.9, 0.72), (0.92, 2.3), 0.44)
    elif kind == "shoulder tail":
        _tail(brush, look, one, (0.86, 0.62), (1.02, 0.9), (1.02, 1.5), (0.84, 2.5), 0.5)
    elif kind == "half up":
        for side in sides:
            _tail(brush, look, side, (0.82, -1.08), (1.2, -1.2), (1.5, -0.5), (1.42, 0.5), 0.34)


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


def _fringe_locks(look: Look) -> list[tuple[tuple[Number, Number], tuple[Number, Number], tuple[Number, Number]]]:
    """Locks from left to right as (left root, tip, right root), for a head seen from the front."""
    character = look.character
    kind, side, cut = character.fringe, character.parting, character.cut
    low = character.fringe_length
    locks = []

    def row(edges: np.ndarray, root: list[Number], tip: list[Number], lean: list[Number]) -> None:
        for index in range(len(tip)):
            left, right = float(edges[index]), float(edges[index + 1])
            wobble, drop = cut[index % len(cut)], cut[(index + 9) % len(cut)]
            locks.append((
                (left, root[index]),
                ((left + right) / 2 + lean[index] + 0.05 * wobble, tip[index] + low + 0.07 * drop),
                (right, root[index + 1]),
            ))  # fmt: skip

    outer = 1.02
    if kind == "blunt":
        row(
            np.linspace(-outer, outer, 7),
            [-0.1, *[-0.2 + low] * 5, -0.1],
            [-0.02, -0.07, -0.07, -0.07, -0.07, -0.02],
            [0.0] * 6,
        )
    elif kind == "arch":
        row(
            np.linspace(-outer, outer, 6),
            [0.0, -0.3, -0.44, -0.44, -0.3, 0.0],
            [0.2, -0.12, -0.22, -0.12, 0.2],
            [0.06, 0.03, 0.0, -0.03, -0.06],
        )
    elif kind == "spiky":
        row(
            np.linspace(-outer, outer, 7),
            [0.0, -0.46, -0.56, -0.6, -0.56, -0.46, 0.0],
            [0.34, 0.02, 0.06, 0.06, 0.02, 0.34],
            [side * 0.08] * 6,
        )
    elif kind == "strand":
        row(
            points([(-outer, 0), (-0.66, 0), (-0.16, 0), (0.16, 0), (0.66, 0), (outer, 0)])[:, 0],
            [0.0, -0.4, -0.74, -0.74, -0.4, 0.0],
            [0.34, 0.02, 0.3, 0.02, 0.34],
            [0.04, -0.14, 0.03 * side, 0.14, -0.04],
        )
    elif kind == "swept":
        edges = np.array([-outer, -0.52, -0.14, 0.26, 0.64, outer])
        roots, tips, lean = (
            [0.0, -0.72, -0.62, -0.5, -0.34, 0.05],
            [0.36, -0.24, -0.1, 0.0, 0.36],
            [-0.06, 0.24, 0.26, 0.24, 0.06],
        )
        if side < 0:
            edges, roots, tips, lean = -edges[::-1], roots[::-1], tips[::-1], [-v for v in lean[::-1]]
        row(edges, roots, tips, lean)
    elif kind == "parted":
        row(
            np.array([-outer, -0.7, -0.36, 0.0, 0.36, 0.7, outer]),
            [0.05, -0.34, -0.56, -0.86, -0.56, -0.34, 0.05],
            [0.42, 0.04, -0.2, -0.2, 0.04, 0.42],
            [-0.02, -0.16, -0.2, 0.2, 0.16, 0.02],
        )
    elif kind == "curtain":
        row(
            np.array([-outer, -0.8, 0.0, 0.8, outer]),
            [0.1, 0.0, -0.9, 0.0, 0.1],
            [0.7, 0.5, 0.5, 0.7],
            [0.0, -0.42, 0.42, 0.0],
        )
    elif kind == "veil":
        edges = np.array([-outer, -0.7, -0.3, 0.16, 0.88, outer])
        roots, tips, lean = (
            [0.0, -0.46, -0.62, -0.66, 0.0, 0.1],
            [0.34, -0.08, -0.06, 0.66, 0.7],
            [-0.02, -0.06, 0.08, 0.08, 0.0],
        )
        if side < 0:
            edges, roots, tips, lean = -edges[::-1], roots[::-1], tips[::-1], [-v for v in lean[::-1]]
        row(edges, roots, tips, lean)
    elif kind == "open":
        row(np.array([-outer, -0.84, 0.84, outer]), [0.06, -0.3, -0.3, 0.06], [0.3, -0.86, 0.3], [0.02, 0.0, -0.02])
    elif kind == "micro":
        row(
            np.linspace(-outer, outer, 8),
            [0.0, *[-0.5] * 6, 0.0],
            [0.24, -0.38, -0.4, -0.42, -0.4, -0.38, 0.24],
            [0.0] * 7,
        )
    elif kind == "choppy":
        row(
            np.linspace(-outer, outer, 10),
            [0.0, -0.28, -0.4, -0.46, -0.5, -0.5, -0.46, -0.4, -0.28, 0.0],
            [0.36, 0.08, -0.16, 0.04, -0.24, 0.02, -0.2, 0.06, 0.36],
            [0.03 * side] * 9,
        )
    else:  # crossed
        row(np.array([-outer, -0.6, -0.1, 0.1, 0.6, outer]), [0.0, -0.46, -0.66, -0.66, -0.46, 0.0],
            [0.34, 0.0, -0.3, 0.0, 0.34], [0.04, 0.0, 0.0, 0.0, -0.04])  # fmt: skip
    for index, outward in ((0, -1), (-1, 1)):
        left, tip, right = locks[index]
        locks[index] = (left, (outward * (0.93 - 0.05 * abs(cut[7])), tip[1]), right)
    return locks


def cap_shape(look: Look) -> tuple[Points, list[Points]]:
    """The hair on the skull with its fringe as one outline, and the curves from each tip of the fringe upwards."""
    character = look.character
    puff = character.volume
    wide, top = 1.08 + 0.05 * puff, -1.39 - 0.07 * puff
    over = smooth([
        (-wide * 0.96, 0.02), (-wide * 1.01, -0.42), (-wide * 0.91, -0.82), (-0.56 * wide, top * 0.885), (0.0, top),
        (0.56 * wide, top * 0.885), (wide * 0.91, -0.82), (wide * 1.01, -0.42), (wide * 0.96, 0.02),
    ])  # fmt: skip
    over[:, 0] += 0.1 * look.pose.yaw
    locks = _fringe_locks(look)
    soft = character.fringe in ("open",)
    lower, partings = [], []
    for left, tip, right in reversed(locks):
        if soft:
            lower += [
                bend(right, ((right[0] + tip[0]) / 2, tip[1]), tip),
                bend(tip, ((left[0] + tip[0]) / 2, tip[1]), left),
            ]
            continue
        flat = character.fringe in ("blunt", "micro")
        share = 0.12 if flat else 0.3
        lower.append(bend(right, (right[0] + (tip[0] - right[0]) * share, right[1] + (tip[1] - right[1]) * 0.72), tip))
        lower.append(bend(tip, (left[0] + (tip[0] - left[0]) * share, left[1] + (tip[1] - left[1]) * 0.6), left))
        crown = (0.1 * character.parting, top * 0.96)
        if left[0] > -0.95:
            partings.append(
                look.turn(
                    bend(
                        left, (left[0] * 0.9, (left[1] + crown[1]) * 0.55), (left[0] * 0.45 + crown[0], crown[1] * 0.86)
                    )
                )
            )
    edge = look.wrap(np.concatenate(lower) * (look.width, 1))
    return np.concatenate([over, edge]), partings


def draw_cap(brush: Brush, look: Look, clip: np.ndarray) -> None:
    """The hair on the skull and the fringe, with its shadow on the face (clipped to the face)."""
    artist, character = look.artist, look.character
    shape, partings = cap_shape(look)
    if artist.shading == "cel" and not look.line_art:
        brush.fill(shape + offset(-0.035 * artist.light_side, 0.09), look.skin_dark, clip)
    elif artist.shading == "soft":
        brush.soft(shape + offset(0, 0.09), look.skin_dark, 0.9, 0.07, clip)
    brush.fill(shape, hair_paint(brush, look), line=True)
    region = brush.region(shape)
    dark = look.hair_dark
    if artist.shading == "cel" and not look.line_art:
        side = -artist.light_side
        rim = bend((side * 0.95, -1.15), (side * 0.82, -0.5), (side * 0.9, 0.5))
        outer = points([(side * 1.5, 0.5), (side * 1.5, -1.4)])
        brush.fill(np.concatenate([rim, outer]), dark, region)
        for index, parting in enumerate(partings):
            if index % 2 == 0:
                brush.stroke(parting, (0.03, 0.12, 0.08, 0.03, 0.0), dark, region)
    elif artist.shading == "soft":
        side = -artist.light_side
        brush.soft(ellipse(side * 1.25, -0.3, 0.7, 1.2), dark, 0.8, 0.3, region)
    if character.fringe == "crossed":
        _crossing(brush, look)
    if character.pattern == "streak":
        _streaks(brush, look, region)
    _shine(brush, look, region)
    ink = look.brow if not look.line_art else (20.0, 20.0, 20.0)
    line = mix(ink, artist.ink, 0.5) if artist.ink else ink
    width = 0.9 * artist.strand_weight * artist.line_weight
    for strand in partings[: 2 + 2 * artist.strands]:
        brush.stroke(strand, (width * 1.5, width, width * 0.3), line)
    if character.fringe == "open":
        for x in (-0.5, -0.18, 0.18, 0.5):
            path = bend((x, -0.86), (x * 1.3, -1.1), (x * 0.8, -1.3))
            brush.stroke(look.turn(path), (width, width, 0.004), line)


def _crossing(brush: Brush, look: Look) -> None:
    """Two locks that cross between the eyes."""
    paint, side, low = hair_paint(brush, look), look.character.parting, look.character.fringe_length
    for flip, length in ((-side, 0.1), (side, 0.26)):
        tip = (-flip * 0.2, length + low)
        lock = np.concatenate([
            bend((flip * 0.12, -0.86), (flip * 0.1, -0.3), tip), bend(tip, (flip * 0.34, -0.2), (flip * 0.42, -0.7)),
        ])  # fmt: skip
        brush.fill(look.wrap(lock), paint)
        brush.trace(look.wrap(lock), near=paint)


def _streaks(brush: Brush, look: Look, region: np.ndarray) -> None:
    side = look.character.parting
    for x, wide in ((0.3, 0.2), (-0.62, 0.12)):
        path = look.turn(bend((side * x * 0.35, -1.36), (side * x * 1.1, -0.9), (side * x * 1.1, 0.5)))
        brush.stroke(path, (wide * 0.3, wide, wide * 0.9, wide * 0.5), look.second, region)


def _shine(brush: Brush, look: Look, region: np.ndarray) -> None:
    kind = look.artist.shine
    if kind == "none" or (look.line_art and look.hair[0] > 200):
        return
    light, side = look.hair_light if not look.line_art else (255.0, 255.0, 255.0), look.artist.light_side
    if kind == "glow":
        brush.soft(look.turn(ellipse(side * 0.35, -0.95, 0.5, 0.2)), lighten(light, 0.2), 0.75, 0.14, region)
        return
    xs = np.linspace(-0.82, 0.82, 23)
    arc = -0.66 - 0.32 * (1 - (xs / 0.95) ** 2)
    if kind == "ring":
        shape = np.concatenate([np.stack([xs, arc - 0.05], 1), np.stack([xs, arc + 0.06], 1)[::-1]])
        brush.fill(look.turn(shape), light, region)
    elif kind == "zigzag":
        cut = np.array(look.character.cut[:23])
        up, down = (
            arc - 0.05 - 0.1 * (np.arange(23) % 2),
            arc + 0.05 + 0.14 * ((np.arange(23) + 1) % 2) * (1 + 0.4 * cut),
        )
        shape = np.concatenate([np.stack([xs, up], 1), np.stack([xs, down], 1)[::-1]])
        brush.fill(look.turn(shape[2:-2]), light, region)
    else:
        for x, size in ((side * 0.42, 0.2), (side * 0.12, 0.08), (side * 0.7, 0.07)):
            y = -0.66 - 0.32 * (1 - (x / 0.95) ** 2)
            brush.fill(look.turn(ellipse(x, y, size, 0.075, -side * 0.3 * abs(x))), light, region)


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
            _braid(brush, look, side, (0.98, 0.15), (1.0, 1.15), 0.2)
            continue
        if kind == "curl":
            _drill(brush, look, side, (1.04, 0.05), 1.1, 0.17)
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
