"""What happens to the finished drawing: light, grain and printing."""

from __future__ import annotations

import cv2
import numpy as np

from data.drawn.artist import Artist
from data.drawn.brush import Picture
from data.drawn.chance import Chance
from data.drawn.moment import Light


def draw_particles(picture: Picture, light: Light, seed: int) -> None:
    """Petals, sparks, bubbles or snow in front of everything."""
    if light.particles == "none":
        return
    chance = Chance(6, seed)
    height, width = picture.shape[:2]
    span = min(height, width)
    if light.particles == "badge":
        _draw_badge(picture, chance, span)
        return
    for _ in range(7 + chance.whole(8)):
        centre = (int(chance.unit() * width), int(chance.unit() * height))
        size = max(1, int(span * chance.between(0.012, 0.04)))
        if light.particles == "petals":
            cv2.ellipse(
                picture,
                centre,
                (size, max(1, size // 2)),
                chance.between(0, 180),
                0,
                360,
                (250, 190, 206),
                -1,
                cv2.LINE_AA,
            )
        elif light.particles == "bubbles":
            cv2.circle(picture, centre, size, (240, 248, 255), max(1, size // 5), cv2.LINE_AA)
        else:
            tone = (255, 246, 200) if light.particles == "sparks" else (250, 252, 255)
            cv2.circle(picture, centre, max(1, size // 2), tone, -1, cv2.LINE_AA)


def _draw_badge(picture: Picture, chance: Chance, span: int) -> None:
    """A badge in a corner and a row of dots at the bottom, as on a collector's card."""
    radius = int(span * chance.between(0.09, 0.13))
    colour = (chance.between(60, 255), chance.between(60, 255), chance.between(60, 255))
    centre = (radius if chance.happens(0.7) else picture.shape[1] - radius, radius)
    cv2.circle(picture, centre, radius, colour, -1, cv2.LINE_AA)
    cv2.circle(picture, centre, radius, (255, 255, 255), max(1, radius // 8), cv2.LINE_AA)
    for _ in range(3):
        start = (centre[0] + int(chance.around(0.6) * radius), centre[1] + int(chance.around(0.6) * radius))
        end = (centre[0] + int(chance.around(0.9) * radius), centre[1] + int(chance.around(0.9) * radius))
        cv2.line(picture, start, end, (255, 255, 255), max(1, radius // 5), cv2.LINE_AA)
    size = int(span * 0.05)
    for index in range(chance.whole(6)):
        place = (int((1.4 + 2.2 * index) * size), picture.shape[0] - int(1.4 * size))
        cv2.circle(picture, place, size, (255, 214, 90), -1, cv2.LINE_AA)
        cv2.circle(picture, place, size, (120, 80, 30), max(1, size // 6), cv2.LINE_AA)


def _graded(picture: Picture, gain: np.ndarray, offset: np.ndarray) -> Picture:
    """Each colour times its gain plus its offset, by a table so that all machines round alike."""
    table = np.rint(np.arange(256)[:, None] * gain + offset).clip(0, 255).astype(np.uint8)
    return cv2.LUT(picture, table.reshape(1, 256, 3))


def _shined(picture: Picture, light: Light) -> Picture:
    """Tint, contrast and rays of the light as one gain for each colour and place."""
    tint = np.array(light.tint) / 255
    gain = light.brightness * light.contrast * (1 - light.tint_share * (1 - tint))
    offset = 128 * (1 - light.contrast)
    picture = _graded(picture, gain, np.full(3, offset))
    if light.ray == "none":
        return picture
    bright, dim = np.array((34.0, 30.0, 20.0)), np.array((-52.0, -52.0, -36.0))
    corners = {
        "side": (bright, dim, bright, dim) if light.ray_angle < 0 else (dim, bright, dim, bright),
        "top": (bright, bright, dim, dim),
        "below": (dim, dim, bright, bright),
    }[light.ray]
    field = np.array(corners).reshape(2, 2, 3)
    height, width = picture.shape[:2]
    plus = cv2.resize(np.maximum(field, 0).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    minus = cv2.resize(np.maximum(-field, 0).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return cv2.subtract(cv2.add(picture, plus), minus)


def _noise(chance: Chance, height: int, width: int) -> np.ndarray:
    """Even noise in [0, 255]."""
    bits = np.random.PCG64(np.random.SeedSequence((8, chance.whole(2**31)))).random_raw((height * width + 7) // 8)
    return np.frombuffer(bits.astype("<u8").tobytes(), np.uint8)[: height * width].reshape(height, width)


def _textured(picture: Picture, artist: Artist, chance: Chance) -> Picture:
    height, width = picture.shape[:2]
    kind = artist.texture
    if kind == "none":
        return picture
    if kind == "halftone":
        rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
        screen = (((rows + columns) % 4 < 2) & ((rows - columns) % 4 < 2)).astype(np.uint8) * 26
        return cv2.subtract(picture, cv2.merge([screen, screen, screen]))
    if kind == "lines":
        screen = np.repeat(((np.arange(height) % 3 == 0) * 22).astype(np.uint8)[:, None], width, axis=1)
        return cv2.subtract(picture, cv2.merge([screen, screen, screen]))
    if kind == "grain":
        grain = _noise(chance, height, width) // 9
    elif kind == "paper":
        rough = _noise(chance, height // 2 + 1, width // 2 + 1)
        grain = cv2.resize(rough, (width, height), interpolation=cv2.INTER_LINEAR_EXACT) // 8
    else:
        rough = _noise(chance, height // 24 + 2, width // 24 + 2)
        grain = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC) // 7
    middle = int(grain.mean())
    layer = cv2.merge([grain, grain, grain])
    return cv2.subtract(cv2.add(picture, np.full(4, middle, np.float64)), layer)


def finished(picture: Picture, artist: Artist, light: Light, seed: int, scale: int | float) -> Picture:
    """The picture as it leaves the artist's hand; `scale` is the width of a face in it, over 128 pixels."""
    chance = Chance(7, seed)
    if light.mode != "line art":
        picture = _shined(picture, light)
    if artist.softness:
        picture = cv2.GaussianBlur(picture, (0, 0), artist.softness * scale)
    picture = _textured(picture, artist, chance)
    if light.mode in ("grey", "sepia", "line art"):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        if light.mode == "sepia":
            picture = _graded(picture, np.array((0.86, 0.78, 0.62)), np.array((34.0, 22.0, 10.0)))
    return picture
