"""Faces and scenes from seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from data.drawn.artist import artist_of
from data.drawn.background import draw_background
from data.drawn.brush import Brush, Picture
from data.drawn.chance import Chance
from data.drawn.character import character_of
from data.drawn.figure import draw_figure, frames
from data.drawn.finish import draw_particles, finished
from data.drawn.look import look_of
from data.drawn.moment import light_of, pose_of

CROP = 1.5  # side of a face crop in longer sides of the face box
MIN_SIZE, MAX_SIZE = 32, 1024
MAX_FACES = 6
_MIN_SCENE, _MAX_SCENE = 96, 4096
_DRAWN_WIDTH = 256  # pixels at which a face crop is drawn at least, before it is made smaller


@dataclass(frozen=True)
class DrawnFace:
    """A face in a scene: whose it is, and its box (x0, y0, x1, y1) in pixels, hairline to chin and ear to ear."""

    character: int
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Scene:
    """A picture with several characters and the truth about where their faces are."""

    picture: UInt8[np.ndarray, "height width 3"]
    faces: tuple[DrawnFace, ...]


def _check_seeds(**seeds: int) -> None:
    for name, seed in seeds.items():
        if seed < 0:
            raise ValueError(f"the seed of {name} is {seed}; seeds are 0 or more")


def draw_face(character: int, artist: int, picture: int, size: int = 128) -> UInt8[np.ndarray, "size size 3"]:
    """One face crop in RGB: the square of 1.5 times the longer side of the face box.

    Equal seeds give equal pictures on every machine. Raises ValueError for a negative seed or a size outside 32..1024.
    """
    _check_seeds(character=character, artist=artist, picture=picture)
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise ValueError(f"size is {size} pixels; a face is drawn at {MIN_SIZE} to {MAX_SIZE}")
    hand, light, pose = artist_of(artist), light_of(picture), pose_of(picture)
    look = look_of(character_of(character), hand, pose, light.mode == "line art")
    finer = max(2, math.ceil(_DRAWN_WIDTH / size))
    side = size * finer
    canvas = np.empty((side, side, 3), np.uint8)
    draw_background(canvas, picture)
    _, _, box = frames(look, 1.0, (0.0, 0.0))
    unit = side / (CROP * pose.zoom * float(max(box[2] - box[0], box[3] - box[1])))
    centre = (side / 2 + pose.shift[0] * unit, side / 2 + pose.shift[1] * unit)
    head, body, _ = frames(look, unit, centre)
    draw_figure(Brush(canvas, head, unit, hand.line_weight, hand.ink), body, look)
    draw_particles(canvas, light, picture)
    return finished(_shrunk(canvas, size, size), hand, light, picture, size / 128)


def draw_scene(characters: Sequence[int], artist: int, picture: int, size: tuple[int, int] = (900, 600)) -> Scene:
    """One picture of `size` (width, height) with 1 to 6 characters, by the same drawing as `draw_face`.

    Raises ValueError for a negative seed, for none or more than 6 characters, or a side outside 96..4096 pixels.
    """
    if not 1 <= len(characters) <= MAX_FACES:
        raise ValueError(f"a scene was asked for with {len(characters)} characters; it holds 1 to {MAX_FACES}")
    for character in characters:
        _check_seeds(character=character)
    _check_seeds(artist=artist, picture=picture)
    width, height = size
    if min(size) < _MIN_SCENE or max(size) > _MAX_SCENE:
        raise ValueError(f"size is {width} x {height} pixels; each side of a scene is {_MIN_SCENE} to {_MAX_SCENE}")
    hand, light = artist_of(artist), light_of(picture)
    finer = 2 if max(size) <= 2048 else 1
    canvas = np.empty((height * finer, width * finer, 3), np.uint8)
    draw_background(canvas, picture)
    faces: list[DrawnFace | None] = [None] * len(characters)
    for index, x, y, unit in _places(len(characters), picture, width, height):
        pose = pose_of(picture, index + 1)
        look = look_of(character_of(characters[index]), hand, pose, light.mode == "line art")
        head, body, box = frames(look, unit * finer, (x * finer, y * finer))
        draw_figure(Brush(canvas, head, unit * finer, hand.line_weight, hand.ink), body, look)
        x0, y0, x1, y1 = (round(float(v) / finer) for v in box)
        faces[index] = DrawnFace(characters[index], (x0, y0, x1, y1))
    draw_particles(canvas, light, picture)
    return Scene(
        finished(_shrunk(canvas, width, height), hand, light, picture, min(1.2, min(size) / 300)),
        tuple(face for face in faces if face is not None),
    )


def _shrunk(canvas: Picture, width: int, height: int) -> UInt8[np.ndarray, "rows columns 3"]:
    small = np.empty((height, width, 3), np.uint8)
    cv2.resize(canvas, (width, height), dst=small, interpolation=cv2.INTER_AREA)
    return small


def _places(count: int, picture: int, width: int, height: int) -> list[tuple[int, float, float, float]]:
    """Where each face goes, as (index, x, y of its middle, pixels per head unit), furthest first.

    Each figure has a cell of its own as wide as its hair may reach, so that no face hides another.
    """
    chance = Chance(9, picture)
    rows = max(range(1, count + 1), key=lambda n: min(width / math.ceil(count / n) / 4.0, height / n / 4.4))
    columns = math.ceil(count / rows)
    cell_width, cell_height = width / columns, height / rows
    largest = min(cell_width / 4.0, cell_height / 4.4)
    places = []
    order = sorted(range(count), key=lambda _: chance.unit())
    for position, index in enumerate(order):
        row = position // columns
        inside = columns if (row + 1) * columns <= count else count - row * columns
        unit = largest * chance.between(0.62, 1.0)
        slot = width / inside
        column = position % columns
        spare = slot / 2 - 2.0 * unit
        x = (column + 0.5) * slot + spare * chance.around(0.8)
        top, bottom = row * cell_height + 2.3 * unit, (row + 1) * cell_height - 1.4 * unit
        y = top + (bottom - top) * chance.between(0.25, 0.75)
        places.append((index, x, y, unit))
    return sorted(places, key=lambda place: place[2])
