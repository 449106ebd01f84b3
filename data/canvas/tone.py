"""What a status looks like: a colour, a line and a sign, so that no reader depends on colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import UInt8

from data.canvas.shapes import Area, Colour, Length, dashes, outline, ring, stroke

Tone = Literal["identified", "ambiguous", "unknown", "right", "wrong"]
TONES: tuple[Tone, ...] = get_args(Tone)

WHITE: Colour = (255, 255, 255)
INK: Colour = (32, 35, 41)
QUIET: Colour = (101, 108, 119)


@dataclass(frozen=True)
class Look:
    """One tone's colour, sign, and line: dash and gap in line widths, no dash for a solid line."""

    colour: Colour
    sign: Literal["tick", "cross", "question"]
    dash: tuple[int, int] | None = None


# Blue, amber, vermilion and grey stay apart under every kind of colour blindness (after Okabe and Ito, 2008).
LOOKS: dict[Tone, Look] = {
    "identified": Look((0, 107, 178), "tick"),
    "right": Look((0, 107, 178), "tick"),
    "ambiguous": Look((230, 159, 0), "question", dash=(4, 3)),
    "wrong": Look((196, 68, 0), "cross", dash=(4, 3)),
    "unknown": Look((96, 101, 110), "question", dash=(1, 2)),
}


def check_tone(tone: str) -> None:
    """Raise ValueError, naming the tones, for a word that is none of them."""
    if tone not in TONES:
        raise ValueError(f"tone {tone!r} is none of {', '.join(TONES)}")


def luminance(colour: Colour) -> float:
    """Relative luminance in [0, 1] of an sRGB colour (WCAG 2.2); white is 1."""
    light = np.asarray(colour, np.float64) / 255
    light = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    return float(light @ [0.2126, 0.7152, 0.0722])


def contrast(one: Colour, other: Colour) -> float:
    """Contrast of two colours, (lighter + 0.05) / (darker + 0.05) of their luminances, in [1, 21] (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(colour: Colour) -> Colour:
    """White or near-black, whichever reads better on a colour."""
    return max(WHITE, INK, key=lambda ink: contrast(ink, colour))


def rim_of(thickness: int) -> int:
    """The width in pixels of a frame's white rim, inside and outside its line."""
    return max(1, thickness // 2)


def draw_frame(
    canvas: UInt8[np.ndarray, "height width 3"], area: Area, tone: Tone, thickness: int, radius: Length
) -> None:
    """Frame an area in a tone's colour and line, in place; a white rim of half a line width sets it off any background.

    Line and rim lie inside the area.
    """
    look = LOOKS[tone]
    x0, y0, x1, y1 = area
    rim = rim_of(thickness)
    ring(canvas, area, WHITE, thickness + 2 * rim, radius)
    if look.dash is None or min(x1 - x0, y1 - y0) <= 2 * (thickness + rim):
        ring(canvas, (x0 + rim, y0 + rim, x1 - rim, y1 - rim), look.colour, thickness, max(0, radius - rim))
        return
    inset = rim + thickness / 2
    path = outline((x0 + inset, y0 + inset, x1 - inset, y1 - inset), radius - inset)
    for dash in dashes(path, look.dash[0] * thickness, look.dash[1] * thickness):
        stroke(canvas, dash, look.colour, max(1, thickness - 1))  # cv2's smooth lines come out a pixel wider
