"""Sixty-four pictures of one: the changes that Chen made to a drawing before a network learned from it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import UInt8

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]

VARIANTS = 64
_FILL = (255, 255, 255)


def varied(picture: UInt8[np.ndarray, "side side 3"], count: int = VARIANTS, seed: int = 0) -> list[np.ndarray]:
    """The picture itself, and others that one or two random changes make of it; the same seed makes the same ones."""
    random = np.random.default_rng(seed)
    others = []
    for _ in range(count - 1):
        other = picture
        for number in random.choice(len(CHANGES), random.integers(1, 3), replace=False):
            other = CHANGES[number](other, random)
        others.append(other)
    return [picture, *others]


def _flip(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return np.ascontiguousarray(picture[:, ::-1])


def _moved(picture: np.ndarray, matrix: np.ndarray, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
    shape = (picture.shape[1], picture.shape[0])
    return cv2.warpAffine(picture, matrix, shape, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=_FILL)


def _centred(picture: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The matrix (2, 3) of a linear map around the picture's centre."""
    centre = np.array([picture.shape[1], picture.shape[0]]) / 2
    return np.concatenate([linear, (centre - linear @ centre)[:, None]], axis=1)


def _shear(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _moved(picture, _centred(picture, np.array([[1, random.uniform(-0.3, 0.3)], [0, 1]])))


def _shrink(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _moved(picture, _centred(picture, random.uniform(0.6, 0.95) * np.eye(2)))


def _rotate(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    centre = (picture.shape[1] / 2, picture.shape[0] / 2)
    return _moved(picture, cv2.getRotationMatrix2D(centre, random.uniform(-25, 25), 1))


def _affine(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _moved(picture, _centred(picture, np.eye(2) + random.uniform(-0.2, 0.2, (2, 2))))


def _shifted(picture: np.ndarray, random: np.random.Generator, border: int) -> np.ndarray:
    matrix = np.concatenate([np.eye(2), random.uniform(-0.15, 0.15, (2, 1)) * picture.shape[0]], axis=1)
    return _moved(picture, matrix, border)


def _shift(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return _shifted(picture, random, cv2.BORDER_CONSTANT)


def _fill(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Moved, and what comes in at the border is the picture's own edge."""
    return _shifted(picture, random, cv2.BORDER_REPLICATE)


def _gaussian(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), random.uniform(0.5, 2.5))


def _median(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return cv2.medianBlur(picture, int(random.choice([3, 5])))


def _sharpen(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    amount = random.uniform(0.5, 2.0)
    return cv2.addWeighted(picture, 1 + amount, cv2.GaussianBlur(picture, (0, 0), 2), -amount, 0)


def _emboss(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    relief = cv2.filter2D(picture, -1, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32))
    share = random.uniform(0.3, 0.8)
    return cv2.addWeighted(relief, share, picture, 1 - share, 0)


def _contrast(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """All channels alike, so that no hue moves."""
    factor = random.uniform(0.6, 1.5)
    return np.clip((picture.astype(np.float32) - 128) * factor + 128, 0, 255).astype(np.uint8)


def _local_warp(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Every place moved a little, neighbours alike."""
    height, width = picture.shape[:2]
    strength = np.float32(random.uniform(0.01, 0.03) * width)
    moves = [cv2.resize(random.uniform(-1, 1, (4, 4)).astype(np.float32), (width, height)) for _ in range(2)]
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    where = (across + strength * moves[0], down + strength * moves[1])
    return cv2.remap(picture, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


CHANGES: tuple[Change, ...] = (
    _flip, _shear, _shrink, _rotate, _affine, _fill, _gaussian, _median, _sharpen, _emboss, _contrast, _shift,
    _local_warp,
)  # fmt: skip
"""His list, none of them of colours, each with strengths of our own: he gives none."""
