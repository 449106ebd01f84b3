"""Augmentation for drawings: all that may differ between two pictures of one character, and nothing that tells who.

Hair and eye colour tell characters apart, so hue moves by a few degrees only. Backgrounds, frames, badges, sharpness,
crop and line style say nothing about who is shown, so they vary freely.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

Random = np.random.Generator
WHITE_BACKGROUND = 0.3
"""Share of transparent pictures laid on white: that is how they come when they are asked about."""


def augment(
    picture: UInt8[np.ndarray, "side side channels"], size: int, random: Random
) -> UInt8[np.ndarray, "size size 3"]:
    """One view of an RGB or RGBA picture at size x size pixels."""
    view = move(picture, size, random)
    view = lay_on_background(view, random) if view.shape[2] == 4 else view
    if random.random() < 0.8:
        view = shift_colours(view, random)
    style = random.random()
    if style < 0.10:
        view = grey(view, random)
    elif style < 0.12:
        view = line_art(view, random)
    elif style < 0.14:
        view = screentone(view, random)
    if random.random() < 0.2:
        view = coarsen(view, random)
    if random.random() < 0.1:
        view = blur(view, random)
    if random.random() < 0.2:
        view = compress(view, random)
    if random.random() < 0.2:
        view = cover_corner(view, random)
    if random.random() < 0.4:
        view = erase(view, random)
    return view


def move(picture: np.ndarray, size: int, random: Random) -> np.ndarray:
    """Crop jitter, tilt, stretch and mirror as one affine map; what lies outside is mirrored or transparent."""
    side = picture.shape[0]
    zoom = size / side * np.exp(random.uniform(np.log(0.72), np.log(1.3)))
    stretch = np.exp(random.normal(0, 0.05))
    angle = np.radians(np.clip(random.normal(0, 12), -35, 35))
    mirror = -1.0 if random.random() < 0.5 else 1.0
    shear = random.normal(0, 0.05)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[mirror * stretch, shear], [0.0, 1 / stretch]]) * zoom
    room = abs(zoom * side - size) / 2 + 0.05 * size
    centre = size / 2 + random.uniform(-1, 1, 2) * room
    offset = centre - matrix @ np.array([side / 2, side / 2])
    affine = np.column_stack([matrix, offset])
    if picture.shape[2] == 4 or random.random() < 0.3:
        if picture.shape[2] == 3:
            picture = cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA)
        border = cv2.BORDER_CONSTANT
    else:
        border = cv2.BORDER_REFLECT_101
    rule = cv2.INTER_AREA if zoom < 0.6 else cv2.INTER_LINEAR
    return np.asarray(
        cv2.warpAffine(np.ascontiguousarray(picture), affine, (size, size), flags=rule, borderMode=border), np.uint8
    )


def lay_on_background(view: UInt8[np.ndarray, "size size 4"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """Put something behind the transparent parts: white, a colour, a gradient, or blurred patches."""
    size = view.shape[0]
    alpha = view[..., 3:].astype(np.float32) / 255
    kind = random.random()
    behind: np.ndarray
    if kind < WHITE_BACKGROUND:
        behind = np.full((1, 1, 3), 255, np.float32)
    elif kind < 0.5:
        behind = random.uniform(0, 255, (1, 1, 3))
    elif kind < 0.7:
        corners = random.uniform(0, 255, (2, 2, 3)).astype(np.float32)
        behind = cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR)
    else:
        patches = int(random.integers(3, 12))
        colours = random.uniform(0, 255, (1, 1, 3)) + random.normal(0, 60, (patches, patches, 3))
        rule = cv2.INTER_NEAREST if random.random() < 0.3 else cv2.INTER_CUBIC
        behind = cv2.resize(colours.astype(np.float32), (size, size), interpolation=rule)
    return np.asarray(np.clip(view[..., :3] * alpha + behind * (1 - alpha), 0, 255), np.uint8)


def shift_colours(view: UInt8[np.ndarray, "size size 3"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """Brightness, contrast, gamma, saturation and a slight cast of light; hue by at most a few degrees."""
    curve = np.linspace(0, 1, 256) ** np.exp(random.normal(0, 0.2))
    curve = 0.5 + (curve - 0.5) * np.exp(random.normal(0, 0.2)) + random.normal(0, 0.06)
    cast = np.exp(random.normal(0, 0.04, 3))
    table = np.clip(255 * curve[:, None] * cast, 0, 255).astype(np.uint8)
    view = cv2.LUT(view, table[None])
    grey_part = cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    saturation = float(np.exp(np.clip(random.normal(0, 0.2), -0.8, 0.5)))
    view = np.asarray(cv2.addWeighted(view, saturation, grey_part, 1 - saturation, 0), np.uint8)
    if random.random() < 0.3:
        hsv = cv2.cvtColor(view, cv2.COLOR_RGB2HSV)
        degrees = random.normal(0, 5)
        hsv[..., 0] = ((hsv[..., 0].astype(np.int16) + round(degrees / 2)) % 180).astype(np.uint8)
        view = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)
    return view


def grey(view: UInt8[np.ndarray, "size size 3"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """Monochrome, sometimes tinted like old paper."""
    plain = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)[..., None]
    tint = 1 - random.uniform(0, 0.15, 3) * (random.random() < 0.4)
    return np.asarray(plain * tint, np.uint8)


def line_art(view: UInt8[np.ndarray, "size size 3"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """Dark lines on white, where the picture is darker than its surroundings."""
    plain = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(np.float32)
    around = cv2.GaussianBlur(plain, (0, 0), random.uniform(1.5, 3.0))
    lines = np.clip(255 + (plain - around) * random.uniform(4, 9), 0, 255).astype(np.uint8)
    return np.repeat(lines[..., None], 3, axis=2)


def screentone(view: UInt8[np.ndarray, "size size 3"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """Greys as printed dots."""
    size = view.shape[0]
    plain = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    frequency, angle = random.uniform(1.2, 2.2), random.uniform(0, np.pi)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    screen = 0.5 + 0.25 * (np.sin(along * frequency) + np.sin(across * frequency))
    dots = 1 / (1 + np.exp(-(plain - screen) * random.uniform(4, 12)))
    return np.repeat((255 * dots).astype(np.uint8)[..., None], 3, axis=2)


def coarsen(view: UInt8[np.ndarray, "size size 3"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """As if the face had been small in its picture."""
    size = view.shape[0]
    small = int(size * random.uniform(0.35, 0.9))
    down = cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA)
    rule = int(random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST], p=[0.6, 0.3, 0.1]))
    return np.asarray(cv2.resize(down, (size, size), interpolation=rule), np.uint8)


def blur(view: UInt8[np.ndarray, "size size 3"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(view, (0, 0), random.uniform(0.4, 1.4)), np.uint8)


def compress(view: UInt8[np.ndarray, "size size 3"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """Through JPEG."""
    _, packed = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(20, 85))])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def cover_corner(view: UInt8[np.ndarray, "size size 3"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """A badge in a corner, as cards have them, so that no badge becomes a sign of who is shown."""
    size = view.shape[0]
    height, width = (int(size * random.uniform(0.12, 0.3)) for _ in range(2))
    top, left = (size - height) * int(random.integers(2)), (size - width) * int(random.integers(2))
    view = view.copy()
    view[top : top + height, left : left + width] = random.integers(0, 256, 3)
    return view


def erase(view: UInt8[np.ndarray, "size size 3"], random: Random) -> UInt8[np.ndarray, "size size 3"]:
    """Something before the face: a rectangle of one colour or of noise (random erasing, Zhong et al. 2017)."""
    size = view.shape[0]
    area, shape = random.uniform(0.03, 0.2), np.exp(random.uniform(-1, 1))
    height, width = (min(int(size * np.sqrt(area * factor)) + 1, size) for factor in (shape, 1 / shape))
    top, left = int(random.integers(size - height + 1)), int(random.integers(size - width + 1))
    view = view.copy()
    if random.random() < 0.7:
        view[top : top + height, left : left + width] = random.integers(0, 256, 3)
    else:
        view[top : top + height, left : left + width] = random.integers(0, 256, (height, width, 3))
    return view
