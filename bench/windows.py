"""Patches that are a face or none: does the surest box in them tell?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from data.folders import list_pictures
from data.pictures import read_picture
from embedder.detectors import Detector
from measure import OpenSet, auroc, bootstrap_open_set, share_interval

HELD_BACK = "012"
"""A window takes part if the sha256 of its file's name begins with one of these digits: 3 of 16; none is trained on."""


def held_back_windows(folder: Path) -> list[Path]:
    """The pictures of a folder that are for measuring."""
    return [path for path in list_pictures([folder]) if is_held_back(path.name)]


def is_held_back(name: str) -> bool:
    """Whether a window of this file name is for measuring."""
    return hashlib.sha256(name.encode()).hexdigest()[0] in HELD_BACK


def best_scores(paths: Sequence[Path], detector: Detector) -> Float64[np.ndarray, " windows"]:
    """The highest score of any face found in each window; 0 where none is."""
    found = (detector.find(read_picture(path)) for path in paths)
    return np.array([max((face.score for face in faces), default=0.0) for faces in found])


def window_figures(
    faces: Float64[np.ndarray, " faces"], others: Float64[np.ndarray, " others"], threshold: float
) -> dict[str, Any]:
    """AUROC of the best scores, and the shares of either kind with a score above 0 that reaches the threshold.

    Each figure is [value, low, high]: 95 % by bootstrap over windows.
    """
    numbers = np.arange(len(faces)), len(faces) + np.arange(len(others))
    test = OpenSet(faces, numbers[0], np.ones(len(faces), bool), others, numbers[1])
    low, high = bootstrap_open_set(test, lambda one, counts: np.array([auroc(one, counts)]))
    told: dict[str, Any] = {"faces": len(faces), "others": len(others)}
    told["auroc"] = [auroc(test), float(low[0]), float(high[0])]
    for name, scores in (("hits", faces), ("false", others)):
        taken = ((scores > 0) & (scores >= threshold)).astype(np.float64)
        told[name] = [float(taken.mean()), *share_interval(taken)]
    return told
