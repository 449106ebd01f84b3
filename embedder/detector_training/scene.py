"""A scene under composition: its pixels, its faces, and how much of each can be seen."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from embedder.detector_training.box_files import Boxes
from embedder.detector_training.geometry import Affine, moved, share_covered, share_inside
from embedder.detector_training.sprites import Sprite
from embedder.training.augmentation import lay_on

SMALLEST = 13.0
"""Longer side in pixels of the smallest face that has to be found."""

LARGEST = 172.0
"""Longer side in pixels of the largest face that is composed on purpose."""

TOO_LARGE = 1.15 * LARGEST
"""Larger faces are neither found nor missed: a coarser level sees them."""

SEEN, HINTED = 0.55, 0.15
"""Shares of a face that can be seen from which it has to be found, and up to which it may be left alone."""


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

    def cover_box(self, left: int, top: int, right: int, bottom: int) -> None:
        """Something was laid over the scene in this box, which may reach beyond it."""
        cover = np.zeros(self.view.shape[:2], bool)
        cover[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
        self.cover(cover)

    def add(self, boxes: Boxes, ignore: Boxes, shown: Bool[np.ndarray, "size size"]) -> None:
        """Faces came into the scene, with a picture that is `shown` where it is not transparent."""
        size = self.view.shape[0]
        visible = share_inside(boxes, size, size) * (1 - share_covered(boxes, ~shown))
        self.boxes = np.concatenate([self.boxes, boxes])
        self.visible = np.concatenate([self.visible, visible])
        self.ignore = np.concatenate([self.ignore, ignore])

    def truth(self, smallest: float | int = SMALLEST) -> tuple[Boxes, Boxes]:
        """The faces that can be seen, neither too small nor too large; and what counts neither as face nor as none."""
        longest = (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1, initial=0)
        found = (self.visible >= SEEN) & (longest >= smallest) & (longest <= TOO_LARGE)
        hinted = ~found & (self.visible > HINTED)
        return self.boxes[found], np.concatenate([self.ignore, self.boxes[hinted]])

    def lay(
        self,
        sprite: Sprite,
        matrix: Affine,
        random: np.random.Generator,
        *,
        rectangular: bool,
        box: np.ndarray | None = None,
    ) -> None:
        """Lay a sprite on it: as a rectangle, with its own outline, with soft edges, or as an oval around `box`."""
        size = self.view.shape[0]
        picture = sprite.picture
        shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        warp = matrix
        if shrink < 0.6:  # else pixels are left out
            height, width = picture.shape[:2]
            small = (max(1, round(width * shrink)), max(1, round(height * shrink)))
            picture = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8)
            warp = matrix @ np.array([[width / small[0], 0, 0], [0, height / small[1], 0], [0, 0, 1]])
        if not rectangular and sprite.opaque:
            picture = _softened(picture, sprite, box, random)
        weighed = np.asarray(cv2.warpAffine(picture, warp, (size, size), flags=cv2.INTER_LINEAR), np.uint8)
        shown = weighed[..., 3] > 127
        self.cover(shown)
        self.view = lay_on(self.view, weighed)
        self.add(moved(sprite.boxes, matrix), moved(sprite.ignore, matrix), shown)


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
