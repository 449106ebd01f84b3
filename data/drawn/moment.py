"""What one picture shows: pose, expression, light, background and what is in the way."""

from __future__ import annotations

from dataclasses import dataclass

from data.drawn.chance import Chance
from data.drawn.colour import Colour

EXPRESSIONS = {
    "calm": 24, "smile": 20, "laugh": 12, "wink": 7, "sleep": 5, "happy": 6, "surprise": 7, "angry": 6, "sad": 5,
    "pout": 4, "smug": 6, "shout": 4, "dizzy": 1, "cry": 3,
}  # fmt: skip
_EYES = {
    "calm": "open", "smile": "open", "laugh": "open", "wink": "wink", "sleep": "closed", "happy": "happy",
    "surprise": "wide", "angry": "open", "sad": "open", "pout": "open", "smug": "half", "shout": "wide",
    "dizzy": "squeezed", "cry": "open",
}  # fmt: skip
_MOUTHS = {
    "calm": ("line", "smile", "small"), "smile": ("smile", "grin", "cat"), "laugh": ("laugh", "open"),
    "wink": ("smile", "open", "tongue"), "sleep": ("line", "small"), "happy": ("laugh", "smile", "open"),
    "surprise": ("o", "small"), "angry": ("frown", "teeth", "line"), "sad": ("frown", "wavy"),
    "pout": ("pout", "frown"), "smug": ("smirk", "cat"), "shout": ("laugh", "o"), "dizzy": ("wavy", "o"),
    "cry": ("wavy", "frown"),
}  # fmt: skip
_BROWS = {
    "calm": 0.0, "smile": 0.05, "laugh": 0.1, "wink": 0.05, "sleep": 0.0, "happy": 0.1, "surprise": 0.2,
    "angry": -0.9, "sad": 0.8, "pout": -0.4, "smug": -0.2, "shout": -0.3, "dizzy": 0.5, "cry": 0.9,
}  # fmt: skip


@dataclass(frozen=True)
class Pose:
    """How one face is held and what it feels; angles in radians."""

    yaw: float
    pitch: float
    tilt: float
    eyes: str
    wink_side: int
    gaze: tuple[int | float, int | float]
    mouth: str
    brows: float
    flush: float
    tears: bool
    sweat: bool
    sway: float
    occlusion: str
    occlusion_side: int
    occlusion_colour: Colour
    zoom: float
    shift: tuple[int | float, int | float]


@dataclass(frozen=True)
class Light:
    """What falls on the whole picture."""

    mode: str
    tint: Colour
    tint_share: float
    contrast: float
    brightness: float
    ray: str
    ray_angle: float
    particles: str


def pose_of(picture: int, place: int = 0) -> Pose:
    """The pose of one face of a picture."""
    chance = Chance(3, picture, place)
    mood = chance.weigh(EXPRESSIONS)
    return Pose(
        yaw=chance.around(0.38) + chance.side() * 0.06,
        pitch=chance.around(0.09),
        tilt=chance.around(0.34),
        eyes=_EYES[mood],
        wink_side=chance.side(),
        gaze=(chance.around(0.3), chance.around(0.18)),
        mouth=chance.pick(_MOUTHS[mood]),
        brows=_BROWS[mood] + chance.around(0.25),
        flush=chance.unit(),
        tears=mood == "cry",
        sweat=chance.happens(0.05),
        sway=chance.around(1.0),
        occlusion=chance.weigh({"none": 84, "hand": 4, "cup": 2, "book": 3, "wisps": 4, "fist": 3}),
        occlusion_side=chance.side(),
        occlusion_colour=(chance.between(40, 250), chance.between(40, 250), chance.between(40, 250)),
        zoom=chance.between(0.86, 1.15),
        shift=(chance.around(0.1), chance.around(0.1)),
    )


def light_of(picture: int) -> Light:
    """The light of a picture."""
    chance = Chance(4, picture)
    strong = chance.happens(0.2)
    return Light(
        mode=chance.weigh({"colour": 88, "grey": 6, "line art": 4, "sepia": 2}),
        tint=chance.pick(
            (
                (255.0, 170.0, 90.0),
                (90.0, 120.0, 255.0),
                (255.0, 120.0, 170.0),
                (120.0, 230.0, 200.0),
                (150.0, 90.0, 220.0),
                (255.0, 240.0, 190.0),
            )
        ),
        tint_share=chance.between(0.12, 0.4) if strong else chance.between(0.0, 0.12),
        contrast=chance.between(0.85, 1.12),
        brightness=chance.between(0.72, 1.08) if strong else chance.between(0.94, 1.06),
        ray=chance.weigh({"none": 70, "side": 16, "top": 8, "below": 6}),
        ray_angle=chance.between(-0.6, 0.6),
        particles=chance.weigh({"none": 84, "petals": 4, "sparks": 4, "bubbles": 3, "snow": 1, "badge": 4}),
    )
