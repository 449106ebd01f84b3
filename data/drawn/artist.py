"""Whose hand draws: the habits that stay the same in every picture by one artist."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from data.drawn.chance import Chance
from data.drawn.colour import Colour, adjust, mix

# The colour of lines, and how many artists use it; without one, a line takes a dark shade of what it surrounds.
INKS: dict[str, tuple[Colour | None, float]] = {
    "soft black": ((34.0, 26.0, 32.0), 30),
    "brown": ((78.0, 46.0, 44.0), 18),
    "navy": ((40.0, 44.0, 84.0), 12),
    "black": ((6.0, 6.0, 6.0), 12),
    "of the colour": (None, 28),
}


@dataclass(frozen=True)
class Artist:
    """The habits of one artist; factors are relative to an average hand."""

    line_weight: float
    ink: Colour | None
    hue: float
    saturation: float
    value: float
    cast: Colour
    cast_share: float
    shading: str
    shade_strength: float
    shade_colour: Colour
    light_side: int
    eye_height: float
    eye_width: float
    eye_drop: float
    iris: str
    iris_width: float
    highlight: str
    lash_weight: float
    lash_coloured: bool
    lid_line: bool
    head_width: float
    chin: float
    chibi: float
    nose: str
    mouth_width: float
    shine: str
    strands: int
    strand_weight: float
    blush: str
    brow_weight: float
    brows_over_hair: bool
    texture: str
    softness: float

    def tone(self, colour: Colour) -> Colour:
        """How this artist mixes a colour."""
        return mix(adjust(colour, self.hue, self.saturation, self.value), self.cast, self.cast_share)

    def skin_tone(self, colour: Colour) -> Colour:
        """How this artist mixes the colour of skin, with which all are more careful."""
        careful = adjust(colour, self.hue * 0.2, 0.5 + 0.5 * self.saturation, 0.5 + 0.5 * self.value)
        return mix(careful, self.cast, self.cast_share * 0.45)


@lru_cache(maxsize=4096)
def artist_of(seed: int) -> Artist:
    """The artist of a seed."""
    chance = Chance(2, seed)
    ink = chance.weigh({name: weight for name, (_, weight) in INKS.items()})
    chibi = max(0.0, chance.between(-1.0, 1.0)) if chance.happens(0.5) else 0.0
    return Artist(
        line_weight=chance.pick((0.0, 0.012, 0.016, 0.019, 0.022, 0.025, 0.029, 0.036)),
        ink=INKS[ink][0],
        hue=chance.around(0.035),
        saturation=chance.between(0.65, 1.25),
        value=chance.between(0.86, 1.1),
        cast=chance.pick(
            (
                (255.0, 200.0, 150.0),
                (150.0, 180.0, 255.0),
                (255.0, 170.0, 210.0),
                (190.0, 230.0, 200.0),
                (90.0, 70.0, 110.0),
            )
        ),
        cast_share=chance.between(0.0, 0.17),
        shading=chance.weigh({"flat": 22, "cel": 42, "soft": 36}),
        shade_strength=chance.between(0.35, 0.85),
        shade_colour=chance.pick(((70.0, 30.0, 90.0), (120.0, 40.0, 60.0), (40.0, 50.0, 110.0), (60.0, 50.0, 60.0))),
        light_side=chance.side(),
        eye_height=chance.between(0.82, 1.24),
        eye_width=chance.between(0.9, 1.15),
        eye_drop=chance.around(0.08),
        iris=chance.weigh({"gradient": 36, "flat": 14, "rimmed": 20, "crescent": 16, "rays": 14}),
        iris_width=chance.between(0.6, 0.76),
        highlight=chance.weigh({"one": 22, "two": 28, "oval": 16, "window": 8, "three": 14, "spark": 7, "none": 2}),
        lash_weight=chance.between(0.6, 1.5),
        lash_coloured=chance.happens(0.3),
        lid_line=chance.happens(0.6),
        head_width=chance.between(0.95, 1.04),
        chin=chance.between(-0.08, 0.1),
        chibi=chibi,
        nose=chance.weigh({"dot": 26, "line": 22, "wedge": 20, "shadow": 20, "none": 12}),
        mouth_width=chance.between(0.8, 1.25),
        shine=chance.weigh({"none": 22, "ring": 24, "zigzag": 22, "blobs": 14, "glow": 18}),
        strands=chance.whole(4),
        strand_weight=chance.between(0.5, 1.1),
        blush=chance.weigh({"none": 26, "soft": 44, "lines": 16, "both": 14}),
        brow_weight=chance.between(0.7, 1.4),
        brows_over_hair=chance.happens(0.45),
        texture=chance.weigh({"none": 56, "paper": 13, "grain": 12, "halftone": 6, "lines": 3, "wash": 10}),
        softness=chance.between(0.3, 0.9) if chance.happens(0.2) else 0.0,
    )
