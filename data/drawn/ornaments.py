"""What stands on or hangs in the hair: animal ears, horns, hats, ribbons, pins; and glasses."""

from __future__ import annotations

import numpy as np

from data.drawn.brush import Brush, Points, bend, ellipse, offset, points, ribbon, smooth
from data.drawn.colour import Colour, Number, lighten, mix
from data.drawn.eyes import eye_place, heart_shape, star_shape
from data.drawn.look import Look

_INNER: Colour = (244.0, 176.0, 178.0)


def draw_behind_head(brush: Brush, look: Look) -> None:
    """What lies behind the hair: a halo, the brim of a hat, the ears of a bear."""
    if look.character.horns == "halo":
        brush.trace(look.behind(ellipse(0, -1.42, 0.72, 0.2)), 3.2, look.tone((252.0, 222.0, 120.0)), closed=True)
    if look.character.headwear == "kerchief":
        cloth = look.tone(look.character.accent)
        brush.fill(
            smooth([(-1.16, 0.2), (-1.14, -0.9), (0, -1.6), (1.14, -0.9), (1.16, 0.2)], closed=True), cloth, line=True
        )


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


def draw_ornaments(brush: Brush, look: Look) -> None:
    """Ribbons, flowers and pins in the hair."""
    character = look.character
    _ornament(brush, look, character.ornament, character.ornament_side, look.tone(character.accent))
    if character.second_ornament != character.ornament:
        _ornament(brush, look, character.second_ornament, -character.ornament_side, look.tone(character.second_accent))


def bow(brush: Brush, look: Look, x: Number, y: Number, size: Number, colour: Colour) -> None:
    """A tied ribbon."""
    for side in (-1, 1):
        tail = points([(0, 0), (side * 0.3, 0.1), (side * 0.8, 0.9), (side * 0.35, 0.8)])
        brush.fill(tail * size + offset(x, y), look.dark(colour, 0.6), line=True)
        wing = smooth(
            [(0, 0), (side * 0.45, -0.5), (side * 1.05, -0.56), (side * 1.1, 0.26), (side * 0.5, 0.3)], closed=True
        )
        brush.fill(wing * size + offset(x, y), colour, line=True)
        brush.stroke(
            points([(side * 0.2, -0.02), (side * 0.7, -0.1)]) * size + offset(x, y),
            (0.01, 0.05 * size, 0.0),
            look.dark(colour, 1.0),
        )
    brush.fill(ellipse(x, y, size * 0.22, size * 0.26), colour, line=True)


def _ornament(brush: Brush, look: Look, kind: str, side: int, colour: Colour) -> None:
    if kind == "none":
        return
    move = 0.25 * look.pose.yaw
    x, y = side * 0.72 + move, -0.62
    if kind == "ribbon":
        bow(brush, look, side * 0.74 + move, -1.02, 0.46, colour)
    elif kind == "twin ribbons":
        for flip in (-1, 1):
            bow(brush, look, flip * 0.96 + move * 0.4, -0.88, 0.36, colour)
    elif kind == "flower":
        for turn in range(5):
            angle = turn * 2 * np.pi / 5
            brush.fill(
                ellipse(x + 0.19 * np.cos(angle), y - 0.2 + 0.19 * np.sin(angle), 0.16, 0.13, angle), colour, line=True
            )
        brush.fill(ellipse(x, y - 0.2, 0.1, 0.1), look.tone((250.0, 220.0, 100.0)), line=True)
    elif kind == "bars":
        for step in (0.0, 0.17):
            bar = points([(-0.22, -0.05), (0.22, -0.05), (0.22, 0.05), (-0.22, 0.05)]) @ points(
                [(0.94, 0.34 * side), (-0.34 * side, 0.94)]
            )
            brush.fill(bar + offset(x, y + step), colour, line=True)
    elif kind == "cross":
        for flip in (-1, 1):
            bar = points([(-0.24, -0.05), (0.24, -0.05), (0.24, 0.05), (-0.24, 0.05)]) @ points(
                [(0.71, 0.71 * flip), (-0.71 * flip, 0.71)]
            )
            brush.fill(bar + offset(x, y), colour, line=True)
    elif kind == "star":
        brush.fill(star_shape(x, y, 0.25, 0.25), colour, line=True)
    elif kind == "heart":
        brush.fill(heart_shape(x, y, 0.2), colour, line=True)
    elif kind == "moon":
        crescent = np.concatenate(
            [bend((0.1, -0.26), (-0.4, 0.0), (0.1, 0.26)), bend((0.1, 0.26), (-0.08, 0.0), (0.1, -0.26))]
        )
        brush.fill(crescent * (1.2, 1) + offset(x, y), colour, line=True)
    elif kind == "feather":
        plume = np.concatenate(
            [bend((0, 0.1), (0.34, -0.3), (0.3, -0.85)), bend((0.3, -0.85), (-0.14, -0.4), (0, 0.1))]
        ) * (side, 1)
        brush.fill(plume + offset(side * 0.86 + move, -0.62), colour, line=True)
        brush.fill(ellipse(side * 0.86 + move, -0.56, 0.1, 0.1), lighten(colour, 0.4), line=True)
    elif kind == "beads":
        for step in range(3):
            brush.fill(ellipse(side * 0.98 + move * 0.5, -0.7 + 0.22 * step, 0.12, 0.12), colour, line=True)
    else:  # leaf
        for flip in (-1, 1):
            blade = np.concatenate([bend((0, 0), (0.3, -0.26), (0.5, 0.0)), bend((0.5, 0.0), (0.2, 0.14), (0, 0))]) * (
                flip,
                1,
            )
            brush.fill(blade * 0.9 + offset(x, y - 0.2), colour, line=True)


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
