"""Text on pictures, Japanese names included, with the font that OpenCV 5 carries."""

from __future__ import annotations

import unicodedata
from functools import cache
from math import ceil

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from data.canvas.shapes import Area, Colour, blend, fill
from data.canvas.tone import INK

REGULAR, BOLD = 400, 600
ELLIPSIS = "…"
FIRST_EAST_ASIAN = "\u2e80"
LINE = 1.3  # a line's height in text sizes; the baseline lies one text size below its top

MISSING = "□"  # stands for a sign that the font lacks; OpenCV's own stand-in, "?", would read as doubt

# The font has the full-width tilde but not the wave dash that Japanese text writes for it.
SUBSTITUTES = str.maketrans({"〜": "～"})


@cache
def _face() -> cv2.FontFace:
    # "sans" prints Latin and Cyrillic in every weight and takes the rest (Japanese, Chinese, Korean, Arabic ...) from
    # "uni", OpenCV's other built-in face. What neither has becomes a question mark.
    return cv2.FontFace("sans")


@cache
def _in_font(sign: str) -> bool:
    """Whether the font has a shape for a sign: OpenCV tells only by what it prints."""

    def shape(text: str) -> bytes:
        mask = np.zeros((24, 48), np.uint8)
        cv2.putText(mask, text, (0, 16), 255, _face(), 16, REGULAR)
        return mask.tobytes()

    return sign == "?" or shape(sign) != shape("?")


def printable(text: str) -> str:
    """The text on one line, composed (NFC), without controls and joiners; □ for signs that the font lacks.

    The font has the signs of Latin, Cyrillic, Greek, Arabic, Hebrew (both from right to left), Japanese, Chinese and
    Korean; it lacks emoji. A lone surrogate is □ too: OpenCV crashes the process on one, and Python makes them of file
    names that are not UTF-8.
    """
    kept = []
    for sign in unicodedata.normalize("NFC", text).translate(SUBSTITUTES):
        category = unicodedata.category(sign)
        if sign.isspace() or category == "Cc":
            kept.append(" ")
        elif category == "Cs":
            kept.append(MISSING)
        elif category != "Cf" and not unicodedata.name(sign, "").startswith("VARIATION SELECTOR"):
            kept.append(sign if _in_font(sign) else MISSING)
    return " ".join("".join(kept).split())


def text_width(text: str, size: int, weight: int = REGULAR) -> int:
    """The width in pixels of a text as `draw_text` prints it without a panel; 0 for an empty one."""
    return _advance(printable(text), size, weight)


def _advance(text: str, size: int, weight: int) -> int:
    return int(cv2.getTextSize((0, 0), text, (0, 0), _face(), size, weight)[2])


def line_height(size: int) -> int:
    """The height in pixels of one line of text."""
    return ceil(LINE * size)


def shorten(text: str, width: int, size: int, weight: int = REGULAR) -> str:
    """The text if it fits `width` pixels, else as much of its beginning as fits with an ellipsis, else nothing."""
    text = printable(text)
    if text_width(text, size, weight) <= width:
        return text
    fits, fails = -1, len(text)  # `fits` signs and the ellipsis fit, `fails` signs do not
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if text_width(text[:middle].rstrip() + ELLIPSIS, size, weight) <= width:
            fits = middle
        else:
            fails = middle
    return text[:fits].rstrip() + ELLIPSIS if fits >= 0 else ""


def draw_text(
    canvas: UInt8[np.ndarray, "height width 3"],
    text: str,
    place: tuple[int, int],
    *,
    size: int = 16,
    colour: Colour = INK,
    weight: int = REGULAR,
    width: int | None = None,
    panel: Colour | None = None,
) -> Area:
    """Print one line of text on the canvas, in place, its top left corner at `place` (x, y); gives the area it took.

    `size` is in pixels, about a Japanese sign's height; `weight` (100..900) thickens Latin and Cyrillic. A text wider
    than `width` pixels, panel included, is shortened with an ellipsis. A `panel` of that colour behind it keeps it
    readable on any background. What lies off the canvas is cut off.
    """
    x, y = place
    pad = round(0.4 * size) if panel is not None else 0
    text = printable(text) if width is None else shorten(text, width - 2 * pad, size, weight)
    breadth = text_width(text, size, weight)
    height = line_height(size)
    if breadth == 0:
        return x, y, x, y
    area = (x, y, x + breadth + 2 * pad, y + height)
    if panel is not None:
        fill(canvas, area, panel, radius=0.25 * size)
    blend(canvas, (x + pad, y), colour, _ink(text, height, breadth, size, weight))
    return area


def _ink(text: str, height: int, breadth: int, size: int, weight: int) -> Float32[np.ndarray, "{height} {breadth}"]:
    """How much of each pixel the text covers, in [0, 1], its baseline one text size below the top."""
    mask = np.zeros((height, breadth), np.uint8)
    cv2.putText(mask, text, (0, size), 255, _face(), size, weight)
    ink = mask.astype(np.float32) / np.float32(255)
    if weight >= BOLD:
        # Japanese signs come in one weight: printed again a pixel on, they stand beside bold Latin.
        twin = np.pad(ink, ((0, 0), (1, 0)))[:, :-1] * np.float32(min(1.0, size / 26))
        ends = [_advance(text[:count], size, weight) for count in range(len(text) + 1)]
        for sign, left, right in zip(text, ends, ends[1:], strict=False):
            if sign >= FIRST_EAST_ASIAN:
                ink[:, left:right] = np.maximum(ink[:, left:right], twin[:, left:right])
    return ink
