"""One character as one artist paints it in one pose: toned colours and the turning of the head."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from data.drawn.artist import Artist
from data.drawn.brush import Points, offset
from data.drawn.character import Character
from data.drawn.colour import Colour, adjust, grey, lighten, shade
from data.drawn.moment import Pose

CHIN = 1.06
HAIRLINE = -0.86
EAR = 1.12
_DEPTH = 1.3  # radius of the ball on which the features lie


@dataclass(frozen=True)
class Look:
    """Everything that the drawing of one figure needs to know, but the brush."""

    character: Character
    artist: Artist
    pose: Pose
    line_art: bool
    hair: Colour
    hair_dark: Colour
    hair_light: Colour
    second: Colour
    skin: Colour
    skin_dark: Colour
    brow: Colour
    width: float
    chin: float

    def tone(self, colour: Colour) -> Colour:
        """How a colour of the character is painted in this picture."""
        return _inked(colour) if self.line_art else self.artist.tone(colour)

    def dark(self, colour: Colour, share: float = 1.0) -> Colour:
        """A painted colour in shadow."""
        if self.line_art:
            return (200.0, 200.0, 200.0) if grey(colour) > 200 else colour
        return shade(colour, self.artist.shade_strength * share, self.artist.shade_colour)

    def turn(self, shape: Points, depth: float = _DEPTH) -> Points:
        """Where points given for a head seen from the front lie when it is turned and nods."""
        reach = np.sqrt(np.maximum(depth * depth - shape[:, 0] ** 2, 0.0))
        return np.stack(
            [
                shape[:, 0] * math.cos(self.pose.yaw) + reach * math.sin(self.pose.yaw),
                shape[:, 1] + reach * self.pose.pitch,
            ],
            axis=1,
        )

    def wrap(self, shape: Points) -> Points:
        """Where points of the hair round the face lie: as `turn`, but the outline of the head stays."""
        reach = 1.2 * np.maximum(0.0, 1 - (shape[:, 0] / 1.12) ** 2)
        return np.stack([shape[:, 0] + reach * math.sin(self.pose.yaw), shape[:, 1] + reach * self.pose.pitch], axis=1)

    def behind(self, shape: Points, depth: float = 0.35) -> Points:
        """Where points behind the head lie when it is turned: against the turn."""
        return shape - offset(depth * math.sin(self.pose.yaw), depth * self.pose.pitch)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where one point of the face lies on the turned head."""
        reach = math.sqrt(max(_DEPTH * _DEPTH - x * x, 0.0))
        return (
            x * math.cos(self.pose.yaw) + reach * math.sin(self.pose.yaw),
            y + reach * self.pose.pitch,
        )


def _inked(colour: Colour) -> Colour:
    """A colour as black ink or white paper, with one grey between."""
    light = grey(colour)
    level = 32.0 if light < 70 else 168.0 if light < 120 else 255.0
    return (level, level, level)


_WIDTHS = {"round": 1.03, "oval": 1.0, "pointed": 0.99, "square": 1.01, "heart": 1.03, "long": 0.95}
_CHINS = {"round": -0.07, "oval": 0.0, "pointed": 0.05, "square": 0.0, "heart": -0.02, "long": 0.14}


def look_of(character: Character, artist: Artist, pose: Pose, line_art: bool) -> Look:
    """How the artist paints the character in this pose."""
    tone = _inked if line_art else artist.tone
    hair = tone(character.hair_colour)
    skin = tone(character.skin) if line_art else artist.skin_tone(character.skin)
    strength = artist.shade_strength

    def dark(colour: Colour, share: float) -> Colour:
        return colour if line_art else shade(colour, strength * share, artist.shade_colour)

    return Look(
        character=character,
        artist=artist,
        pose=pose,
        line_art=line_art,
        hair=hair,
        hair_dark=dark(hair, 0.8),
        hair_light=lighten(adjust(hair, 0.02, 0.85, 1.25), 0.28),
        second=tone(character.second_colour),
        skin=skin,
        skin_dark=(214.0, 214.0, 214.0)
        if line_art
        else shade(adjust(skin, -0.015, 1.25, 0.97), strength * 0.55, artist.shade_colour),
        brow=dark(hair, 1.0) if grey(hair) > 60 else lighten(hair, 0.12),
        width=_WIDTHS[character.face] * artist.head_width * (1 + 0.05 * artist.chibi),
        chin=CHIN + _CHINS[character.face] + artist.chin - 0.1 * artist.chibi,
    )
