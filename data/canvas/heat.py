"""A picture under colours that say which of its parts speak for one answer and which for another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from data.canvas.cards import PAGE, SMALLEST_TEXT
from data.canvas.fitting import comfortable_scale, scaled
from data.canvas.shapes import Area, Colour, fill, ring
from data.canvas.text import BOLD, draw_text, line_height, shorten, text_width
from data.canvas.tone import INK, QUIET, WHITE

TOWARDS: Colour = (0, 107, 178)
AWAY: Colour = (213, 94, 0)
"""Blue and vermilion stay apart under every kind of colour blindness (Okabe and Ito, 2008)."""
STRONGEST = 0.72
"""How much of the colour covers a pixel at the ends of the scale."""
FAINTEST = 0.01
"""The least that the ends of the scale stand for, so that noise is not blown up."""
_STEPS = 256


@dataclass(frozen=True)
class Heat:
    """Parts of a picture, as boxes (x0, y0, x1, y1) in its pixels, each with a value; above 0 speaks for `towards`."""

    boxes: Sequence[Area]
    values: Sequence[float]
    towards: str
    away: str
    """Whom values below 0 speak for; empty where there is nobody else."""

    def __post_init__(self) -> None:
        if not len(self.boxes) == len(self.values) > 0:
            raise ValueError(f"a heat map needs a value for each box, but has {len(self.boxes)} and {len(self.values)}")

    @property
    def limit(self) -> float:
        """What the ends of the scale stand for."""
        return max(FAINTEST, *(abs(value) for value in self.values))


def heat_map(
    picture: UInt8[np.ndarray, "height width 3"], heat: Heat, title: str
) -> UInt8[np.ndarray, "canvas_height canvas_width 3"]:
    """A fresh RGB picture: the greyed picture under the colours of its parts, the title above and a scale below.

    What no box covers stays grey. The part with the highest value is framed, and so is that with the lowest where it
    is below 0; their values stand beside them.
    """
    page = scaled(picture, comfortable_scale(*picture.shape[:2]))
    height, width = page.shape[:2]
    down, across = height / picture.shape[0], width / picture.shape[1]
    boxes = np.array(heat.boxes, np.float64) * (across, down, across, down)
    field, cover = spread(boxes, np.array(heat.values, np.float64), (height, width))
    washed = cv2.cvtColor(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB) * 0.75 + 255 * 0.25
    page = _coloured(washed.astype(np.float32), field / heat.limit, cover)
    text = max(SMALLEST_TEXT, round(max(height, width) / 64))
    order = np.argsort(heat.values, kind="stable").tolist()
    framed = ([(order[0], AWAY)] if heat.values[order[0]] < 0 else []) + [(order[-1], TOWARDS)]  # the last on top
    for at, colour in framed:
        _frame(page, boxes[at], f"{heat.values[at]:+.2f}", colour, text)
    return _with_words(page, heat, title, text)


def spread(
    boxes: Float64[np.ndarray, "boxes 4"], values: Float64[np.ndarray, " boxes"], size: tuple[int, int]
) -> tuple[Float32[np.ndarray, "height width"], Float32[np.ndarray, "height width"]]:
    """At each pixel of a picture of (height, width), the mean of the values near it, and in [0, 1] how near they are.

    Each box counts in its middle with a bell as wide as itself; where bells of several sizes meet, a small one counts
    for more: it knows better where it is.
    """
    height, width = size
    step = max(1, max(size) // 256)
    y, x = (np.arange(step / 2, side, step) for side in size)
    total, weighed, near = (np.zeros((len(y), len(x))) for _ in range(3))
    for (x0, y0, x1, y1), value in zip(boxes, values, strict=True):
        reach_y, reach_x = max(1.0, (y1 - y0) / 2), max(1.0, (x1 - x0) / 2)
        bell_y = np.exp(-(((y - (y0 + y1) / 2) / reach_y) ** 2))
        bell_x = np.exp(-(((x - (x0 + x1) / 2) / reach_x) ** 2))
        bell = bell_y[:, None] * bell_x[None, :]
        total += bell / (reach_x * reach_y)
        weighed += value * bell / (reach_x * reach_y)
        inside = ((y >= y0) & (y < y1))[:, None] & ((x >= x0) & (x < x1))[None, :]
        near = np.maximum(near, np.maximum(inside, bell))
    field, cover = (
        np.asarray(cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
        for one in (weighed / np.maximum(total, 1e-12), near)
    )
    return field, np.clip(cover, 0, 1)


def beside(
    canvas: UInt8[np.ndarray, "height width 3"], other: UInt8[np.ndarray, "rows columns 3"]
) -> UInt8[np.ndarray, "_ _ 3"]:
    """Two pictures on one page, beside or below each other: what leaves less of the page bare, or is squarer."""
    (height, width), (rows, columns) = canvas.shape[:2], other.shape[:2]
    sizes = (height + rows, max(width, columns)), (max(height, rows), width + columns)
    size = min(sizes, key=lambda one: (one[0] * one[1], max(one)))
    below = size == sizes[0]
    page = np.full((*size, 3), PAGE, np.uint8)
    page[:height, :width] = canvas
    top, left = (height, 0) if below else (0, width)
    page[top : top + rows, left : left + columns] = other
    return page


def _coloured(
    page: Float32[np.ndarray, "height width 3"],
    share: Float32[np.ndarray, "height width"],
    cover: Float32[np.ndarray, "height width"],
) -> UInt8[np.ndarray, "height width 3"]:
    """The page under the colours of a scale from -1 to 1, as far as it is covered."""
    ink = np.where((share >= 0)[..., None], np.array(TOWARDS, np.float32), np.array(AWAY, np.float32))
    strength = (STRONGEST * np.clip(np.abs(share), 0, 1) * cover)[..., None]
    return np.rint(page + (ink - page) * strength).astype(np.uint8)


def _frame(page: UInt8[np.ndarray, "height width 3"], box: np.ndarray, words: str, colour: Colour, text: int) -> None:
    height, width = page.shape[:2]
    x0, y0, x1, y1 = (int(edge) for edge in np.rint(box))
    area = (max(0, x0), max(0, y0), min(width, x1), min(height, y1))
    line = max(2, text // 7)
    ring(page, area, WHITE, line + 2, 0)
    ring(page, (area[0] + 1, area[1] + 1, area[2] - 1, area[3] - 1), colour, line, 0)
    left = min(area[0] + line + 2, width - text_width(words, text, BOLD) - text)
    draw_text(page, words, (max(0, left), area[1] + line + 2), size=text, colour=WHITE, weight=BOLD, panel=colour)


def _with_words(
    page: UInt8[np.ndarray, "height width 3"], heat: Heat, title: str, text: int
) -> UInt8[np.ndarray, "_ _ 3"]:
    """The page on a larger one, with a title above and the scale below."""
    height, width = page.shape[:2]
    pad, line = round(0.75 * text), line_height(text)
    wide = max(width, 24 * text) + 2 * pad
    top, bar = line + 2 * pad, max(8, text // 2)
    canvas = np.full((top + height + 2 * pad + bar + 2 * line, wide, 3), PAGE, np.uint8)
    draw_text(canvas, title, (pad, pad), size=text, weight=BOLD, width=wide - 2 * pad)
    left = (wide - width) // 2
    canvas[top : top + height, left : left + width] = page
    y, room = top + height + pad, wide - 2 * pad
    ends = np.linspace(-1 if heat.away else 0, 1, _STEPS, dtype=np.float32)[None, :]
    grey = np.full((1, _STEPS, 3), 210, np.float32)
    ramp = _coloured(grey, ends, np.ones((1, _STEPS), np.float32))
    canvas[y : y + bar, pad : pad + room] = cv2.resize(ramp, (room, bar), interpolation=cv2.INTER_LINEAR)
    if heat.away:
        fill(canvas, (pad + room // 2 - 1, y - 2, pad + room // 2 + 1, y + bar + 2), QUIET)
        draw_text(canvas, "0", (pad + room // 2 - text // 3, y + bar), size=text, colour=QUIET)
    half = room // 2 - 2 * text
    for words, low in ((f"like {heat.towards}", False), (f"like {heat.away}" if heat.away else "", True)):
        value = f"{-heat.limit if low else heat.limit:+.2f}" if words else "0"
        for number, (told, weight) in enumerate(((value, BOLD), (words, 400))):
            told = shorten(told, half, text, weight)
            x = pad if low else pad + room - text_width(told, text, weight)
            draw_text(canvas, told, (x, y + bar + number * line), size=text, colour=INK, weight=weight)
    return canvas
