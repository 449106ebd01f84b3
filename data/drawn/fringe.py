"""The hair on the skull with its fringe, and the light on it."""

from __future__ import annotations

import numpy as np

from data.drawn.brush import Brush, Points, bend, ellipse, offset, points, smooth
from data.drawn.colour import Number, lighten, mix
from data.drawn.hair import hair_paint
from data.drawn.look import Look

Place = tuple[Number, Number]
Lock = tuple[Place, Place, Place]  # left root, tip, right root

# for a parting on the right: edges between the locks, their heights, heights of the tips, and how far each tip leans
_FORMS: dict[str, tuple[tuple[Number, ...], tuple[Number, ...], tuple[Number, ...], tuple[Number, ...]]] = {
    "blunt": (
        (-1.02, -0.68, -0.34, 0.0, 0.34, 0.68, 1.02), (-0.1, -0.2, -0.2, -0.2, -0.2, -0.2, -0.1),
        (-0.02, -0.07, -0.07, -0.07, -0.07, -0.02), (0, 0, 0, 0, 0, 0),
    ),
    "arch": (
        (-1.02, -0.612, -0.204, 0.204, 0.612, 1.02), (0.0, -0.3, -0.44, -0.44, -0.3, 0.0),
        (0.2, -0.12, -0.22, -0.12, 0.2), (0.06, 0.03, 0.0, -0.03, -0.06),
    ),
    "spiky": (
        (-1.02, -0.68, -0.34, 0.0, 0.34, 0.68, 1.02), (0.0, -0.46, -0.56, -0.6, -0.56, -0.46, 0.0),
        (0.34, 0.02, 0.06, 0.06, 0.02, 0.34), (0.08, 0.08, 0.08, 0.08, 0.08, 0.08),
    ),
    "strand": (
        (-1.02, -0.66, -0.16, 0.16, 0.66, 1.02), (0.0, -0.4, -0.74, -0.74, -0.4, 0.0),
        (0.34, 0.02, 0.3, 0.02, 0.34), (0.04, -0.14, 0.03, 0.14, -0.04),
    ),
    "swept": (
        (-1.02, -0.52, -0.14, 0.26, 0.64, 1.02), (0.0, -0.72, -0.62, -0.5, -0.34, 0.05),
        (0.36, -0.24, -0.1, 0.0, 0.36), (-0.06, 0.24, 0.26, 0.24, 0.06),
    ),
    "parted": (
        (-1.02, -0.7, -0.36, 0.0, 0.36, 0.7, 1.02), (0.05, -0.34, -0.56, -0.86, -0.56, -0.34, 0.05),
        (0.42, 0.04, -0.2, -0.2, 0.04, 0.42), (-0.02, -0.16, -0.2, 0.2, 0.16, 0.02),
    ),
    "curtain": (
        (-1.02, -0.8, 0.0, 0.8, 1.02), (0.1, 0.0, -0.9, 0.0, 0.1),
        (0.7, 0.5, 0.5, 0.7), (0.0, -0.42, 0.42, 0.0),
    ),
    "veil": (
        (-1.02, -0.7, -0.3, 0.16, 0.88, 1.02), (0.0, -0.46, -0.62, -0.66, 0.0, 0.1),
        (0.34, -0.08, -0.06, 0.66, 0.7), (-0.02, -0.06, 0.08, 0.08, 0.0),
    ),
    "open": ((-1.02, -0.84, 0.84, 1.02), (0.06, -0.3, -0.3, 0.06), (0.3, -0.86, 0.3), (0.02, 0.0, -0.02)),
    "micro": (
        (-1.02, -0.73, -0.44, -0.15, 0.15, 0.44, 0.73, 1.02), (0.0, -0.5, -0.5, -0.5, -0.5, -0.5, -0.5, 0.0),
        (0.24, -0.38, -0.4, -0.42, -0.4, -0.38, 0.24), (0, 0, 0, 0, 0, 0, 0),
    ),
    "choppy": (
        (-1.02, -0.793, -0.567, -0.34, -0.113, 0.113, 0.34, 0.567, 0.793, 1.02),
        (0.0, -0.28, -0.4, -0.46, -0.5, -0.5, -0.46, -0.4, -0.28, 0.0),
        (0.36, 0.08, -0.16, 0.04, -0.24, 0.02, -0.2, 0.06, 0.36), (0.03,) * 9,
    ),
    "crossed": (
        (-1.02, -0.6, -0.1, 0.1, 0.6, 1.02), (0.0, -0.46, -0.66, -0.66, -0.46, 0.0),
        (0.34, 0.0, -0.3, 0.0, 0.34), (0.04, 0.0, 0.0, 0.0, -0.04),
    ),
}  # fmt: skip


def _fringe_locks(look: Look) -> list[Lock]:
    """The locks of the fringe from left to right, for a head seen from the front."""
    character = look.character
    cut, low = character.cut, character.fringe_length
    edges, roots, tips, leans = _FORMS[character.fringe]
    if character.parting < 0:
        edges, roots, tips, leans = (
            tuple(-edge for edge in edges[::-1]), roots[::-1], tips[::-1], tuple(-lean for lean in leans[::-1]),
        )  # fmt: skip
    sink = low if character.fringe in ("blunt", "micro") else 0.0
    locks: list[Lock] = []
    for index, (left, right, tip, lean) in enumerate(zip(edges, edges[1:], tips, leans, strict=False)):
        across = (left + right) / 2 + lean + 0.05 * cut[index]
        if index in (0, len(tips) - 1):  # the outer locks keep to the edge of the head
            across = (-1 if index == 0 else 1) * (0.93 - 0.05 * abs(cut[7]))
        place = (across, tip + low + 0.07 * cut[(index + 9) % len(cut)])
        locks.append(((left, roots[index] + sink), place, (right, roots[index + 1] + sink)))
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
    lower, partings = [], []
    for left, tip, right in reversed(locks):
        if character.fringe == "open":
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
