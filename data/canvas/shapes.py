"""Flat shapes with smooth edges, drawn in place and clipped to the canvas."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

Colour = tuple[int, int, int]  # RGB, each 0..255
Length = float | int  # in pixels; both named, as run-time type checkers tell them apart
Area = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels; x1 and y1 lie just outside

SUBPIXEL_BITS = 4  # cv2's fixed-point drawing: sixteenths of a pixel


def blend(
    canvas: UInt8[np.ndarray, "height width 3"],
    place: tuple[int, int],
    paint: UInt8[np.ndarray, "rows columns 3"] | Colour,
    cover: Float32[np.ndarray, "rows columns"],
) -> None:
    """Lay `paint` (a picture or one colour) on the canvas at `place` (x, y), as strong as `cover` (0..1) says."""
    height, width = canvas.shape[:2]
    rows, columns = cover.shape
    x, y = place
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + columns, width), min(y + rows, height)
    if left >= right or top >= bottom:
        return
    inside = np.s_[top - y : bottom - y, left - x : right - x]
    over = np.asarray(paint[inside] if isinstance(paint, np.ndarray) else paint, np.float32)
    under = canvas[top:bottom, left:right]
    under[...] = np.rint(under + (over - under) * cover[inside][..., None]).astype(np.uint8)


def rounded(height: int, width: int, radius: Length) -> Float32[np.ndarray, "{height} {width}"]:
    """The share of each pixel that a rectangle with rounded corners covers: 0.5 - distance to its edge, within 0..1.

    The distance is |max(q, 0)| + min(max(q_x, q_y), 0) - radius, where q is a pixel's offset beyond the nearest
    corner's centre (Quilez, "2D distance functions").
    """
    radius = min(radius, height / 2, width / 2)
    beyond_x = np.abs(np.arange(width, dtype=np.float32) + 0.5 - width / 2) - (width / 2 - radius)
    beyond_y = np.abs(np.arange(height, dtype=np.float32) + 0.5 - height / 2) - (height / 2 - radius)
    outside = np.hypot(np.maximum(beyond_x, 0)[None, :], np.maximum(beyond_y, 0)[:, None])
    within = np.minimum(np.maximum(beyond_x[None, :], beyond_y[:, None]), 0)
    return np.clip(0.5 - (outside + within - radius), 0, 1).astype(np.float32)


def fill(canvas: UInt8[np.ndarray, "height width 3"], area: Area, colour: Colour, radius: Length = 0) -> None:
    """Fill an area, with corners rounded by `radius` pixels."""
    x0, y0, x1, y1 = area
    if x1 > x0 and y1 > y0:
        blend(canvas, (x0, y0), colour, rounded(y1 - y0, x1 - x0, radius))


def ring(
    canvas: UInt8[np.ndarray, "height width 3"], area: Area, colour: Colour, thickness: int, radius: Length
) -> None:
    """Draw a frame of `thickness` pixels just inside an area, its outer corners rounded by `radius` pixels."""
    x0, y0, x1, y1 = area
    height, width = y1 - y0, x1 - x0
    if min(height, width) <= 2 * thickness:
        fill(canvas, area, colour, radius)
        return
    cover = rounded(height, width, radius)
    inner = rounded(
        height - 2 * thickness, width - 2 * thickness, max(0, min(radius, height / 2, width / 2) - thickness)
    )
    cover[thickness:-thickness, thickness:-thickness] -= inner
    blend(canvas, (x0, y0), colour, cover)


def paste(
    canvas: UInt8[np.ndarray, "height width 3"],
    picture: UInt8[np.ndarray, "rows columns 3"],
    place: tuple[int, int],
    radius: Length = 0,
) -> None:
    """Lay a picture on the canvas with its top left corner at `place` (x, y), corners rounded by `radius` pixels."""
    rows, columns = picture.shape[:2]
    blend(canvas, place, picture, rounded(rows, columns, radius))


def stroke(
    canvas: UInt8[np.ndarray, "height width 3"],
    path: Float32[np.ndarray, "points 2"],
    colour: Colour,
    thickness: int,
) -> None:
    """Draw a line through points (x, y), measured in pixels from the canvas's top left corner."""
    fixed = np.rint((path - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)  # cv2 counts from the first pixel's centre
    cv2.polylines(canvas, [fixed], False, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def outline(area: tuple[Length, Length, Length, Length], radius: Length) -> Float32[np.ndarray, "points 2"]:
    """The closed path around a rectangle with rounded corners, from the end of its top left corner clockwise."""
    x0, y0, x1, y1 = area
    radius = max(0.0, min(radius, (x1 - x0) / 2, (y1 - y0) / 2))
    turn = np.linspace(0, np.pi / 2, 9)
    points = []
    for centre_x, centre_y, start in (
        (x1 - radius, y0 + radius, -np.pi / 2),
        (x1 - radius, y1 - radius, 0.0),
        (x0 + radius, y1 - radius, np.pi / 2),
        (x0 + radius, y0 + radius, np.pi),
    ):
        angle = start + turn
        points.append(np.stack([centre_x + radius * np.cos(angle), centre_y + radius * np.sin(angle)], axis=1))
    path = np.concatenate(points)
    return np.concatenate([path[-1:], path]).astype(np.float32)


def dashes(
    path: Float32[np.ndarray, "points 2"], length: Length, gap: Length
) -> list[Float32[np.ndarray, "corners 2"]]:
    """Cut a closed path into dashes of about `length` and `gap` pixels, fitted so that they close evenly.

    Each dash keeps the corners that it goes around.
    """
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    count = max(2, round(float(along[-1]) / (length + gap)))
    period = along[-1] / count
    pieces = []
    for start in np.arange(count) * period:
        end = start + period * length / (length + gap)
        stops = np.concatenate([[start], along[(along > start) & (along < end)], [end]])
        piece = np.stack([np.interp(stops, along, path[:, axis]) for axis in (0, 1)], axis=1)
        pieces.append(piece.astype(np.float32))
    return pieces
