"""Who is drawn: the traits that stay the same in every picture of one character."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from data.drawn.chance import Chance
from data.drawn.colour import Colour, adjust, lighten, mix, shade

Weights = Mapping[str, int | float]

# Many share the common colours, so that colour alone tells little.
HAIR: dict[str, tuple[Colour, int | float]] = {
    "black": ((48, 44, 54), 15),
    "blue-black": ((46, 52, 78), 6),
    "dark brown": ((84, 58, 48), 11),
    "brown": ((134, 92, 66), 12),
    "chestnut": ((158, 92, 60), 6),
    "sand": ((198, 164, 120), 6),
    "blond": ((238, 206, 122), 11),
    "pale blond": ((246, 230, 180), 5),
    "silver": ((204, 208, 222), 8),
    "white": ((240, 238, 242), 4),
    "ash": ((140, 138, 150), 5),
    "pink": ((240, 164, 186), 6),
    "rose": ((206, 92, 120), 2),
    "red": ((176, 52, 56), 5),
    "orange": ((228, 130, 70), 4),
    "violet": ((126, 92, 160), 5),
    "lavender": ((190, 170, 220), 3),
    "blue": ((78, 112, 186), 5),
    "sky": ((140, 190, 228), 4),
    "teal": ((78, 158, 160), 3),
    "mint": ((166, 220, 196), 2),
    "green": ((94, 142, 92), 3),
}
EYES: dict[str, tuple[Colour, int | float]] = {
    "brown": ((126, 78, 52), 18),
    "dark": ((70, 58, 66), 8),
    "red": ((196, 50, 58), 11),
    "pink": ((222, 96, 146), 6),
    "amber": ((226, 156, 50), 10),
    "gold": ((236, 200, 76), 5),
    "green": ((86, 160, 92), 11),
    "teal": ((52, 158, 158), 6),
    "sky": ((98, 180, 230), 7),
    "blue": ((62, 104, 196), 16),
    "violet": ((136, 86, 186), 10),
    "grey": ((134, 140, 156), 4),
}
SKIN: dict[str, tuple[Colour, int | float]] = {
    "porcelain": ((255, 240, 232), 22),
    "fair": ((255, 228, 212), 40),
    "warm": ((250, 216, 192), 18),
    "tan": ((226, 176, 142), 8),
    "brown": ((180, 124, 94), 6),
    "dark": ((126, 84, 68), 3),
    "pale blue": ((222, 228, 240), 1.5),
}
ACCENT: tuple[Colour, ...] = (
    (206, 48, 60), (240, 120, 150), (248, 200, 70), (70, 120, 200), (84, 170, 120), (130, 84, 170),
    (40, 40, 52), (246, 244, 246), (240, 150, 70), (110, 200, 220), (150, 110, 80), (60, 66, 110),
)  # fmt: skip

PATTERNS: Weights = {"plain": 58, "tips": 11, "inner": 11, "streak": 10, "split": 3, "roots": 3, "stripes": 4}
FRINGES: Weights = {
    "blunt": 12, "arch": 8, "spiky": 12, "strand": 12, "swept": 13, "parted": 10, "curtain": 8, "veil": 5,
    "open": 5, "micro": 4, "choppy": 8, "crossed": 7,
}  # fmt: skip
BACKS: Weights = {
    "cropped": 11, "bob": 10, "flared": 8, "curled": 7, "medium": 12, "waves": 9, "long": 14, "long waves": 9,
    "wolf": 9, "spikes": 6, "box": 5,
}  # fmt: skip
SIDES: Weights = {
    "none": 16, "short": 16, "jaw": 18, "long": 16, "hime": 8, "curl": 8, "braid": 5, "thick": 8, "tied": 5,
}  # fmt: skip
TAILS: Weights = {
    "none": 46, "twin high": 11, "twin low": 6, "twin drills": 4, "twin braids": 4, "ponytail": 8, "side tail": 5,
    "shoulder braid": 3, "shoulder tail": 3, "bun": 3, "twin buns": 4, "half up": 3,
}  # fmt: skip
FLUFF: Weights = {"smooth": 46, "flicks": 26, "tufts": 16, "messy": 12}
AHOGE: Weights = {"none": 58, "curl": 14, "straight": 8, "double": 9, "heart": 4, "bent": 7}
EYE_SHAPES: Weights = {
    "round": 18, "almond": 16, "droop": 15, "sharp": 16, "narrow": 10, "sleepy": 9, "cat": 9, "wide": 7,
}  # fmt: skip
PUPILS: Weights = {"round": 64, "slit": 9, "ring": 9, "star": 4, "heart": 4, "cross": 3, "none": 7}
LASHES: Weights = {"plain": 30, "flick": 30, "double": 20, "many": 12, "lower": 8}
BROWS: Weights = {"thin": 26, "thick": 18, "dots": 8, "slanted": 18, "arched": 18, "straight": 12}
FACES: Weights = {"round": 20, "oval": 26, "pointed": 24, "square": 8, "heart": 14, "long": 8}
EARS: Weights = {
    "human": 62, "elf": 7, "long elf": 3, "cat": 7, "fox": 4, "dog": 4, "rabbit": 3, "bear": 3, "horse": 4, "fin": 3,
}  # fmt: skip
HORNS: Weights = {"none": 84, "oni": 4, "ram": 4, "dragon": 4, "unicorn": 1.5, "halo": 2.5}
HEADWEAR: Weights = {
    "none": 60, "band": 7, "ribbon band": 5, "beret": 4, "cap": 4, "witch": 3, "crown": 3, "maid": 4,
    "headphones": 4, "goggles": 3, "kerchief": 3,
}  # fmt: skip
ORNAMENTS: Weights = {
    "none": 34, "ribbon": 12, "twin ribbons": 6, "flower": 9, "bars": 8, "cross": 6, "star": 5, "heart": 4,
    "moon": 4, "feather": 4, "beads": 4, "leaf": 4,
}  # fmt: skip
EYEWEAR: Weights = {"none": 78, "round": 7, "square": 6, "half rim": 3, "monocle": 2, "eye patch": 4}
MARKS: Weights = {
    "none": 54, "mole under eye": 9, "mole by mouth": 6, "freckles": 5, "cheek scar": 4, "eye scar": 4, "drop": 3,
    "whiskers": 4, "sticker": 3, "plaster": 4, "stripes": 4,
}  # fmt: skip
EARRINGS: Weights = {"none": 66, "stud": 8, "drop": 9, "hoop": 8, "tassel": 9}
NECKWEAR: Weights = {"none": 60, "choker": 13, "bell": 5, "scarf": 8, "pendant": 9, "collar": 5}
CLOTHES: Weights = {
    "sailor": 15, "tie": 12, "bow": 10, "hoodie": 11, "kimono": 10, "turtleneck": 8, "blazer": 9, "tee": 7,
    "bare shoulders": 8, "uniform": 7, "frills": 8, "cape": 6,
}  # fmt: skip

# Tails that take up the hair, whatever its cut behind.
TIED = frozenset(TAILS) - {"none", "half up"}

#: Traits that show in every colour picture with open eyes, whatever the others are, each with the number of its forms.
VISIBLE_FORMS: dict[str, int] = {
    "hair": len(HAIR), "eyes": len(EYES), "eye_shape": len(EYE_SHAPES), "fringe": len(FRINGES), "sides": len(SIDES),
    "headwear": len(HEADWEAR), "ornament": len(ORNAMENTS), "clothes": len(CLOTHES),
}  # fmt: skip


def trait_combinations() -> int:
    """A lower bound on the number of distinguishable characters.

    The product of the visible forms and of the ways the hair hangs behind: each cut loose or half up, or tied in a
    tail. Ears, horns, marks, patterns and the shifts of colours and lengths come on top.
    """
    behind = len(BACKS) * (len(TAILS) - len(TIED)) + len(TIED)
    return math.prod(VISIBLE_FORMS.values()) * behind


@dataclass(frozen=True)
class Character:
    """The traits of one character; lengths are in head units (half the width of a face)."""

    hair: str
    hair_colour: Colour
    second_colour: Colour
    pattern: str
    fringe: str
    fringe_length: float
    parting: int
    cut: tuple[float, ...]
    back: str
    back_length: float
    sides: str
    one_sided: bool
    tails: str
    fluff: str
    ahoge: str
    volume: float
    eyes: str
    eye_colour: Colour
    other_eye_colour: Colour
    eye_glow: Colour
    eye_shape: str
    eye_size: float
    eye_gap: float
    pupil: str
    lash: str
    brow: str
    face: str
    skin: Colour
    ears: str
    ear_colour: Colour
    horns: str
    headwear: str
    ornament: str
    ornament_side: int
    second_ornament: str
    eyewear: str
    mark: str
    mark_side: int
    earring: str
    neckwear: str
    clothes: str
    cloth_colour: Colour
    trim_colour: Colour
    accent: Colour
    second_accent: Colour
    fang: bool
    build: float

    def traits(self) -> tuple[str | int | float, ...]:
        """The named traits alone, without colours' small shifts and lengths."""
        return tuple(value for value in vars(self).values() if isinstance(value, str | int))


def _near(chance: Chance, colour: Colour, spread: float = 1.0) -> Colour:
    hue = chance.around(0.025 * spread)
    return adjust(colour, hue, 1 + chance.around(0.25 * spread), 1 + chance.around(0.16 * spread))


def _named(chance: Chance, table: Mapping[str, tuple[Colour, int | float]]) -> tuple[str, Colour]:
    name = chance.weigh({key: weight for key, (_, weight) in table.items()})
    return name, _near(chance, table[name][0])


@lru_cache(maxsize=4096)
def character_of(seed: int) -> Character:
    """The character of a seed."""
    chance = Chance(1, seed)
    hair, hair_colour = _named(chance, HAIR)
    eyes, eye_colour = _named(chance, EYES)
    _, other_eye = _named(chance, EYES)
    _, skin = _named(chance, SKIN)
    second = _named(chance, HAIR)[1] if chance.happens(0.7) else _near(chance, chance.pick(ACCENT))
    masculine = chance.happens(0.22)
    cloth = _near(chance, chance.pick(ACCENT))
    if chance.happens(0.4):
        cloth = mix(cloth, chance.pick(((36.0, 36.0, 48.0), (245.0, 245.0, 245.0))), 0.75)
    ears = chance.weigh(EARS)
    animal = ears not in ("human", "elf", "long elf", "fin")
    headwear = chance.weigh(HEADWEAR)
    if animal and headwear in ("witch", "cap"):
        headwear = "none"
    back = chance.weigh({**BACKS, "cropped": 60, "wolf": 30} if masculine else BACKS)
    tails = chance.weigh({**TAILS, "none": 400} if masculine else TAILS)
    glow = chance.pick(
        (lighten(eye_colour, 0.45), adjust(eye_colour, 0.08, 0.8, 1.4), adjust(eye_colour, -0.1, 1, 1.3))
    )
    return Character(
        hair=hair,
        hair_colour=hair_colour,
        second_colour=second,
        pattern=chance.weigh(PATTERNS),
        fringe=chance.weigh(FRINGES),
        fringe_length=chance.between(-0.1, 0.12),
        parting=chance.side(),
        cut=tuple(chance.around(1.0) for _ in range(24)),
        back=back,
        back_length=chance.between(-0.15, 0.25),
        sides=chance.weigh(SIDES),
        one_sided=chance.happens(0.14),
        tails=tails,
        fluff=chance.weigh({**FLUFF, "messy": 40} if masculine else FLUFF),
        ahoge=chance.weigh(AHOGE),
        volume=chance.between(-0.4, 1.0),
        eyes=eyes,
        eye_colour=eye_colour,
        other_eye_colour=other_eye if chance.happens(0.05) else eye_colour,
        eye_glow=glow,
        eye_shape=chance.weigh({**EYE_SHAPES, "narrow": 40, "sharp": 40} if masculine else EYE_SHAPES),
        eye_size=chance.between(0.78, 0.95) if masculine else chance.between(0.88, 1.12),
        eye_gap=chance.around(0.04),
        pupil=chance.weigh(PUPILS),
        lash=chance.weigh({**LASHES, "plain": 200} if masculine else LASHES),
        brow=chance.weigh({**BROWS, "thick": 80} if masculine else BROWS),
        face=chance.weigh({**FACES, "long": 50, "square": 20, "round": 2} if masculine else FACES),
        skin=skin,
        ears=ears,
        ear_colour=hair_colour if chance.happens(0.7) else shade(second, 0.2),
        horns=chance.weigh(HORNS),
        headwear=headwear,
        ornament=chance.weigh(ORNAMENTS),
        ornament_side=chance.side(),
        second_ornament=chance.weigh({**ORNAMENTS, "none": 240}),
        eyewear=chance.weigh(EYEWEAR),
        mark=chance.weigh(MARKS),
        mark_side=chance.side(),
        earring=chance.weigh(EARRINGS),
        neckwear=chance.weigh(NECKWEAR),
        clothes=chance.weigh(CLOTHES),
        cloth_colour=cloth,
        trim_colour=_near(chance, chance.pick(ACCENT)),
        accent=_near(chance, chance.pick(ACCENT)),
        second_accent=_near(chance, chance.pick(ACCENT)),
        fang=chance.happens(0.1),
        build=chance.between(1.05, 1.3) if masculine else chance.between(0.85, 1.1),
    )
