"""Drawn views as if somebody had drawn them by hand, with pencil or markers, and photographed the sheet."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

Random = np.random.Generator
View = UInt8[np.ndarray, "size size 3"]
Grey = UInt8[np.ndarray, "size size"]


def pencil(view: View, random: Random) -> View:
    """Graphite on white: the strength of edges, and a little of the tones, with grain and uneven pressure."""
    size = view.shape[0]
    tones = cv2.cvtColor(unsteady(view, random), cv2.COLOR_RGB2GRAY)
    around = cv2.GaussianBlur(tones, (0, 0), size / 96 * random.uniform(1.5, 3))
    strength = random.uniform(4, 7)
    darker = cv2.addWeighted(around, strength, tones, -strength, 0)
    edges = cv2.morphologyEx(tones, cv2.MORPH_GRADIENT, _CROSS)
    ink = cv2.addWeighted(darker, 1, edges, random.uniform(0.3, 0.9), -8)
    if random.random() < 0.6:  # dark hair and clothes are hatched
        ink = cv2.addWeighted(ink, 1, cv2.bitwise_not(around), random.uniform(0.15, 0.45), 0)
    ink = cv2.multiply(ink, smooth_field(size, 4, 0.65, 1.3, random)[..., 0], scale=1 / 127)
    ink = cv2.multiply(ink, grain(size, random.uniform(0.2, 0.6), random), scale=1 / 255)
    lead = 255 - random.uniform(20, 80) + random.uniform(-12, 12, 3)  # how much of white the darkest graphite takes
    return np.asarray(cv2.LUT(cv2.cvtColor(ink, cv2.COLOR_GRAY2RGB), _towards(lead)), np.uint8)


def marker(view: View, random: Random) -> View:
    """Thick dark strokes along the contours, over streaky flat colours in the view's hues, or over nothing."""
    size = view.shape[0]
    view = unsteady(view, random)
    tones = cv2.GaussianBlur(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), (0, 0), 0.5 * size / 96)
    around = cv2.GaussianBlur(tones, (0, 0), size / 96 * random.uniform(2, 3.5))
    strength = random.uniform(8, 14)  # so steep that it is a threshold with smooth borders
    lines = cv2.addWeighted(around, strength, tones, -strength, -strength * random.uniform(6, 12))
    if random.random() < 0.5:
        lines = cv2.dilate(lines, np.ones((2, 2), np.uint8))
    sheet = _flat_colours(view, random) if random.random() < 0.75 else np.full_like(view, 255)
    pen = 255 - random.uniform(0, 60, 3)
    strokes = cv2.LUT(cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB), _towards(pen))
    return np.asarray(cv2.multiply(sheet, strokes, scale=1 / 255), np.uint8)


def photographed(view: View, random: Random) -> View:
    """The view as a sheet of paper before a camera: tone, texture, uneven light, a shadow, a slant, blur and noise."""
    size = view.shape[0]
    paper = 255 - random.uniform(0, 20) - random.uniform(0, [6, 10, 24])  # off-white leans towards yellow
    view = cv2.LUT(view, np.clip(_RAMP[:, None] * paper / 255, 0, 255).astype(np.uint8)[None])
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], np.float32)
    slant = cv2.getPerspectiveTransform(
        corners, (corners + random.uniform(-0.05, 0.05, (4, 2)) * size).astype(np.float32)
    )
    view = cv2.warpPerspective(view, slant, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = smooth_field(size, 3, random.uniform(0.7, 0.95), 1.08, random)
    if random.random() < 0.35:
        light = _shadow(light, random)
    view = cv2.multiply(view, light, scale=1 / 127)
    texture = cv2.blur(_bytes((size, size), random), (2, 2))
    drawn = cv2.addWeighted(_bytes((size, size, 3), random), 0.5, cv2.cvtColor(texture, cv2.COLOR_GRAY2RGB), 0.5, 0)
    view = cv2.GaussianBlur(view, (0, 0), size / 96 * random.uniform(0.3, 0.9))
    strength = random.uniform(0.03, 0.12)
    return np.asarray(cv2.addWeighted(view, 1, drawn, strength, -127.5 * strength), np.uint8)


def unsteady(view: View, random: Random) -> View:
    """Lines a little beside where they were, as a hand that copies them draws them."""
    size = view.shape[0]
    amount = random.uniform(0.2, 1) * 0.015 * size
    away = (amount * random.normal(0, 1, (6, 6, 2))).astype(np.float32)
    route = places(size) + cv2.resize(away, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(
        cv2.remap(view, route[..., 0], route[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


@lru_cache(maxsize=8)
def places(size: int) -> Float32[np.ndarray, "size size 2"]:
    """Column and row of each pixel."""
    return np.ascontiguousarray(np.indices((size, size), dtype=np.float32)[::-1].transpose(1, 2, 0))


def smooth_field(size: int, cells: int, low: float, high: float, random: Random) -> View:
    """Factors that vary smoothly between low and high (at most 2), as bytes: 127 is one."""
    coarse = (127 * random.uniform(low, high, (cells, cells))).astype(np.uint8)
    return np.asarray(
        cv2.cvtColor(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), cv2.COLOR_GRAY2RGB), np.uint8
    )


def grain(size: int, depth: float, random: Random) -> Grey:
    """The tooth of paper: factors from 1 - depth to 1, as bytes: 255 is one."""
    rough = cv2.blur(_bytes((size, size), random), (2, 2))
    return np.asarray(cv2.LUT(rough, np.clip(255 - depth * 1.6 * _RAMP, 0, 255).astype(np.uint8)), np.uint8)


def _flat_colours(view: View, random: Random) -> View:
    """The view in few light tones and strong colours, streaked, with white where it is bright."""
    size = view.shape[0]
    cells = max(8, int(size * random.uniform(0.25, 0.45)))
    few = cv2.medianBlur(cv2.resize(view, (cells, cells), interpolation=cv2.INTER_AREA), 3)
    hsv = cv2.cvtColor(cv2.resize(few, (size, size), interpolation=cv2.INTER_LINEAR), cv2.COLOR_RGB2HSV)
    step = 255 / int(random.integers(3, 5))
    saturation = np.clip(_RAMP * random.uniform(1.0, 1.4), 0, 255)
    value = np.clip(40 + 215 / 255 * (_RAMP // step + 1) * step, 0, 255)
    table = np.column_stack([_RAMP, saturation, value]).astype(np.uint8)[None]
    colours = cv2.cvtColor(cv2.LUT(hsv, table), cv2.COLOR_HSV2RGB)
    # Where strokes of a broad pen lie side by side or overlap.
    stripes = cv2.resize((127 * random.uniform(0.88, 1.12, (24, 2))).astype(np.uint8), (size, size))
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), random.uniform(0, 180), 1.0)
    stripes = cv2.warpAffine(stripes, turn, (size, size), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.multiply(colours, cv2.cvtColor(stripes, cv2.COLOR_GRAY2RGB), scale=1 / 127), np.uint8)


def _shadow(light: View, random: Random) -> View:
    """The light with a soft shadow over one side of the sheet, as of a hand or of a head."""
    size = light.shape[0]
    angle, depth = random.uniform(0, 2 * np.pi), random.uniform(0.6, 0.85)
    across = (places(size) - size / 2) @ np.array([np.cos(angle), np.sin(angle)], np.float32)
    edge = random.uniform(0.05, 0.45) * size
    dark = np.clip(255 - (across - edge) * (30 * 96 / size), 255 * depth, 255).astype(np.uint8)
    return np.asarray(cv2.multiply(light, cv2.cvtColor(dark, cv2.COLOR_GRAY2RGB), scale=1 / 255), np.uint8)


def _towards(taken: np.ndarray) -> UInt8[np.ndarray, "1 256 3"]:
    """A table from ink of 0 to 255 to colours from white to white less `taken`."""
    return np.clip(255 - _RAMP[:, None] / 255 * taken, 0, 255).astype(np.uint8)[None]


def _bytes(shape: tuple[int, ...], random: Random) -> np.ndarray:
    return np.frombuffer(random.bytes(int(np.prod(shape))), np.uint8).reshape(shape)


_RAMP = np.arange(256, dtype=np.float64)
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
