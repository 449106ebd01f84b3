"""Colours as RGB triples in [0, 255], and what shadow and light do to them."""

from __future__ import annotations

import colorsys

Number = int | float  # said out loud, because run-time type checks do not take an int for a float
Colour = tuple[Number, Number, Number]

WHITE: Colour = (255.0, 255.0, 255.0)
BLACK: Colour = (0.0, 0.0, 0.0)


def mix(first: Colour, second: Colour, share: Number) -> Colour:
    """The first colour with a share in [0, 1] of the second."""
    keep = 1.0 - share
    return (
        first[0] * keep + second[0] * share,
        first[1] * keep + second[1] * share,
        first[2] * keep + second[2] * share,
    )


def grey(colour: Colour) -> float:
    """Brightness in [0, 255], with the weights of ITU-R BT.601."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def adjust(colour: Colour, hue: Number = 0.0, saturation: Number = 1.0, value: Number = 1.0) -> Colour:
    """The colour with its hue moved (in turns) and its saturation and value multiplied."""
    h, s, v = colorsys.rgb_to_hsv(colour[0] / 255, colour[1] / 255, colour[2] / 255)
    r, g, b = colorsys.hsv_to_rgb((h + hue) % 1.0, min(1.0, s * saturation), min(1.0, v * value))
    return (r * 255, g * 255, b * 255)


def shade(colour: Colour, amount: Number, towards: Colour = (60.0, 30.0, 90.0)) -> Colour:
    """The colour in shadow: darker, and a little nearer to the colour of the shadow."""
    return mix(mix(colour, BLACK, amount * 0.55), towards, amount * 0.28)


def lighten(colour: Colour, amount: Number) -> Colour:
    """The colour nearer to white."""
    return mix(colour, WHITE, amount)
