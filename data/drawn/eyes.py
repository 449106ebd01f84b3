"""Eyes: lids, lashes, iris, pupil and the lights in them."""

from __future__ import annotations

import math

import numpy as np

from data.drawn.brush import Brush, Points, ellipse, heart_shape, offset, points, smooth, star_shape
from data.drawn.colour import BLACK, WHITE, Colour, Number, adjust, lighten, mix
from data.drawn.look import Look

# shape: width, height, slant (outer corner up), flatness of the upper lid, depth of the lower lid
_SHAPES = {
    "round": (1.0, 1.0, 0.04, 1.0, 0.95),
    "almond": (1.14, 0.78, 0.12, 0.92, 0.85),
    "droop": (1.06, 0.94, -0.32, 1.0, 0.9),
    "sharp": (1.14, 0.82, 0.34, 0.9, 0.8),
    "narrow": (1.16, 0.54, 0.12, 0.85, 0.75),
    "sleepy": (1.08, 0.94, -0.08, 0.42, 0.95),
    "cat": (1.04, 1.06, 0.42, 0.98, 0.66),
    "wide": (1.1, 1.24, 0.0, 1.05, 1.05),
}
_UPPER = points([(-1, 0.28), (-0.82, -0.38), (-0.4, -0.86), (0.08, -1.0), (0.55, -0.84), (0.88, -0.4), (1, 0.02)])
_LOWER = points([(1, 0.02), (0.86, 0.56), (0.45, 0.92), (0.0, 1.0), (-0.45, 0.9), (-0.82, 0.62), (-1, 0.28)])


def eye_place(look: Look, side: int) -> tuple[Number, Number, Number, Number]:
    """Centre, half width and half height of an eye; the side is -1 (left in the picture) or 1."""
    character, artist = look.character, look.artist
    wide, high = _SHAPES[character.eye_shape][:2]
    size = character.eye_size * (1 + 0.16 * artist.chibi)
    half_width = 0.262 * wide * size * artist.eye_width
    half_height = 0.285 * high * size * artist.eye_height
    apart = (0.46 + character.eye_gap + 0.015 * artist.chibi) * look.width
    y = 0.3 + artist.eye_drop + 0.05 * artist.chibi
    x, y = look.place(side * apart, y)
    near = look.place(side * apart + 0.1, y)[0] - look.place(side * apart - 0.1, y)[0]
    return x, y, half_width * min(1.08, near / 0.2 * 1.04), half_height


def draw_eyes(brush: Brush, look: Look) -> None:
    """Both eyes of a face."""
    for side in (-1, 1):
        state = look.pose.eyes
        if state == "wink":
            state = "happy" if side == look.pose.wink_side else "open"
        place = eye_place(look, side)
        if state in ("open", "half", "wide"):
            _open_eye(brush, look, side, place, state)
        else:
            _closed_eye(brush, look, side, place, state)


def _lash_colour(look: Look) -> Colour:
    if look.line_art:
        return (20.0, 20.0, 20.0)
    if look.artist.lash_coloured:
        return mix(look.hair_dark, BLACK, 0.5)
    return look.artist.ink or mix(look.hair_dark, (40.0, 10.0, 20.0), 0.75)


def _set(shape: np.ndarray, side: int, place: tuple[Number, Number, Number, Number], slant: Number) -> Points:
    """Carry a shape drawn for the right eye of the picture into its place."""
    x, y, width, height = place
    c, s = math.cos(slant), math.sin(slant)
    wide, high = shape[:, 0] * width, shape[:, 1] * height
    return np.stack([x + side * (wide * c + high * s), y + high * c - wide * s], axis=1)


def _open_eye(brush: Brush, look: Look, side: int, place: tuple[Number, Number, Number, Number], state: str) -> None:
    character, artist = look.character, look.artist
    _, _, slant, lid, below = _SHAPES[character.eye_shape]
    if state == "half":
        lid = min(lid, 0.42)
    upper, lower = _UPPER.copy(), _LOWER.copy()
    upper[:, 1] = np.maximum(upper[:, 1], -lid) if lid < 0.9 else upper[:, 1] * min(lid, 1.0)
    lower[:, 1] *= below
    if state == "wide":
        upper[:, 1] *= 1.1
    top = _set(smooth(upper), side, place, slant)
    bottom = _set(smooth(lower), side, place, slant)
    opening = np.concatenate([top, bottom])
    white: Colour = WHITE if look.line_art else mix((252.0, 252.0, 255.0), artist.cast, artist.cast_share * 0.5)
    brush.fill(opening, white)
    clip = brush.region(opening)
    _iris(brush, look, side, place, clip, state)
    if not look.line_art and artist.shading != "flat":
        shadow = np.concatenate([top, (top + offset(0, place[3] * 0.26))[::-1]])
        brush.fill(shadow, (110.0, 100.0, 150.0), clip, opacity=0.4)
    lash = _lash_colour(look)
    weight = 0.05 * artist.lash_weight * (0.7 if character.lash == "plain" else 1.0)
    brush.stroke(top, (weight * 0.15, weight * 0.9, weight * 1.5, weight * 1.4, weight * 0.9), lash)
    _lashes(brush, look, side, place, slant, lash, weight)
    brush.stroke(bottom[4:26], (0.006, 0.018 * artist.lash_weight, 0.014), lash)
    if artist.lid_line:
        crease = top[8:30] - offset(0, place[3] * 0.2 + weight)
        brush.stroke(crease, (0.004, 0.014, 0.004), mix(lash, look.skin, 0.35))
    _highlights(brush, look, side, place, state)


def _lashes(
    brush: Brush, look: Look, side: int, place: tuple[Number, Number, Number, Number], slant: Number,
    lash: Colour, weight: Number,
) -> None:  # fmt: skip
    style = look.character.lash
    spikes: tuple[tuple[tuple[Number, Number], tuple[Number, Number]], ...] = (((0.86, -0.3), (1.2, -0.3)),)
    if style == "double":
        spikes = (((0.84, -0.36), (1.26, -0.5)), ((0.96, -0.05), (1.3, -0.08)))
    elif style == "many":
        spikes = (((0.6, -0.74), (0.86, -1.16)), ((0.8, -0.46), (1.2, -0.76)), ((0.94, -0.12), (1.32, -0.3)))
    elif style == "lower":
        spikes = (((0.9, -0.2), (1.24, -0.1)), ((0.62, 0.78), (0.8, 1.08)), ((0.84, 0.5), (1.1, 0.76)))
    elif style == "plain":
        spikes = (((0.9, -0.24), (1.08, -0.1)),)
    for start, end in spikes:
        path = _set(points([start, ((start[0] + end[0]) / 2 + 0.06, (start[1] + end[1]) / 2), end]), side, place, slant)
        brush.stroke(path, (weight * 1.3, weight * 0.8, 0.004), lash)


def _iris(
    brush: Brush, look: Look, side: int, place: tuple[Number, Number, Number, Number], clip: np.ndarray, state: str
) -> None:
    character, artist = look.character, look.artist
    x, y, width, height = place
    colour = look.tone(character.eye_colour if side == character.parting else character.other_eye_colour)
    glow = look.tone(character.eye_glow)
    narrow = character.eye_shape == "narrow"
    rx = width * artist.iris_width * (0.78 if state == "wide" else 1.0)
    ry = max(height * (0.9 if state != "wide" else 0.68), rx * 1.05)
    if narrow:
        rx = min(rx, ry * 0.85)
    x += look.pose.gaze[0] * width * 0.5 - side * width * 0.03
    y += look.pose.gaze[1] * height * 0.4 + (0.0 if state == "wide" else height * 0.02)
    if look.line_art:
        brush.fill(ellipse(x, y, rx, ry), (90.0, 90.0, 90.0), clip)
        brush.fill(ellipse(x, y + ry * 0.3, rx * 0.8, ry * 0.6), (200.0, 200.0, 200.0), clip)
        brush.fill(ellipse(x, y, rx * 0.45, ry * 0.5), (15.0, 15.0, 15.0), clip)
        return
    deep = mix(adjust(colour, -0.02, 1.1, 0.5), (20.0, 10.0, 40.0), 0.25)
    brush.fill(ellipse(x, y, rx, ry), deep if artist.iris != "flat" else mix(deep, colour, 0.4), clip)
    if artist.iris == "flat":
        brush.fill(ellipse(x, y, rx * 0.88, ry * 0.9), colour, clip)
    elif artist.iris == "rimmed":
        brush.fill(ellipse(x, y + ry * 0.06, rx * 0.8, ry * 0.84), colour, clip)
        brush.fill(ellipse(x, y + ry * 0.45, rx * 0.62, ry * 0.4), glow, clip)
    elif artist.iris == "crescent":
        brush.fill(ellipse(x, y + ry * 0.28, rx * 0.9, ry * 0.68), colour, clip)
        brush.fill(ellipse(x, y + ry * 0.56, rx * 0.66, ry * 0.36), glow, clip)
    elif artist.iris == "rays":
        brush.fill(ellipse(x, y + ry * 0.1, rx * 0.9, ry * 0.88), colour, clip)
        turns = np.arange(18) * (2 * np.pi / 18)
        reach = np.where(np.arange(18) % 2, 0.84, 0.5)[:, None]
        star = np.stack([np.cos(turns) * rx, np.sin(turns) * ry], axis=1) * reach + offset(x, y + ry * 0.1)
        brush.fill(star, mix(colour, glow, 0.6), clip)
    else:
        brush.fill(ellipse(x, y + ry * 0.16, rx * 0.92, ry * 0.82), mix(deep, colour, 0.6), clip)
        brush.fill(ellipse(x, y + ry * 0.32, rx * 0.86, ry * 0.66), colour, clip)
        brush.fill(ellipse(x, y + ry * 0.52, rx * 0.7, ry * 0.44), mix(colour, glow, 0.7), clip)
    _pupil(brush, look, x, y, rx, ry, mix(deep, (10.0, 0.0, 20.0), 0.55), glow, clip)


def _pupil(
    brush: Brush, look: Look, x: Number, y: Number, rx: Number, ry: Number, dark: Colour, glow: Colour, clip: np.ndarray
) -> None:
    pupil = look.character.pupil
    if pupil == "round":
        brush.fill(ellipse(x, y, rx * 0.44, ry * 0.46), dark, clip)
    elif pupil == "slit":
        brush.fill(ellipse(x, y, rx * 0.17, ry * 0.68), dark, clip)
    elif pupil == "ring":
        brush.fill(ellipse(x, y, rx * 0.56, ry * 0.56), dark, clip)
        brush.fill(ellipse(x, y, rx * 0.34, ry * 0.34), glow, clip)
    elif pupil == "star":
        brush.fill(star_shape(x, y, rx * 0.66, ry * 0.62), lighten(glow, 0.55), clip)
    elif pupil == "heart":
        brush.fill(heart_shape(x, y, rx * 0.56), mix((240.0, 80.0, 140.0), glow, 0.25), clip)
    elif pupil == "cross":
        for rw, rh in ((0.14, 0.62), (0.6, 0.14)):
            brush.fill(ellipse(x, y, rx * rw, ry * rh), lighten(glow, 0.6), clip)


def _highlights(brush: Brush, look: Look, side: int, place: tuple[Number, Number, Number, Number], state: str) -> None:
    x, y, width, height = place
    style, light = look.artist.highlight, look.artist.light_side
    x += look.pose.gaze[0] * width * 0.4
    y += look.pose.gaze[1] * height * 0.4
    if state == "half":
        y += height * 0.25
    white = (255.0, 255.0, 255.0)
    scale = min(width, height) * (0.8 if state == "wide" else 1.0)
    high = (x + light * scale * 0.3, y - height * 0.42)
    low = (x - light * scale * 0.28, y + height * 0.42)
    if style == "none":
        return
    if style == "window":
        s = scale * 0.2
        box = points([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (s, s * 1.2) + high
        brush.fill(box, white)
        return
    if style == "spark":
        brush.fill(star_shape(high[0], high[1], scale * 0.34, scale * 0.42, 4, 0.3), white)
    elif style == "oval":
        brush.fill(ellipse(*high, scale * 0.17, scale * 0.32, light * 0.5), white)
    else:
        brush.fill(ellipse(*high, scale * 0.22, scale * 0.25), white)
    if style in ("two", "three", "spark"):
        brush.fill(ellipse(*low, scale * 0.11, scale * 0.12), white)
    if style == "three":
        brush.fill(ellipse(high[0] - light * scale * 0.42, high[1] + scale * 0.2, scale * 0.09, scale * 0.1), white)


def _closed_eye(brush: Brush, look: Look, side: int, place: tuple[Number, Number, Number, Number], state: str) -> None:
    slant = _SHAPES[look.character.eye_shape][2]
    lash = _lash_colour(look)
    weight = 0.05 * look.artist.lash_weight + 0.01
    if state == "squeezed":
        arrow = _set(points([(0.9, -0.6), (-0.8, 0.1), (0.9, 0.7)]), side, place, 0.0)
        brush.stroke(arrow[:2], (weight, weight), lash)
        brush.stroke(arrow[1:], (weight, weight), lash)
        return
    if state == "happy":
        arc = points([(-0.95, 0.35), (-0.6, -0.14), (0.0, -0.4), (0.6, -0.16), (1.0, 0.35)])
    else:
        arc = points([(-0.95, 0.2), (-0.5, 0.46), (0.05, 0.56), (0.6, 0.46), (1.05, 0.12)])
    path = _set(smooth(arc), side, place, slant * 0.6)
    brush.stroke(path, (weight * 0.5, weight * 1.2, weight * 1.5, weight * 1.2, weight * 0.6), lash)
    if look.character.lash in ("double", "many", "flick"):
        end = arc[-1]
        lift = -0.2 if state == "happy" else 0.26
        brush.stroke(
            _set(points([(0.78, end[1] - 0.1), (1.0, end[1]), (1.2, end[1] + lift)]), side, place, slant * 0.6),
            (weight, weight * 0.8, 0.004), lash,
        )  # fmt: skip
    if state == "closed" and look.character.lash in ("many", "double", "lower"):
        for start in (0.35, 0.62):
            path = points([(start, 0.5), (start + 0.14, 0.74)])
            brush.stroke(_set(path, side, place, slant * 0.6), (weight * 0.7, 0.004), lash)
