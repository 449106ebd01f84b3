"""Scenes composed of sprites: the pictures that a face detector learns from, with the truth about every face."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from embedder.detector_training.backdrops import backdrop, stretched, write_words
from embedder.detector_training.box_files import Boxes
from embedder.detector_training.geometry import Affine, moved, share_covered, share_inside
from embedder.detector_training.sprites import Cast, Sprite
from embedder.detectors.search import GREY
from embedder.training.augmentation import CHANGES, about, change, lay_on, turned

COUNTS = (0.08, 0.36, 0.2, 0.12, 0.24)
"""Shares of scenes with no face, with one, two, three, and with four to twelve."""
MOST = 12

SMALLEST, LARGEST = 13.0, 172.0
"""Longer sides of the faces that are composed, in pixels."""

UPRIGHT = 0.7
"""Share of faces tilted by a few degrees; the others by up to TILT either way."""
TILT = 45.0

MOST_ENLARGED = 2.0
"""Beyond this a sprite would be a blur, and its face is made smaller instead."""

SEEN, HINTED = 0.55, 0.15
"""Shares of a face that can be seen from which it has to be found, and up to which it may be left alone."""


PUBLISHED = {
    **{name: share for name, share in CHANGES.items() if name not in ("erase", "cover_corner", "frame")},
    "grey": 0.15,
    "line_art": 0.05,
    "screentone": 0.03,
}
"""What happens to a whole scene: the changes of `training.augmentation` that cover nothing."""


@dataclass
class Scene:
    """A picture under composition; each face with the share of it that can be seen."""

    view: UInt8[np.ndarray, "size size 3"]
    boxes: Boxes = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    visible: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    ignore: Boxes = field(default_factory=lambda: np.zeros((0, 4), np.float32))

    def cover(self, cover: Bool[np.ndarray, "size size"]) -> None:
        """Something was laid over the scene where `cover` is true."""
        if len(self.boxes):
            self.visible = self.visible * (1 - share_covered(self.boxes, cover))

    def add(self, boxes: Boxes, ignore: Boxes, shown: Bool[np.ndarray, "size size"]) -> None:
        """Faces came into the scene, with a picture that is `shown` where it is not transparent."""
        size = self.view.shape[0]
        visible = share_inside(boxes, size, size) * (1 - share_covered(boxes, ~shown))
        self.boxes = np.concatenate([self.boxes, boxes])
        self.visible = np.concatenate([self.visible, visible])
        self.ignore = np.concatenate([self.ignore, ignore])

    def truth(self) -> tuple[Boxes, Boxes]:
        """The faces that can be seen, and the places that count neither as face nor as no face."""
        longest = (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1, initial=0)
        found = (self.visible >= SEEN) & (longest >= SMALLEST)
        hinted = ~found & (self.visible > HINTED)
        return self.boxes[found], np.concatenate([self.ignore, self.boxes[hinted]])


def compose(cast: Cast, size: int, random: np.random.Generator) -> Scene:
    """One scene of size x size pixels: a collage of many sprites, or a part of one picture as it is; then published."""
    scene = _one_picture(cast, size, random) if random.random() < 0.4 else _collage(cast, size, random)
    if random.random() < 0.2:
        _cover(scene, random)
    if random.random() < 0.15:
        scene.view = any_hue(scene.view, random)
    scene.view = change(scene.view, random, PUBLISHED)
    return scene


def any_hue(view: UInt8[np.ndarray, "size size 3"], random: np.random.Generator) -> UInt8[np.ndarray, "size size 3"]:
    """Every hue turned by the same angle: a face is one in any colours."""
    hsv = cv2.cvtColor(view, cv2.COLOR_RGB2HSV)
    turned_hues = np.resize((np.arange(180) + int(random.integers(180))) % 180, 256).astype(np.uint8)
    cv2.insertChannel(cv2.LUT(cv2.extractChannel(hsv, 0), turned_hues), hsv, 0)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)


def _cover(scene: Scene, random: np.random.Generator) -> None:
    """A patch of one colour or of noise somewhere."""
    size = scene.view.shape[0]
    height, width = (size * np.exp(random.uniform(np.log(0.04), np.log(0.35), 2))).astype(int)
    top, left = int(random.integers(size - height)), int(random.integers(size - width))
    patch = random.integers(0, 256, 3) if random.random() < 0.8 else random.integers(0, 256, (height, width, 3))
    scene.view[top : top + height, left : left + width] = patch
    cover = np.zeros((size, size), bool)
    cover[top : top + height, left : left + width] = True
    scene.cover(cover)


def _collage(cast: Cast, size: int, random: np.random.Generator) -> Scene:
    scene = Scene(backdrop(size, cast.clutter, random))
    count = int(random.choice(len(COUNTS), p=COUNTS))
    if count == len(COUNTS) - 1:
        count = int(random.integers(count, MOST + 1))
    for _ in range(int(random.integers(0, 4)) if cast.clutter else 0):
        _paste_clutter(scene, cast, random)
    if random.random() < 0.35:
        _paste(scene, cast, random, count=1, faceless=True)
    for _ in range(count):
        _paste(scene, cast, random, count=count)
    if random.random() < 0.25:
        _paste_clutter(scene, cast, random, most=0.3)
    for _ in range(int(random.choice([0, 1, 2], p=[0.75, 0.17, 0.08]))):
        _write(scene, random)
    return scene


def _one_picture(cast: Cast, size: int, random: np.random.Generator) -> Scene:
    """A part of one picture, as it is: no pasted edge tells that there is a face."""
    sprite = _pick(cast, random)
    target = max(_target(random, 1, size), _target(random, 1, size))
    scene = Scene(backdrop(size, cast.clutter, random))
    if random.random() < 0.5:  # a small picture, continued as the detector continues it
        scene.view[:] = GREY
    matrix, _ = _placed(sprite, target, size, random, tilt=random.random() < 0.5)
    # Where the picture is larger than the view, its border is pushed out of it.
    height, width = sprite.picture.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    for axis in (0, 1):
        if high[axis] - low[axis] >= size:
            matrix[axis, 2] += np.clip(0, size - high[axis], -low[axis])
    _lay(scene, sprite, matrix, random, rectangular=True)
    if random.random() < 0.1:
        _write(scene, random)
    return scene


def _pick(cast: Cast, random: np.random.Generator) -> Sprite:
    collection = cast.faces[int(random.choice(len(cast.faces), p=cast.weights))]
    return collection[int(random.integers(len(collection)))]


def _target(random: np.random.Generator, count: int, size: int) -> float:
    """A longer side for a face: all octaves alike, smaller where there are many."""
    largest = min(LARGEST, 0.9 * size) / (1 if count < 2 else 1.6 if count < 4 else 3)
    return float(np.exp(random.uniform(np.log(SMALLEST), np.log(largest))))


def _placed(
    sprite: Sprite, target: float, size: int, random: np.random.Generator, *, tilt: bool = True
) -> tuple[Affine, np.ndarray]:
    """The map that gives one of the sprite's faces the target size somewhere in the view, and that face's box."""
    box = sprite.boxes[int(random.integers(len(sprite.boxes)))]
    scale = min(target / float((box[2:] - box[:2]).max()), MOST_ENLARGED)
    angle = np.clip(random.normal(0, 6), -15, 15) if random.random() < UPRIGHT else random.uniform(-TILT, TILT)
    stretch = np.exp(random.normal(0, 0.05))
    mirror = -1.0 if random.random() < 0.5 else 1.0
    linear = turned(np.radians(angle if tilt else 0.0)) @ np.diag([mirror * stretch, 1 / stretch]) * scale
    middle = (box[:2] + box[2:]) / 2
    # Most faces lie wholly in the view; some are cut by its border.
    room = 0.5 * target if random.random() < 0.8 and target < 0.9 * size else 0.15 * target
    place = np.array([random.uniform(min(room, size / 2), max(size - room, size / 2)) for _ in range(2)])
    return np.column_stack([linear, place - linear @ middle]), box


def _paste(scene: Scene, cast: Cast, random: np.random.Generator, *, count: int, faceless: bool = False) -> None:
    sprite = _pick(cast, random)
    size = scene.view.shape[0]
    matrix, box = _placed(sprite, _target(random, count, size), size, random)
    if faceless:  # a body without its head
        below = int(sprite.boxes[:, 3].max() + 0.1 * (box[3] - box[1]))
        if sprite.picture.shape[0] - below < 16:
            return
        rest = Sprite(sprite.picture[below:], sprite.boxes[:0], sprite.ignore[:0])
        middle = np.array([rest.picture.shape[1], rest.picture.shape[0]]) / 2
        matrix = np.column_stack([matrix[:, :2], size * random.random(2) - matrix[:, :2] @ middle])
        _lay(scene, rest, matrix, random, rectangular=False)
        return
    _lay(scene, sprite, matrix, random, rectangular=random.random() < 0.35, box=box)


def _lay(
    scene: Scene,
    sprite: Sprite,
    matrix: Affine,
    random: np.random.Generator,
    *,
    rectangular: bool,
    box: np.ndarray | None = None,
) -> None:
    """Lay a sprite on the scene: with its own outline, as a rectangle, with soft edges, or as an oval around a face."""
    size = scene.view.shape[0]
    picture = sprite.picture
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink < 0.6:  # else pixels are left out
        height, width = picture.shape[:2]
        small = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)
        warp = matrix @ np.array([[width / small[0], 0, 0], [0, height / small[1], 0], [0, 0, 1]])
    else:
        warp = matrix
    if not rectangular and sprite.opaque:
        picture = _softened(picture, sprite, box, random)
    weighed = np.asarray(cv2.warpAffine(picture, warp, (size, size), flags=cv2.INTER_LINEAR), np.uint8)
    shown = weighed[..., 3] > 127
    scene.cover(shown)
    scene.view = lay_on(scene.view, weighed)
    scene.add(moved(sprite.boxes, matrix), moved(sprite.ignore, matrix), shown)


def _softened(
    picture: UInt8[np.ndarray, "height width 4"], sprite: Sprite, box: np.ndarray | None, random: np.random.Generator
) -> UInt8[np.ndarray, "height width 4"]:
    """The picture with an oval outline around its face, or with borders that fade."""
    height, width = picture.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    if box is not None and random.random() < 0.6:
        scale = np.array([width / sprite.picture.shape[1], height / sprite.picture.shape[0]])
        middle, half = (box[:2] + box[2:]) / 2 * scale, (box[2:] - box[:2]) / 2 * scale
        half = half * random.uniform(1.15, 1.9, 2)
        middle = middle - [0, 0.15 * half[1] * random.random()]
        whole = tuple(np.round(middle).astype(int).tolist()), tuple(np.maximum(1, np.round(half)).astype(int).tolist())
        cv2.ellipse(mask, whole[0], whole[1], 0, 0, 360, 255, -1)
        softness = random.uniform(0, 0.08)
    else:
        inset = max(1, int(min(height, width) * 0.06))
        mask[inset : height - inset, inset : width - inset] = 255
        softness = random.uniform(0.02, 0.06)
    blur = softness * min(height, width)
    if blur > 0.6:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), np.uint8)
    return np.asarray(cv2.multiply(picture, cv2.merge([mask] * 4), scale=1 / 255), np.uint8)


def _paste_clutter(scene: Scene, cast: Cast, random: np.random.Generator, most: float = 0.7) -> None:
    """A piece of something faceless, with the same kinds of edges as faces have."""
    size = scene.view.shape[0]
    side = int(size * random.uniform(0.08, most))
    if side < 8 or not cast.clutter:
        return
    piece = stretched(cast.clutter[int(random.integers(len(cast.clutter)))], side, random)
    sprite = Sprite(np.asarray(cv2.cvtColor(piece, cv2.COLOR_RGB2RGBA), np.uint8), scene.boxes[:0], scene.boxes[:0])
    linear = turned(np.radians(random.uniform(-TILT, TILT) if random.random() < 0.5 else 0.0))
    matrix = about(side, linear, size * random.uniform(0, 1, 2))
    oval = np.array([0.15, 0.15, 0.85, 0.85]) * side
    _lay(scene, sprite, matrix, random, rectangular=random.random() < 0.5, box=oval)


def _write(scene: Scene, random: np.random.Generator) -> None:
    left, top, right, bottom = write_words(scene.view, random)
    cover = np.zeros(scene.view.shape[:2], bool)
    cover[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    scene.cover(cover)
