"""Augmentation for drawings: all that may differ between two pictures of one character, and nothing that tells who.

Hair and eye colour tell characters apart, so hue moves by a few degrees only. Backgrounds, frames, badges, sharpness,
crop and line style say nothing about who is shown, so they vary freely.

Views are made while the network learns, on the same cores, so each change is a few calls of OpenCV on bytes.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import UInt8

from embedder.preprocess import resize_square
from embedder.training.hand_drawn import marker, pencil, photographed, places
from embedder.training.pictures import on_white

AUGMENTATIONS = ("none", "plain", "drawings", "hand-drawn")
"""How pictures are varied: not at all; framed and lit otherwise; as other artists would have drawn and published them;
the same, and some as drawn by hand and photographed."""

HAND_DRAWN = 0.3
"""Share of the views of "hand-drawn" that look drawn by hand; half of them by pencil, half by marker."""

ZOOM_OUT = 0.34
WIDEST, LOOSE, TIGHTEST = 0.55, 0.95, 1.35
"""Width of the picture in widths of the view. A share of ZOOM_OUT lies between WIDEST and LOOSE, the rest above."""

REFLECTED = 0.4
"""Share of opaque pictures continued by reflection where the view shows more than there is; others get a background."""

WHITE_BACKGROUND = 0.3
"""Share of backgrounds that are white: that is how transparent pictures come when they are asked about."""

CHANGES: dict[str, float] = {
    # light and paint
    "shift_colours": 0.80,
    "turn_hue": 0.25,
    "contours": 0.25,
    "posterise": 0.08,
    "paint": 0.10,
    "soft_light": 0.15,
    "vignette": 0.08,
    "tint": 0.10,
    # without colour
    "grey": 0.10,
    "line_art": 0.02,
    "screentone": 0.02,
    # what is printed over it
    "frame": 0.10,
    "cover_corner": 0.20,
    # how it was published
    "coarsen": 0.20,
    "blur": 0.10,
    "noise": 0.08,
    "compress": 0.20,
    # what is before it
    "erase": 0.35,
}
"""The changes of "drawings" in the order in which they are made, each with the share of views that it happens to."""

Random = np.random.Generator
Picture = UInt8[np.ndarray, "side side channels"]
View = UInt8[np.ndarray, "size size 3"]


def augment(picture: Picture, size: int, random: Random, kind: str = "drawings", mirror: bool = True) -> View:
    """One view of an RGB or RGBA picture at size x size pixels; `kind` is one of AUGMENTATIONS.

    Without `mirror` no view is mirrored, not even where it goes on beyond the picture's border: handwriting has a side.
    """
    if kind == "none":
        return resize_square(opaque(picture), size)
    if kind == "plain":
        return plain(picture, size, random, mirror)
    if kind not in AUGMENTATIONS:
        raise ValueError(f"augmentation is one of {', '.join(AUGMENTATIONS)}, not '{kind}'")
    view = move(picture, size, random, mirror)
    by_hand = kind == "hand-drawn" and random.random() < HAND_DRAWN
    if by_hand:
        view = photographed(pencil(view, random) if random.random() < 0.5 else marker(view, random), random)
    return change(view, random, {"erase": CHANGES["erase"]} if by_hand else CHANGES)


def plain(picture: Picture, size: int, random: Random, mirror: bool = True) -> View:
    """Affine jitter, mirror, brightness, contrast, 12 % grey, erasing; alpha on white."""
    picture = opaque(picture)
    side = picture.shape[0]
    zoom = size / side * np.exp(random.uniform(np.log(0.85), np.log(1.2)))
    angle = np.radians(random.uniform(-12, 12))
    flip = -1.0 if mirror and random.random() < 0.5 else 1.0
    matrix = turned(angle) @ np.diag([flip, 1.0]) * zoom
    centre = size / 2 + random.uniform(-0.06, 0.06, 2) * size
    border = cv2.BORDER_REFLECT_101 if mirror else cv2.BORDER_REPLICATE
    view = cv2.warpAffine(picture, about(side, matrix, centre), (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
    gain, bias = np.exp(random.normal(0, 0.2)), random.normal(0, 0.08) * 255
    view = cv2.LUT(view, np.clip((np.arange(256) - 127.5) * gain + 127.5 + bias, 0, 255).astype(np.uint8))
    if random.random() < 0.12:
        view = colourless(view)
    view = np.asarray(view, np.uint8)
    return erase(view, random, most=0.2) if random.random() < 0.4 else view


def change(view: View, random: Random, shares: dict[str, float]) -> View:
    """The view after the named changes, each made with its share."""
    for (name, share), drawn in zip(shares.items(), random.random(len(shares)), strict=True):
        if drawn < share:
            view = BY_NAME[name](view, random)
    return view


# --- what is in the view


def move(picture: Picture, size: int, random: Random, mirror: bool = True) -> View:
    """Crop jitter from tight to wide, tilt, stretch and mirror as one affine map, and a background around it."""
    side = picture.shape[0]
    wide = random.random() < ZOOM_OUT
    zoom = size / side * np.exp(random.uniform(*np.log((WIDEST, LOOSE) if wide else (LOOSE, TIGHTEST))))
    stretch = np.exp(random.normal(0, 0.06))
    angle = np.radians(np.clip(random.normal(0, 12), -35, 35))
    flip = -1.0 if mirror and random.random() < 0.5 else 1.0
    shear = random.normal(0, 0.05)
    matrix = turned(angle) @ np.array([[flip * stretch, shear], [0.0, 1 / stretch]]) * zoom
    # Faces lie near the middle of their crops more often than at the border.
    room = abs(zoom * side - size) / 2 + 0.06 * size
    centre = size / 2 + (random.random(2) + random.random(2) - 1) * room
    # Colours are multiplied by alpha before pixels are mixed, so that what lies under transparency never bleeds.
    transparent = picture.shape[2] == 4
    picture = cv2.cvtColor(picture, cv2.COLOR_RGBA2mRGBA) if transparent else np.ascontiguousarray(picture)
    if zoom < 0.6:  # else every other pixel is left out
        picture = np.asarray(cv2.resize(picture, (side // 2, side // 2), interpolation=cv2.INTER_AREA), np.uint8)
        matrix, side = matrix * side / (side // 2), side // 2
    affine = about(side, matrix, centre)
    shape = (size, size)
    if transparent:
        return lay_on(background(size, random), cv2.warpAffine(picture, affine, shape, flags=cv2.INTER_LINEAR))
    if random.random() < REFLECTED:
        border = cv2.BORDER_REFLECT_101 if mirror else cv2.BORDER_REPLICATE
        return np.asarray(cv2.warpAffine(picture, affine, shape, flags=cv2.INTER_LINEAR, borderMode=border), np.uint8)
    behind = stretched_patch(picture, size, random) if random.random() < 0.4 else background(size, random)
    cv2.warpAffine(picture, affine, shape, dst=behind, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    return behind


def turned(angle: float) -> np.ndarray:
    """The rotation by an angle in radians."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def about(side: int, matrix: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """The affine map by `matrix` that takes the centre of a picture of `side` pixels to `centre`."""
    return np.column_stack([matrix, centre - matrix @ np.array([side / 2, side / 2])])


def opaque(picture: Picture) -> UInt8[np.ndarray, "side side 3"]:
    """The picture on white where it is transparent."""
    return np.ascontiguousarray(picture if picture.shape[2] == 3 else on_white(picture[None])[0])


def lay_on(behind: View, weighed: UInt8[np.ndarray, "size size 4"]) -> View:
    """A picture of colours multiplied by alpha before a background: weighed + behind (1 - alpha)."""
    through = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(weighed, 3)), cv2.COLOR_GRAY2RGB)
    behind = np.asarray(cv2.multiply(behind, through, scale=1 / 255), np.uint8)
    return np.asarray(cv2.add(cv2.cvtColor(weighed, cv2.COLOR_RGBA2RGB), behind), np.uint8)


def background(size: int, random: Random) -> View:
    """What a face may stand before: white, a colour, a gradient, or patches."""
    kind = random.random()
    if kind < WHITE_BACKGROUND:
        return np.full((size, size, 3), 255, np.uint8)
    if kind < 0.5:
        patches, rule = random.uniform(0, 255, (1, 1, 3)), cv2.INTER_NEAREST
    elif kind < 0.7:
        patches, rule = random.uniform(0, 255, (2, 2, 3)), cv2.INTER_LINEAR
    else:
        count = int(random.integers(3, 12))
        patches = random.uniform(0, 255, (1, 1, 3)) + random.normal(0, 60, (count, count, 3))
        rule = cv2.INTER_NEAREST if random.random() < 0.3 else cv2.INTER_CUBIC
    tones = patches.mean(axis=2, keepdims=True)
    muted = tones + (patches - tones) * random.random()
    return np.asarray(cv2.resize(np.clip(muted, 0, 255).astype(np.uint8), (size, size), interpolation=rule), np.uint8)


def stretched_patch(picture: UInt8[np.ndarray, "side side 3"], size: int, random: Random) -> View:
    """A piece of the picture itself as a background: blurred, and stretched over the view."""
    side = picture.shape[0]
    height, width = (max(2, int(side * share)) for share in random.uniform(0.15, 0.5, 2))
    top, left = int(random.integers(side - height + 1)), int(random.integers(side - width + 1))
    cells = int(random.integers(2, 9))
    few = cv2.resize(picture[top : top + height, left : left + width], (cells, cells), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(few, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)


# --- light and paint


def shift_colours(view: View, random: Random) -> View:
    """Brightness, contrast, gamma, saturation and a slight cast of light."""
    curve = _RAMP ** np.exp(random.normal(0, 0.2))
    curve = 0.5 + (curve - 0.5) * np.exp(random.normal(0, 0.2)) + random.normal(0, 0.06)
    cast = np.exp(random.normal(0, 0.04, 3))
    view = cv2.LUT(view, np.clip(255 * curve[:, None] * cast, 0, 255).astype(np.uint8)[None])
    saturation = float(np.exp(np.clip(random.normal(0, 0.2), -0.8, 0.5)))
    return np.asarray(cv2.addWeighted(view, saturation, colourless(view), 1 - saturation, 0), np.uint8)


_RAMP = np.linspace(0, 1, 256)


def turn_hue(view: View, random: Random) -> View:
    """Every hue turned by a few degrees: as far as two artists differ in one character's colours."""
    return with_hues_turned(view, round(float(np.clip(random.normal(0, 2.5), -6, 6))))


def with_hues_turned(view: View, steps: int) -> View:
    """Every hue turned by so many steps of 2 degrees."""
    hsv = cv2.cvtColor(view, cv2.COLOR_RGB2HSV)
    hues = (np.arange(180) + steps) % 180
    cv2.insertChannel(cv2.LUT(cv2.extractChannel(hsv, 0), np.resize(hues, 256).astype(np.uint8)), hsv, 0)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)


def contours(view: View, random: Random) -> View:
    """Thin dark lines made stronger, or taken back as in paintings without contours."""
    width = 3 if view.shape[0] < 128 else 5
    lines = cv2.morphologyEx(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.MORPH_BLACKHAT, np.ones((width, width)))
    strength = random.uniform(-0.8, 1.2)
    return np.asarray(cv2.addWeighted(view, 1, cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB), -strength, 0), np.uint8)


def posterise(view: View, random: Random) -> View:
    """Few tones, as in cel shading; only brightness is rounded, so that hue stays."""
    tones = int(random.integers(5, 10))
    step = 255 / tones
    levels = np.clip((np.arange(256) // step + random.uniform(0.3, 0.7)) * step, 0, 255)
    table = np.column_stack([levels, np.arange(256), np.arange(256)]).astype(np.uint8)[None]
    return np.asarray(
        cv2.cvtColor(cv2.LUT(cv2.cvtColor(view, cv2.COLOR_RGB2YCrCb), table), cv2.COLOR_YCrCb2RGB), np.uint8
    )


def paint(view: View, random: Random) -> View:
    """Details lost as under a brush: a median, mixed with the view."""
    smooth = cv2.medianBlur(view, 3 if view.shape[0] < 80 or random.random() < 0.5 else 5)
    share = random.uniform(0.5, 1)
    return np.asarray(cv2.addWeighted(smooth, share, view, 1 - share, 0), np.uint8)


def soft_light(view: View, random: Random) -> View:
    """Light that falls unevenly."""
    return lit(view, random.uniform(0.7, 1.2, (3, 3, 1)) * np.ones(3))


def vignette(view: View, random: Random) -> View:
    """Corners darker than the middle."""
    lights = np.full((3, 3, 3), random.uniform(0.85, 1), np.float64)
    lights[1, 1] = 1.05
    lights[::2, ::2] = random.uniform(0.5, 0.8)
    return lit(view, lights)


def tint(view: View, random: Random) -> View:
    """White turned into the tone of paper or of a screen."""
    return lit(view, (1 - random.uniform(0, 0.12, 3))[None, None])


def lit(view: View, lights: np.ndarray) -> View:
    """The view times a smooth field through a few given factors (rows, columns, 3) from 0 to 2."""
    size = view.shape[0]
    coarse = np.clip(lights * 127, 0, 255).astype(np.uint8)
    field = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.multiply(view, field, scale=1 / 127), np.uint8)


# --- without colour


def colourless(view: View) -> View:
    """The view in greys."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def grey(view: View, random: Random) -> View:
    """Monochrome, sometimes tinted like old paper."""
    return tint(colourless(view), random) if random.random() < 0.4 else colourless(view)


def line_art(view: View, random: Random) -> View:
    """Dark lines on white, where the picture is darker than its surroundings."""
    plain = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
    around = cv2.GaussianBlur(plain, (0, 0), random.uniform(1.5, 3.0))
    strength = random.uniform(4, 9)
    lines = cv2.addWeighted(plain, strength, around, -strength, 255)
    return np.asarray(cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB), np.uint8)


def screentone(view: View, random: Random) -> View:
    """Greys as printed dots."""
    columns, rows = cv2.split(places(view.shape[0]))
    frequency, angle = random.uniform(1.7, 2.7), random.uniform(0, np.pi)
    across, down = frequency * np.cos(angle), frequency * np.sin(angle)
    screen = 127.5 + 63.75 * (np.sin(columns * across + rows * down) + np.sin(rows * across - columns * down))
    tones = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(np.float32)
    dots = np.clip(127.5 + (tones - screen) * random.uniform(1, 2.5), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(dots, cv2.COLOR_GRAY2RGB), np.uint8)


# --- what is printed over it


def frame(view: View, random: Random) -> View:
    """A card's frame: a line along the border, or a strip on one side, of one colour."""
    size = view.shape[0]
    view = view.copy()
    colour = random.integers(0, 256, 3).tolist()
    if random.random() < 0.6:
        gap, width = int(size * random.uniform(0, 0.05)), max(1, int(size * random.uniform(0.01, 0.06)))
        for inset in range(gap, gap + width):
            cv2.rectangle(view, (inset, inset), (size - 1 - inset, size - 1 - inset), colour)
        return view
    strip = np.rot90(view, int(random.integers(4)))
    strip[-max(1, int(size * random.uniform(0.04, 0.14))) :] = colour
    return view


def cover_corner(view: View, random: Random) -> View:
    """A badge in a corner, as cards have them, so that no badge becomes a sign of who is shown."""
    size = view.shape[0]
    height, width = (int(size * share) for share in random.uniform(0.1, 0.28, 2))
    down, right = random.random(2) < 0.5
    top, left = (size - height) * int(down), (size - width) * int(right)
    colours = random.integers(0, 256, (2, 3)).tolist()
    view = view.copy()
    if random.random() < 0.4:
        view[top : top + height, left : left + width] = colours[0]
        return view
    centre = (left + width // 2, top + height // 2)
    cv2.ellipse(view, centre, (width // 2, height // 2), 0, 0, 360, colours[0], -1, cv2.LINE_AA)
    cv2.ellipse(view, centre, (width // 4, height // 4), 0, 0, 360, colours[1], -1, cv2.LINE_AA)
    return view


# --- how it was published


def coarsen(view: View, random: Random) -> View:
    """As if the face had been small in its picture."""
    size = view.shape[0]
    small = int(size * random.uniform(0.4, 0.9))
    kind = random.random()
    rule = cv2.INTER_LINEAR if kind < 0.6 else cv2.INTER_CUBIC if kind < 0.9 else cv2.INTER_NEAREST
    down = cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(down, (size, size), interpolation=rule), np.uint8)


def blur(view: View, random: Random) -> View:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(view, (0, 0), random.uniform(0.4, 1.4)), np.uint8)


def noise(view: View, random: Random) -> View:
    """Grain of a camera or of film, evenly spread within up to 18 of 255 either way."""
    drawn = np.frombuffer(random.bytes(view.size), np.uint8).reshape(view.shape)
    strength = random.uniform(0.03, 0.14)
    return np.asarray(cv2.addWeighted(view, 1, drawn, strength, -127.5 * strength), np.uint8)


def compress(view: View, random: Random) -> View:
    """Through JPEG."""
    quality = int(random.integers(20, 85))
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(view, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB), np.uint8)


# --- what is before it


def erase(view: View, random: Random, most: float = 0.12) -> View:
    """Something before the face: a rectangle of one colour or of noise (random erasing, Zhong et al. 2017).

    At most a share of `most` is covered: less than in the paper where views are wide, so that faces are small.
    """
    size = view.shape[0]
    area, shape = random.uniform(0.03, most), np.exp(random.uniform(-1, 1))
    height, width = (min(int(size * np.sqrt(area * factor)) + 1, size) for factor in (shape, 1 / shape))
    top, left = int(random.integers(size - height + 1)), int(random.integers(size - width + 1))
    view = view.copy()
    if random.random() < 0.7:
        view[top : top + height, left : left + width] = random.integers(0, 256, 3)
    else:
        view[top : top + height, left : left + width] = random.integers(0, 256, (height, width, 3), np.uint8)
    return view


_ALL: tuple[Callable[[np.ndarray, Random], np.ndarray], ...] = (
    shift_colours, turn_hue, contours, posterise, paint, soft_light, vignette, tint, grey, line_art, screentone,
    frame, cover_corner, coarsen, blur, noise, compress, erase,
)  # fmt: skip
BY_NAME = {one.__name__: one for one in _ALL}
"""Each change of CHANGES."""
