"""What lies behind the figures."""

from __future__ import annotations

import cv2
import numpy as np

from data.drawn.brush import Picture
from data.drawn.chance import Chance
from data.drawn.colour import Colour, adjust, lighten, mix, shade

KINDS = {
    "plain": 14, "white": 8, "gradient": 14, "diagonal": 6, "bokeh": 9, "stripes": 6, "checks": 4, "dots": 7,
    "speed": 5, "sky": 9, "room": 6, "night": 5, "forest": 5, "burst": 5, "writing": 5, "screen": 4, "black": 2,
}  # fmt: skip


def _colour(chance: Chance) -> Colour:
    return adjust((230.0, 60.0, 60.0), chance.unit(), chance.between(0.1, 1.0), chance.between(0.35, 1.1))


def _poly(picture: Picture, corners: list[tuple[int | float, int | float]], colour: Colour) -> None:
    cv2.fillPoly(picture, [np.rint(np.array(corners) * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)


def _gradient(picture: Picture, corners: tuple[Colour, Colour, Colour, Colour]) -> None:
    small = np.rint(np.array(corners).reshape(2, 2, 3)).clip(0, 255).astype(np.uint8)
    grown = cv2.resize(small, (8, 8), interpolation=cv2.INTER_LINEAR_EXACT)
    height, width = picture.shape[:2]
    cv2.resize(grown, (width, height), dst=picture, interpolation=cv2.INTER_LINEAR_EXACT)


def draw_background(picture: Picture, seed: int) -> None:
    """Cover the picture with the background of a picture's seed."""
    chance = Chance(5, seed)
    kind = chance.weigh(KINDS)
    first, second = _colour(chance), _colour(chance)
    height, width = picture.shape[:2]
    span = float(min(height, width))
    cv2.rectangle(picture, (0, 0), (width, height), first, cv2.FILLED)
    if kind == "white":
        cv2.rectangle(picture, (0, 0), (width, height), (254, 254, 254), cv2.FILLED)
    elif kind == "black":
        cv2.rectangle(picture, (0, 0), (width, height), (8, 8, 10), cv2.FILLED)
    elif kind == "gradient":
        if chance.happens(0.5):
            second = mix(first, second, 0.5)
        _gradient(picture, (first, first, second, second))
    elif kind == "diagonal":
        x = chance.between(0.2, 0.8) * width
        _poly(
            picture,
            [(x, -1), (width + 1, -1), (width + 1, height + 1), (x + chance.around(0.6) * width, height + 1)],
            second,
        )
    elif kind == "bokeh":
        _gradient(picture, (first, mix(first, second, 0.5), second, mix(first, second, 0.3)))
        for _ in range(5 + chance.whole(9)):
            centre = (int(chance.unit() * width), int(chance.unit() * height))
            tint = lighten(mix(first, second, chance.unit()), chance.between(0.1, 0.6))
            cv2.circle(picture, centre, int(span * chance.between(0.03, 0.16)), tint, -1, cv2.LINE_AA)
    elif kind == "stripes":
        step, lean = span * chance.between(0.06, 0.2), chance.around(1.0) * height
        for index in range(-int(height / step) - 1, int((width + height) / step) + 1, 2):
            x = index * step
            _poly(picture, [(x, -1), (x + step, -1), (x + step + lean, height + 1), (x + lean, height + 1)], second)
    elif kind == "checks":
        step = int(span * chance.between(0.08, 0.2)) + 1
        grid = (np.add.outer(np.arange(height) // step, np.arange(width) // step) % 2).astype(np.uint8)
        picture[grid > 0] = np.rint(second).astype(np.uint8)
    elif kind in ("dots", "screen"):
        step = max(5.0, span * (chance.between(0.08, 0.16) if kind == "dots" else 0.035))
        if kind == "screen":
            cv2.rectangle(picture, (0, 0), (width, height), (250, 250, 250), cv2.FILLED)
            second = (70.0, 70.0, 76.0)
        for row in range(int(height / step) + 2):
            radius = step * (0.3 if kind == "dots" else 0.12 + 0.36 * row * step / height)
            for column in range(int(width / step) + 2):
                centre = (int((column + 0.5 * (row % 2)) * step * 16), int(row * step * 16))
                cv2.circle(picture, centre, int(radius * 16), second, -1, cv2.LINE_8, 4)
    elif kind in ("speed", "burst"):
        cx, cy = width * chance.between(0.3, 0.7), height * chance.between(0.3, 0.7)
        far = 1.5 * (width + height)
        count = 24 + 2 * chance.whole(20) if kind == "speed" else 14
        if kind == "speed":
            first, second = (252.0, 252.0, 252.0), mix(second, (20.0, 20.0, 20.0), 0.7)
            cv2.rectangle(picture, (0, 0), (width, height), first, cv2.FILLED)
        for index in range(count):
            angle = 2 * np.pi * (index + (0.4 * chance.unit() if kind == "speed" else 0.0)) / count
            thick = (
                np.pi / count * (chance.between(0.1, 0.8) if kind == "speed" else 0.5) * (1 if kind == "speed" else 2)
            )
            start = span * chance.between(0.2, 0.5) if kind == "speed" else 0.0
            _poly(picture, [
                (cx + start * np.cos(angle + thick / 2), cy + start * np.sin(angle + thick / 2)),
                (cx + far * np.cos(angle), cy + far * np.sin(angle)),
                (cx + far * np.cos(angle + thick), cy + far * np.sin(angle + thick)),
            ], second)  # fmt: skip
    elif kind == "sky":
        blue = (
            adjust((110.0, 178.0, 240.0), chance.around(0.05), 1, 1) if chance.happens(0.7) else (250.0, 160.0, 110.0)
        )
        _gradient(picture, (blue, blue, lighten(blue, 0.6), lighten(blue, 0.6)))
        for _ in range(2 + chance.whole(3)):
            x, y = chance.unit() * width, chance.between(0.05, 0.55) * height
            for _ in range(5):
                centre = (int(x + chance.around(0.22) * span), int(y + chance.around(0.05) * span))
                cv2.circle(picture, centre, int(span * chance.between(0.04, 0.1)), (252, 252, 255), -1, cv2.LINE_AA)
        hill = adjust((96.0, 160.0, 90.0), chance.around(0.08), 1, chance.between(0.7, 1.1))
        for step in range(2):
            y = height * (0.66 + 0.14 * step)
            top = [(x * width / 8, y + chance.around(0.09) * height) for x in range(9)]
            _poly(picture, [*top, (width, height + 1), (0, height + 1)], shade(hill, 0.4 * (1 - step)))
    elif kind == "room":
        wall = lighten(mix(first, (230.0, 215.0, 190.0), 0.6), 0.2)
        cv2.rectangle(picture, (0, 0), (width, height), wall, cv2.FILLED)
        x, y, w, h = (chance.between(0.0, 0.5) * width, chance.between(0.0, 0.2) * height, 0.42 * width, 0.5 * height)
        cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), (190, 225, 245), cv2.FILLED)
        frame = shade(wall, 0.7)
        thick = max(2, int(span * 0.02))
        cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), frame, thick)
        cv2.line(picture, (int(x + w / 2), int(y)), (int(x + w / 2), int(y + h)), frame, thick)
        cv2.line(picture, (int(x), int(y + h / 2)), (int(x + w), int(y + h / 2)), frame, thick)
        shelf = int(chance.between(0.62, 0.74) * height)
        cv2.rectangle(picture, (0, shelf), (width, shelf + thick * 2), shade(wall, 1.0), cv2.FILLED)
        left = 0.0
        while left < width:
            wide, tall = span * chance.between(0.03, 0.07), span * chance.between(0.1, 0.2)
            cv2.rectangle(
                picture,
                (int(left), int(shelf - tall)),
                (int(left + wide), shelf),
                shade(_colour(chance), 0.3),
                cv2.FILLED,
            )
            left += wide * chance.between(1.0, 1.8)
    elif kind == "night":
        deep = adjust((30.0, 34.0, 84.0), chance.around(0.06))
        _gradient(picture, (deep, deep, lighten(deep, 0.3), mix(deep, second, 0.4)))
        for _ in range(24):
            centre = (int(chance.unit() * width), int(chance.unit() * height * 0.7))
            cv2.circle(picture, centre, max(1, int(span * 0.006)), (250, 246, 220), -1, cv2.LINE_AA)
        left = 0.0
        while left < width:
            wide, tall = span * chance.between(0.08, 0.2), height * chance.between(0.2, 0.6)
            cv2.rectangle(
                picture, (int(left), int(height - tall)), (int(left + wide), height), shade(deep, 0.5), cv2.FILLED
            )
            for row in range(int(tall / (span * 0.09))):
                if chance.happens(0.5):
                    x, y = int(left + wide * 0.3), int(height - tall + (row + 0.4) * span * 0.09)
                    cv2.rectangle(
                        picture, (x, y), (x + int(wide * 0.35), y + int(span * 0.035)), (250, 214, 120), cv2.FILLED
                    )
            left += wide
    elif kind == "forest":
        green = adjust((70.0, 130.0, 80.0), chance.around(0.08), 1, chance.between(0.6, 1.2))
        _gradient(picture, (lighten(green, 0.5), lighten(green, 0.6), green, shade(green, 0.5)))
        for index in range(26):
            centre = (int(chance.unit() * width), int(chance.unit() * height))
            tint = mix(green, lighten(green, 0.4), chance.unit()) if index % 2 else shade(green, chance.unit())
            axes = (int(span * chance.between(0.03, 0.12)), int(span * chance.between(0.02, 0.06)))
            cv2.ellipse(picture, centre, axes, chance.between(0, 180), 0, 360, tint, -1, cv2.LINE_AA)
    elif kind == "writing":
        if chance.happens(0.5):
            first = (250.0, 250.0, 250.0)
            cv2.rectangle(picture, (0, 0), (width, height), first, cv2.FILLED)
        size = span * chance.between(0.06, 0.12)
        for column in range(int(width / (1.5 * size)) + 1):
            if chance.happens(0.45):
                continue
            for row in range(int(height / (1.2 * size)) + 1):
                for _ in range(4):
                    x, y = (column * 1.5 + chance.unit()) * size, (row * 1.2 + chance.unit()) * size
                    end = (int(x + chance.around(1) * size), int(y + chance.around(1) * size))
                    cv2.line(picture, (int(x), int(y)), end, second, max(1, int(size * 0.1)), cv2.LINE_AA)
