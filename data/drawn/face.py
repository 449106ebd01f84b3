"""The face: outline, ears, brows, nose, mouth, blush and marks."""

from __future__ import annotations

import math

import numpy as np

from data.drawn.brush import Brush, Mask, Points, bend, ellipse, heart_shape, offset, points, smooth
from data.drawn.colour import Colour, Number, adjust, lighten, mix
from data.drawn.eyes import eye_place
from data.drawn.look import EAR, HAIRLINE, Look

# cheek width, jaw width, chin width
_FORMS = {
    "round": (0.98, 0.79, 0.36),
    "oval": (0.93, 0.68, 0.27),
    "pointed": (0.91, 0.58, 0.13),
    "square": (0.95, 0.8, 0.42),
    "heart": (0.97, 0.6, 0.16),
    "long": (0.93, 0.7, 0.28),
}
_MOUTH_DARK: Colour = (140.0, 44.0, 56.0)
_TONGUE: Colour = (232.0, 120.0, 124.0)


def face_outline(look: Look) -> Points:
    """The edge of skin from the top of the skull round the chin, closed."""
    cheek, jaw, tip = _FORMS[look.character.face]
    chin, yaw = look.chin, look.pose.yaw
    right = points([
        (0.62, -1.18), (0.95, -0.7), (1.0, -0.15), (0.975, 0.25), (cheek, chin - 0.6),
        (jaw, chin - 0.28), (tip + 0.16, chin - 0.08), (tip * 0.5, chin - 0.008),
    ])  # fmt: skip
    outline = np.concatenate([right, [(0.0, chin)], right[::-1] * (-1, 1)])
    outline[:, 0] *= look.width
    low = np.clip((outline[:, 1] + 0.2) / (chin + 0.2), 0, 1)
    far = np.clip(outline[:, 0] * np.sign(yaw), 0, 1)
    outline[:, 0] += yaw * (0.1 + 0.42 * low**1.6) - yaw * 0.3 * far * low
    outline[:, 1] += low * look.pose.pitch * 0.6
    return smooth(outline, closed=True)


def box_points(look: Look) -> Points:
    """The points whose bounding box is the face: hairline, chin and both ears."""
    shift = look.pose.yaw * 0.1
    chin = (look.pose.yaw * 0.5, look.chin + look.pose.pitch * 0.6)
    return points([
        (-0.45, HAIRLINE), (0.45, HAIRLINE), (-EAR * look.width + shift, 0.2), (EAR * look.width + shift, 0.2),
        (chin[0] - 0.15, chin[1]), (chin[0] + 0.15, chin[1]),
    ])  # fmt: skip


def draw_ears(brush: Brush, look: Look) -> None:
    """Human or elf ears and what hangs from them; animal ears stand on the hair."""
    kind = look.character.ears
    if kind not in ("human", "elf", "long elf"):
        return
    shift = look.pose.yaw * 0.16
    for side in (-1, 1):
        if kind == "human":
            shape = smooth([(0.9, 0.02), (1.06, -0.06), (1.13, 0.08), (1.08, 0.34), (0.97, 0.5), (0.88, 0.42)])
            inner = points([(0.99, 0.08), (1.06, 0.08), (1.04, 0.28)])
        else:
            tip = (1.46, -0.22) if kind == "elf" else (1.78, -0.34)
            shape = np.concatenate([bend((0.88, 0.0), (1.1, -0.14), tip), bend(tip, (1.2, 0.42), (0.9, 0.48))])
            near = (tip[0] - 0.14, tip[1] + 0.06)
            inner = np.concatenate([bend((0.98, 0.08), (1.12, -0.02), near), bend(near, (1.14, 0.3), (0.98, 0.34))])
        flip = (side * look.width, 1)
        brush.fill(shape * flip + offset(shift, 0), look.skin, line=True)
        brush.fill(inner * flip + offset(shift, 0), look.skin_dark)


def draw_earrings(brush: Brush, look: Look) -> None:
    """What hangs from the ears."""
    kind = look.character.earring
    if kind == "none":
        return
    colour = look.tone(look.character.accent)
    for side in (-1, 1):
        x, y = side * 1.0 * look.width + look.pose.yaw * 0.16, 0.52
        if kind == "stud":
            brush.fill(ellipse(x, y, 0.06, 0.06), colour, line=True)
        elif kind == "drop":
            brush.fill(
                points([(0, -0.1), (0.085, 0.1), (0, 0.24), (-0.085, 0.1)]) + offset(x, y + 0.06), colour, line=True
            )
        elif kind == "hoop":
            brush.trace(ellipse(x, y + 0.14, 0.11, 0.15), 1.8, colour, closed=True)
        else:
            brush.fill(ellipse(x, y, 0.05, 0.05), colour)
            brush.fill(points([(-0.03, 0), (0.03, 0), (0.08, 0.36), (-0.08, 0.36)]) + offset(x, y), colour, line=True)


def draw_skin(brush: Brush, look: Look) -> Mask:
    """The bare face; returns its region, to which shadows are clipped."""
    outline = face_outline(look)
    brush.fill(outline, look.skin)
    clip = brush.region(outline)
    shading = look.artist.shading
    if shading != "flat" and not look.line_art:
        far = -look.artist.light_side
        away = outline.copy()
        away[:, 0] -= far * 0.16
        edge = np.concatenate([outline, away[::-1]])
        if shading == "cel":
            brush.fill(edge, look.skin_dark, clip)
        else:
            brush.soft(edge, look.skin_dark, 0.9, 0.12, clip)
    brush.trace(outline, closed=True, near=look.skin)
    return clip


def draw_blush(brush: Brush, look: Look, clip: Mask) -> None:
    """Red cheeks, by the artist's habit and the picture's mood."""
    style, flush = look.artist.blush, look.pose.flush
    if flush > 0.86 and style == "none":
        style = "soft"
    if style == "none" or look.line_art:
        return
    red = mix(look.skin, (244.0, 84.0, 92.0), 0.55)
    for side in (-1, 1):
        x, y, width, height = eye_place(look, side)
        x, y = x + side * width * 0.35, y + height + 0.1
        if style in ("soft", "both"):
            brush.soft(ellipse(x, y, width * 0.95, 0.1), red, 0.35 + 0.55 * flush, 0.1, clip)
        if style in ("lines", "both"):
            for step in (-1, 0, 1):
                at = x + step * 0.075
                brush.fill(
                    points(
                        [(at + 0.02, y - 0.05), (at + 0.035, y - 0.045), (at - 0.015, y + 0.05), (at - 0.03, y + 0.045)]
                    ),
                    red,
                    clip,
                )


def draw_nose(brush: Brush, look: Look) -> None:
    """As little of a nose as the artist allows."""
    style = look.artist.nose
    x, y = look.place(0.0, 0.6 + 0.3 * (look.chin - 1.06))
    x += look.pose.yaw * 0.12
    turn = 1 if look.pose.yaw >= 0 else -1
    dark = (60.0, 60.0, 60.0) if look.line_art else mix(look.skin_dark, (90.0, 40.0, 50.0), 0.45)
    if style == "dot":
        brush.fill(ellipse(x, y, 0.018, 0.014), dark)
    elif style == "line":
        brush.stroke(
            bend((x - turn * 0.005, y - 0.1), (x + turn * 0.05, y), (x - turn * 0.02, y + 0.015)),
            (0.008, 0.022, 0.008),
            dark,
        )
    elif style == "wedge":
        brush.fill(points([(x - 0.045, y), (x + 0.045, y), (x + turn * 0.01, y + 0.035)]), dark)
    elif style == "shadow":
        brush.fill(points([(x, y - 0.08), (x - turn * 0.055, y + 0.03), (x + turn * 0.012, y + 0.03)]), look.skin_dark)


def draw_mouth(brush: Brush, look: Look) -> None:
    """The mouth in one of its forms."""
    kind = look.pose.mouth
    size = 0.2 * look.artist.mouth_width * (1 - 0.12 * look.artist.chibi)
    x, y = look.place(0.0, 0.79 + 0.55 * (look.chin - 1.06))
    x += look.pose.yaw * 0.06
    dark = (
        (30.0, 30.0, 30.0) if look.line_art else mix(look.artist.ink or (110.0, 50.0, 60.0), (120.0, 40.0, 50.0), 0.4)
    )
    inside = (90.0, 90.0, 90.0) if look.line_art else look.tone(_MOUTH_DARK)
    tongue = (220.0, 220.0, 220.0) if look.line_art else look.tone(_TONGUE)
    squeeze = math.cos(look.pose.yaw)
    lips: dict[str, tuple[tuple[Number, Number], ...]] = {
        "line": ((-0.55, 0.0), (0.0, 0.03), (0.55, -0.02)),
        "smile": ((-0.9, -0.12), (-0.4, 0.14), (0.0, 0.2), (0.4, 0.14), (0.9, -0.12)),
        "small": ((-0.3, 0.05), (0.0, 0.0), (0.3, 0.05)),
        "frown": ((-0.7, 0.18), (-0.3, 0.0), (0.0, -0.04), (0.3, 0.0), (0.7, 0.18)),
        "cat": ((-0.85, -0.06), (-0.45, 0.2), (0.0, -0.04), (0.45, 0.2), (0.85, -0.06)),
        "wavy": ((-0.8, 0.1), (-0.45, -0.08), (-0.1, 0.1), (0.25, -0.08), (0.55, 0.1), (0.85, 0.0)),
        "smirk": ((-0.7, 0.06), (0.0, 0.1), (0.5, 0.0), (0.85, -0.22)),
        "pout": ((-0.35, 0.12), (0.0, -0.06), (0.35, 0.12)),
    }  # fmt: skip
    at = np.array((x, y))
    scale = np.array((size * squeeze, size))
    if kind in lips:
        path = smooth(lips[kind]) * scale + at
        brush.stroke(path, (0.012, 0.034, 0.034, 0.012), dark)
        if kind == "pout" and not look.line_art:
            brush.fill(ellipse(x, y + size * 0.34, size * 0.16, 0.012), look.skin_dark)
    elif kind == "o":
        hole = ellipse(x, y + 0.03, size * 0.36 * squeeze, size * 0.52)
        brush.fill(hole, inside)
        brush.fill(ellipse(x, y + size * 0.36, size * 0.26 * squeeze, size * 0.2), tongue)
        brush.trace(hole, 0.8, dark, closed=True)
    else:
        _open_mouth(brush, look, kind, at, scale, dark, inside, tongue)
    if look.character.fang and kind in ("smile", "cat", "smirk", "line"):
        side = look.character.mark_side
        fang = points([(0.28, 0.12), (0.5, 0.08), (0.38, 0.42)]) * (side, 1) * scale + at
        brush.fill(fang, (255.0, 255.0, 255.0))
        brush.trace(fang, 0.5, dark, closed=True)


def _open_mouth(
    brush: Brush, look: Look, kind: str, at: np.ndarray, scale: np.ndarray, dark: Colour, inside: Colour, tongue: Colour
) -> None:
    deep = {"laugh": 1.15, "open": 0.72, "grin": 0.5, "teeth": 0.5, "tongue": 0.45}.get(kind, 0.6)
    wide = {"laugh": 1.0, "open": 0.7, "grin": 1.0, "teeth": 0.9, "tongue": 0.7}.get(kind, 0.7)
    turned = 1.0 if kind != "teeth" else -0.6
    shape = smooth(
        [(-wide, -0.2 * turned), (-wide * 0.4, -0.1 * turned), (0, -0.06), (wide * 0.4, -0.1 * turned),
         (wide, -0.2 * turned), (wide * 0.78, deep * 0.55), (0, deep), (-wide * 0.78, deep * 0.55)],
        closed=True,
    ) * scale + at  # fmt: skip
    if kind in ("grin", "teeth"):
        brush.fill(shape, (252.0, 250.0, 248.0))
        brush.trace(points([(-wide * 0.8, deep * 0.28), (wide * 0.8, deep * 0.28)]) * scale + at, 0.4, dark)
    else:
        brush.fill(shape, inside)
        clip = brush.region(shape)
        brush.fill(ellipse(0, deep * 0.92, wide * 0.62, deep * 0.45) * scale + at, tongue, clip)
        if kind == "laugh":
            teeth = points([(-wide, -0.4), (wide, -0.4), (wide * 0.8, 0.14), (-wide * 0.8, 0.14)]) * scale + at
            brush.fill(teeth, (252.0, 250.0, 248.0), clip)
        if look.character.fang:
            side = look.character.mark_side
            brush.fill(
                points([(0.3, -0.16), (0.66, -0.16), (0.48, 0.34)]) * (side, 1) * scale + at,
                (252.0, 250.0, 248.0),
                clip,
            )
        if kind == "tongue":
            brush.fill(ellipse(0.1, deep * 1.1, 0.3, 0.42) * scale + at, tongue, line=True)
    brush.trace(shape, 0.8, dark, closed=True)


def draw_brows(brush: Brush, look: Look) -> None:
    """Both brows, moved by the mood."""
    kind, mood = look.character.brow, look.pose.brows
    weight = {"thin": 0.03, "thick": 0.085, "dots": 0.1, "slanted": 0.05, "arched": 0.042, "straight": 0.055}[kind]
    weight *= look.artist.brow_weight
    for side in (-1, 1):
        x, y, width, height = eye_place(look, side)
        y -= height + 0.13 + 0.05 * max(0.0, mood)
        slope = 0.1 * mood - (0.06 if kind == "slanted" else 0.0)
        if kind == "dots":
            brush.fill(
                ellipse(x - side * width * 0.25, y + 0.02, width * 0.32, weight * 0.62, -side * slope), look.brow
            )
            continue
        arch = {"arched": 0.1, "thin": 0.07, "straight": 0.02, "slanted": 0.05, "thick": 0.05}[kind]
        path = bend(
            (x - side * width * 0.85, y + 0.02 - slope), (x + side * width * 0.1, y - 2 * arch),
            (x + side * width * 0.95, y + 0.04 + slope),
        )  # fmt: skip
        brush.stroke(path, (weight * 0.8, weight, weight * 0.75, weight * 0.2), look.brow)


def draw_marks(brush: Brush, look: Look, clip: Mask) -> None:
    """Moles, scars and the like."""
    kind, side = look.character.mark, look.character.mark_side
    if kind == "none":
        return
    x, y, width, height = eye_place(look, side)
    accent = look.tone(look.character.accent)
    dark = (60.0, 60.0, 60.0) if look.line_art else mix(look.skin_dark, (80.0, 30.0, 40.0), 0.75)
    sore = mix(look.skin_dark, (190.0, 80.0, 90.0), 0.5)
    if kind == "mole under eye":
        brush.fill(ellipse(x + side * width * 0.55, y + height + 0.1, 0.036, 0.036), dark, clip)
    elif kind == "mole by mouth":
        mx, my = look.place(side * 0.3, 0.84)
        brush.fill(ellipse(mx, my, 0.036, 0.036), dark)
    elif kind == "freckles":
        for flip in (-1, 1):
            fx, fy, _, fh = eye_place(look, flip)
            for dx, dy in ((-0.1, 0.1), (0.0, 0.06), (0.1, 0.1), (-0.05, 0.17), (0.06, 0.17)):
                brush.fill(ellipse(fx + dx, fy + fh + dy, 0.02, 0.018), sore, clip)
    elif kind == "cheek scar":
        cx, cy = look.place(side * 0.58, 0.72)
        brush.stroke(points([(cx - 0.16, cy - 0.06), (cx + 0.16, cy + 0.08)]), (0.01, 0.04, 0.01), sore, clip)
        brush.stroke(points([(cx + 0.0, cy - 0.08), (cx - 0.04, cy + 0.1)]), (0.01, 0.035, 0.01), sore, clip)
    elif kind == "eye scar":
        brush.stroke(
            points([(x + side * 0.08, y - height - 0.3), (x, y), (x - side * 0.04, y + height + 0.22)]),
            (0.015, 0.05, 0.05, 0.012), sore, clip,
        )  # fmt: skip
    elif kind == "drop":
        cx, cy = x, y + height + 0.13
        brush.fill(points([(0, -0.1), (0.055, 0.03), (0, 0.09), (-0.055, 0.03)]) + offset(cx, cy), accent, clip)
    elif kind == "whiskers":
        for flip in (-1, 1):
            wx, wy = look.place(flip * 0.66, 0.66)
            for step in (-1, 0, 1):
                path = points([(wx - flip * 0.12, wy + step * 0.06), (wx + flip * 0.16, wy + step * 0.1)])
                brush.stroke(path, (0.03, 0.012), dark, clip)
    elif kind == "sticker":
        cx, cy = x + side * width * 0.5, y + height + 0.16
        brush.fill(heart_shape(cx, cy, 0.085), accent, line=True)
    elif kind == "plaster":
        cx, cy = look.place(side * 0.58, 0.7)
        strip = points([(-0.18, -0.06), (0.18, -0.06), (0.18, 0.06), (-0.18, 0.06)])
        turn = np.array([[0.94, 0.34], [-0.34, 0.94]])
        brush.fill(strip @ turn + offset(cx, cy), look.tone((240.0, 206.0, 160.0)), line=True)
        brush.fill(strip * (0.35, 0.8) @ turn + offset(cx, cy), look.tone((250.0, 236.0, 214.0)))
    else:
        for flip in (-1, 1):
            for step in (0, 1):
                cx, cy = look.place(flip * (0.62 + 0.1 * step), 0.6)
                brush.fill(points([(-0.03, -0.12), (0.03, -0.1), (0.0, 0.14)]) + offset(cx, cy), accent, clip)


def draw_feelings(brush: Brush, look: Look) -> None:
    """Tears and a drop of sweat."""
    water = lighten(adjust((130.0, 190.0, 240.0), 0, 1, 1), 0.25)
    if look.pose.tears:
        for side in (-1, 1):
            x, y, width, height = eye_place(look, side)
            drop = points([(0, -0.12), (0.07, 0.04), (0, 0.12), (-0.07, 0.04)])
            brush.fill(smooth(drop, closed=True) + offset(x + side * width * 0.5, y + height + 0.08), water, line=True)
    if look.pose.sweat:
        x, y = look.place(look.pose.wink_side * 0.74, -0.1)
        drop = points([(0, -0.17), (0.085, 0.05), (0, 0.14), (-0.085, 0.05)])
        brush.fill(smooth(drop, closed=True) + offset(x, y), water, line=True)
