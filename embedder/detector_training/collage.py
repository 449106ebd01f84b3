"""Scenes composed of sprites: the pictures that a face detector learns from, with the truth about every face."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from jaxtyping import UInt8

from embedder.detector_training.backdrops import backdrop, stretched, write_words
from embedder.detector_training.geometry import Affine
from embedder.detector_training.scene import LARGEST, SMALLEST, Scene
from embedder.detector_training.sprites import Cast, Sprite
from embedder.detectors.search import GREY
from embedder.training.augmentation import CHANGES, about, change, turned, with_hues_turned

COUNTS = (0.08, 0.36, 0.2, 0.12, 0.24)
"""Shares of scenes with no face, with one, two, three, and with four to twelve."""
MOST = 12

ELSEWHERE, CLOSEST = 0.45, 420.0
"""Share of views of one picture that show any part of it rather than its face, and the longer side in pixels that its
face may have then: most of an illustration is bodies, clothes and things, and in a large one they are large."""

UPRIGHT = 0.7
"""Share of faces tilted by a few degrees; the others by up to TILT either way."""
TILT = 45.0

MOST_ENLARGED = 2.0
"""Beyond this a sprite would be a blur, and its face is made smaller instead."""

PUBLISHED: Mapping[str, float] = {
    **{name: share for name, share in CHANGES.items() if name not in ("erase", "cover_corner", "frame")},
    "grey": 0.15,
    "line_art": 0.05,
    "screentone": 0.03,
}
"""What happens to a whole scene: the changes of `training.augmentation` that cover nothing."""


def compose(
    cast: Cast,
    size: int,
    random: np.random.Generator,
    *,
    upright: float = UPRIGHT,
    published: Mapping[str, float] = PUBLISHED,
) -> Scene:
    """One scene of size x size pixels: a collage of many sprites, or a part of one picture as it is; then published.

    upright: the share of faces that are hardly tilted. published: the changes of the whole scene, with their shares.
    """
    composer = _Composer(cast, size, random, upright)
    scene = composer.one_picture() if random.random() < 0.4 else composer.collage()
    if random.random() < 0.2:
        composer.cover(scene)
    if random.random() < 0.15:
        scene.view = any_hue(scene.view, random)
    scene.view = change(scene.view, random, dict(published))
    return scene


def any_hue(view: UInt8[np.ndarray, "size size 3"], random: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
    """Every hue turned by the same angle: a face is one in any colours."""
    return with_hues_turned(view, int(random.integers(180)))


class _Composer:
    """The draws of one scene."""

    def __init__(self, cast: Cast, size: int, random: np.random.Generator, upright: float) -> None:
        self._cast, self._size, self._random, self._upright = cast, size, random, upright

    def collage(self) -> Scene:
        """Many pictures, cut out in many ways."""
        random = self._random
        scene = Scene(backdrop(self._size, self._cast.clutter, random))
        count = int(random.choice(len(COUNTS), p=COUNTS))
        if count == len(COUNTS) - 1:
            count = int(random.integers(count, MOST + 1))
        for _ in range(int(random.integers(0, 4)) if self._cast.clutter else 0):
            self._paste_clutter(scene)
        if random.random() < 0.35:
            self._paste_body(scene)
        for _ in range(count):
            sprite = self._pick(self._cast.weights)
            matrix, box = self._placed(sprite, self._target(count))
            scene.lay(sprite, matrix, random, rectangular=random.random() < 0.35, box=box)
        if random.random() < 0.25:
            self._paste_clutter(scene, most=0.3)
        for _ in range(int(random.choice([0, 1, 2], p=[0.75, 0.17, 0.08]))):
            self._write(scene)
        return scene

    def one_picture(self) -> Scene:
        """A part of one picture, as it is: no pasted edge tells that there is a face."""
        random, size = self._random, self._size
        elsewhere = random.random() < ELSEWHERE
        sprite = self._pick(self._cast.rest_weights if elsewhere else self._cast.weights)
        target = max(self._target(1), self._target(1))
        scene = Scene(backdrop(size, self._cast.clutter, random))
        if random.random() < 0.5:  # a small picture, continued as the detector continues it
            scene.view[:] = GREY
        matrix, _ = self._placed(sprite, target, tilt=random.random() < 0.5)
        if elsewhere:
            closer = np.exp(random.uniform(np.log(40.0), np.log(CLOSEST))) / target
            linear, (height, width) = matrix[:, :2] * closer, sprite.picture.shape[:2]
            matrix = np.column_stack([linear, size / 2 - linear @ (random.random(2) * [width, height])])
        # Where the picture is larger than the view, its border is pushed out of it.
        height, width = sprite.picture.shape[:2]
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
        low, high = corners.min(axis=0), corners.max(axis=0)
        for axis in (0, 1):
            if high[axis] - low[axis] >= size:
                matrix[axis, 2] += np.clip(0, size - high[axis], -low[axis])
        scene.lay(sprite, matrix, random, rectangular=True)
        if random.random() < 0.1:
            self._write(scene)
        return scene

    def cover(self, scene: Scene) -> None:
        """A patch of one colour or of noise somewhere."""
        random, size = self._random, self._size
        height, width = (size * np.exp(random.uniform(np.log(0.04), np.log(0.35), 2))).astype(int).tolist()
        top, left = int(random.integers(size - height)), int(random.integers(size - width))
        patch = random.integers(0, 256, 3) if random.random() < 0.8 else random.integers(0, 256, (height, width, 3))
        scene.view[top : top + height, left : left + width] = patch
        scene.cover_box(left, top, left + width, top + height)

    def _pick(self, weights: np.ndarray) -> Sprite:
        collection = self._cast.faces[int(self._random.choice(len(weights), p=weights))]
        return collection[int(self._random.integers(len(collection)))]

    def _target(self, count: int) -> float:
        """A longer side for a face: all octaves alike, smaller where there are many."""
        largest = min(LARGEST, 0.9 * self._size) / (1 if count < 2 else 1.6 if count < 4 else 3)
        return float(np.exp(self._random.uniform(np.log(SMALLEST), np.log(largest))))

    def _placed(self, sprite: Sprite, target: float, *, tilt: bool = True) -> tuple[Affine, np.ndarray]:
        """The map that gives one of the sprite's faces the target size somewhere in the view, and that face's box."""
        random, size = self._random, self._size
        box = sprite.boxes[int(random.integers(len(sprite.boxes)))]
        scale = min(target / float((box[2:] - box[:2]).max()), MOST_ENLARGED)
        upright = random.random() < self._upright
        angle = np.clip(random.normal(0, 6), -15, 15) if upright else random.uniform(-TILT, TILT)
        stretch = np.exp(random.normal(0, 0.05))
        mirror = -1.0 if random.random() < 0.5 else 1.0
        linear = turned(np.radians(angle if tilt else 0.0)) @ np.diag([mirror * stretch, 1 / stretch]) * scale
        middle = (box[:2] + box[2:]) / 2
        # Most faces lie wholly in the view; some are cut by its border.
        room = 0.5 * target if random.random() < 0.8 and target < 0.9 * size else 0.15 * target
        place = np.array([random.uniform(min(room, size / 2), max(size - room, size / 2)) for _ in range(2)])
        return np.column_stack([linear, place - linear @ middle]), box

    def _paste_body(self, scene: Scene) -> None:
        """What is below a face in its picture: a body without its head."""
        sprite = self._pick(self._cast.rest_weights)
        matrix, box = self._placed(sprite, self._target(1))
        below = int(sprite.boxes[:, 3].max() + 0.1 * (box[3] - box[1]))
        if sprite.picture.shape[0] - below < 16:
            return
        rest = Sprite(sprite.picture[below:], sprite.boxes[:0], sprite.ignore[:0])
        middle = np.array([rest.picture.shape[1], rest.picture.shape[0]]) / 2
        matrix = np.column_stack([matrix[:, :2], self._size * self._random.random(2) - matrix[:, :2] @ middle])
        scene.lay(rest, matrix, self._random, rectangular=False)

    def _paste_clutter(self, scene: Scene, most: float = 0.7) -> None:
        """A piece of something faceless, with the same kinds of edges as faces have."""
        random, clutter = self._random, self._cast.clutter
        side = int(self._size * random.uniform(0.08, most))
        if side < 8 or not clutter:
            return
        piece = stretched(clutter[int(random.integers(len(clutter)))], side, random)
        nothing = scene.boxes[:0]
        sprite = Sprite(np.asarray(cv2.cvtColor(piece, cv2.COLOR_RGB2RGBA), np.uint8), nothing, nothing)
        linear = turned(np.radians(random.uniform(-TILT, TILT) if random.random() < 0.5 else 0.0))
        matrix = about(side, linear, self._size * random.uniform(0, 1, 2))
        oval = np.array([0.15, 0.15, 0.85, 0.85]) * side
        scene.lay(sprite, matrix, random, rectangular=random.random() < 0.5, box=oval)

    def _write(self, scene: Scene) -> None:
        scene.cover_box(*write_words(scene.view, self._random))
