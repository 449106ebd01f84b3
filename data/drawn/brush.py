"""Smooth, anti-aliased shapes on a picture, from points in the units of a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from data.drawn.colour import Colour, Number

Points = Float[np.ndarray, "_ 2"]
Picture = UInt8[np.ndarray, "height width 3"]
Mask = UInt8[np.ndarray, "height width"]
Paint = Colour | np.ndarray

_SHIFT = 4  # bits of fraction in the coordinates given to OpenCV
_SMOOTHNESS = 8


def _spline_weights(steps: int) -> np.ndarray:
    """Weights of four neighbouring points along a Catmull-Rom segment, shape (steps, 4)."""
    t = np.arange(steps)[:, None] / steps
    return 0.5 * np.hstack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2])


_SPLINE = _spline_weights(_SMOOTHNESS)
_TURNS = np.arange(28) * (2 * np.pi / 28)
_CIRCLE = np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
_BEND = np.linspace(0, 1, 7)[:, None]
_BEND_WEIGHTS = np.hstack([(1 - _BEND) ** 2, 2 * _BEND * (1 - _BEND), _BEND**2])


def points(values: Sequence[Sequence[Number]]) -> Points:
    """Pairs of numbers as an array."""
    return np.array(values, dtype=np.float64)


def offset(x: Number, y: Number) -> np.ndarray:
    """A step to be added to points."""
    return np.array((x, y), dtype=np.float64)


def smooth(corners: Sequence[Sequence[Number]] | np.ndarray, closed: bool = False) -> Points:
    """A Catmull-Rom spline through the corners."""
    c = np.asarray(corners, dtype=np.float64)
    padded = np.concatenate([c[-1:], c, c[:2]]) if closed else np.concatenate([c[:1], c, c[-1:]])
    windows = np.stack([padded[:-3], padded[1:-2], padded[2:-1], padded[3:]])
    curve = np.einsum("sk,kwd->wsd", _SPLINE, windows).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, c[-1:]])


def bend(start: Sequence[Number], control: Sequence[Number], end: Sequence[Number]) -> Points:
    """A quadratic Bezier curve."""
    return _BEND_WEIGHTS @ np.array([start, control, end], dtype=np.float64)


def ellipse(x: Number, y: Number, rx: Number, ry: Number, angle: Number = 0.0) -> Points:
    """An ellipse as a polygon; the angle is in radians."""
    ring = _CIRCLE * (rx, ry)
    if angle:
        c, s = np.cos(angle), np.sin(angle)
        ring = ring @ np.array([[c, s], [-s, c]])
    return ring + offset(x, y)


def ribbon(path: Points, widths: Sequence[Number] | np.ndarray) -> Points:
    """A band along a path with the given full widths at evenly spaced places along it."""
    path = np.asarray(path, dtype=np.float64)
    along = np.empty_like(path)
    along[1:-1] = path[2:] - path[:-2]
    along[0], along[-1] = path[1] - path[0], path[-1] - path[-2]
    length = np.sqrt((along**2).sum(axis=1, keepdims=True))
    across = along[:, ::-1] * (-0.5, 0.5) / np.maximum(length, 1e-9)
    if len(widths) == len(path):
        thickness = np.asarray(widths, dtype=np.float64)
    else:
        thickness = np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(widths)), widths)
    offset = across * thickness[:, None]
    return np.concatenate([path + offset, (path - offset)[::-1]])


def star_shape(x: Number, y: Number, rx: Number, ry: Number, tips: int = 5, waist: Number = 0.42) -> Points:
    """A star, one tip up."""
    turns = np.arange(2 * tips) * (np.pi / tips) - np.pi / 2
    reach = np.where(np.arange(2 * tips) % 2, waist, 1.0)[:, None]
    return np.stack([np.cos(turns) * rx, np.sin(turns) * ry], axis=1) * reach + offset(x, y)


_HEART = points([(0, 1.0), (-0.75, 0.3), (-1.0, -0.25), (-0.75, -0.75), (-0.3, -0.75), (0, -0.35),
                 (0.3, -0.75), (0.75, -0.75), (1.0, -0.25), (0.75, 0.3)])  # fmt: skip


def heart_shape(x: Number, y: Number, radius: Number) -> Points:
    """A heart, tip down."""
    return _HEART * radius + offset(x, y)


@dataclass(frozen=True)
class Brush:
    """Draws on one picture; `frame` (2 x 3) carries head units to pixels, `unit` is the pixels of one head unit."""

    picture: Picture
    frame: Float[np.ndarray, "2 3"]
    unit: Number
    weight: Number = 0.03
    ink: Colour | None = (30.0, 20.0, 30.0)

    def at(self, frame: Float[np.ndarray, "2 3"]) -> Brush:
        """The same brush in another frame."""
        return replace(self, frame=frame)

    def pixels(self, shape: np.ndarray) -> np.ndarray:
        """Where points lie in the picture, in pixels."""
        return shape @ self.frame[:, :2].T + self.frame[:, 2]

    def _fixed(self, shape: np.ndarray) -> np.ndarray:
        # the small addend keeps round numbers off the edge where another machine's last bit would decide
        return np.rint(self.pixels(shape) * (1 << _SHIFT) + 1e-3).clip(-(2**24), 2**24).astype(np.int32)

    def _thickness(self, weight: Number) -> int:
        return max(1, round(weight * self.unit))

    def region(self, shape: np.ndarray) -> Mask:
        """The mask of a shape, as large as the picture, for use as a clip."""
        mask = np.zeros(self.picture.shape[:2], np.uint8)
        cv2.fillPoly(mask, [self._fixed(shape)], 255, cv2.LINE_8, _SHIFT)
        return mask

    def fill(
        self, shape: np.ndarray, paint: Paint, clip: Mask | None = None, line: bool = False, opacity: Number = 1.0
    ) -> None:
        """Fill a closed shape with a colour or a picture-sized paint; with `line`, trace it too."""
        fixed = self._fixed(shape)
        if clip is None and opacity >= 1.0 and isinstance(paint, tuple):
            cv2.fillPoly(self.picture, [fixed], paint, cv2.LINE_AA, _SHIFT)
        else:
            self._lay(fixed, paint, clip, opacity)
        if line and self.weight > 0:
            self._trace(fixed, paint, 1.0, True, None)

    def _lay(self, fixed: np.ndarray, paint: Paint, clip: Mask | None, opacity: Number) -> None:
        height, width = self.picture.shape[:2]
        low = np.maximum((fixed.min(axis=0) >> _SHIFT) - 1, 0)
        high = np.minimum((fixed.max(axis=0) >> _SHIFT) + 2, (width, height))
        x0, y0, x1, y1 = int(low[0]), int(low[1]), int(high[0]), int(high[1])
        if x0 >= x1 or y0 >= y1:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, [fixed - (low << _SHIFT)], 255, cv2.LINE_8, _SHIFT)
        if clip is not None:
            mask &= clip[y0:y1, x0:x1]
        below = self.picture[y0:y1, x0:x1]
        if isinstance(paint, tuple):
            over = np.empty_like(below)
            cv2.rectangle(over, (0, 0), (x1 - x0, y1 - y0), paint, cv2.FILLED)
        else:
            over = paint[y0:y1, x0:x1]
        if opacity < 1.0:
            over = cv2.addWeighted(over, opacity, below, 1.0 - opacity, 0)
        cv2.copyTo(over, mask, below)

    def soft(self, shape: np.ndarray, colour: Colour, opacity: Number, blur: Number, clip: Mask | None = None) -> None:
        """Lay a blurred shape over the picture; `blur` is in head units."""
        height, width = self.picture.shape[:2]
        place = self.pixels(shape)
        margin = 2 * blur * self.unit + 2
        x0, y0 = (int(v) for v in np.maximum(place.min(axis=0) - margin, 0))
        x1, y1 = (int(v) for v in np.minimum(place.max(axis=0) + margin, (width, height)))
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        step = max(1, int(blur * self.unit / 3))
        small = np.zeros(((y1 - y0) // step + 1, (x1 - x0) // step + 1), np.uint8)
        cv2.fillPoly(
            small, [np.rint((place - offset(x0, y0)) * (16 / step)).astype(np.int32)], 255 * opacity, cv2.LINE_8, _SHIFT
        )
        kernel = 2 * max(1, round(blur * self.unit / step * 0.6)) + 1
        blurred = cv2.blur(cv2.blur(small, (kernel, kernel)), (kernel, kernel))
        mask = cv2.resize(blurred, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR_EXACT)
        if clip is not None:
            mask = cv2.bitwise_and(mask, clip[y0:y1, x0:x1])
        below = self.picture[y0:y1, x0:x1]
        over = np.empty_like(below)
        cv2.rectangle(over, (0, 0), (x1 - x0, y1 - y0), colour, cv2.FILLED)
        share = cv2.merge([mask, mask, mask])
        cv2.add(cv2.multiply(over, share, scale=1 / 255), cv2.multiply(below, 255 - share, scale=1 / 255), dst=below)

    def _trace(self, fixed: np.ndarray, paint: Paint, weight: Number, closed: bool, colour: Colour | None) -> None:
        tint = colour
        if tint is None:
            tint = self.ink
        if tint is None:
            if not isinstance(paint, tuple):
                return
            tint = (paint[0] * 0.45, paint[1] * 0.36, paint[2] * 0.42)
        cv2.polylines(self.picture, [fixed], closed, tint, self._thickness(self.weight * weight), cv2.LINE_AA, _SHIFT)

    def trace(
        self,
        path: np.ndarray,
        weight: Number = 1.0,
        colour: Colour | None = None,
        closed: bool = False,
        near: Paint = (120.0, 90.0, 100.0),
    ) -> None:
        """Draw a line of even width, `weight` times the brush's; without a colour, in ink (or a dark `near`)."""
        self._trace(self._fixed(path), near, weight, closed, colour)

    def stroke(self, path: np.ndarray, widths: Sequence[Number], colour: Paint, clip: Mask | None = None) -> None:
        """Draw a line whose width in head units changes along it."""
        self.fill(ribbon(path, widths), colour, clip)
