"""How long detectors take on one large picture, in turns, so that what else the machine does meets them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

from data.pictures import read_picture
from embedder.detectors import Detector

GAP = 8
"""Pixels of background between two figures."""

_RESAMPLES = 2000


def tiled(paths: Sequence[Path], size: tuple[int, int], figure_height: int) -> UInt8[np.ndarray, "height width 3"]:
    """A picture of `size` (width, height) filled with rows of figures of one height, on a slope of greys."""
    width, height = size
    shades = np.linspace(90, 200, height).astype(np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(shades[:, None, None], (height, width, 3)))
    number = 0
    for top in range(GAP, height - figure_height + 1, figure_height + GAP):
        left = GAP
        while True:
            figure = read_picture(paths[number % len(paths)])
            number += 1
            broad = round(figure.shape[1] * figure_height / figure.shape[0])
            if left + broad > width:
                break
            picture[top : top + figure_height, left : left + broad] = cv2.resize(figure, (broad, figure_height))
            left += broad + GAP
    return picture


def in_turns(
    picture: UInt8[np.ndarray, "height width 3"], detectors: Mapping[str, Detector], repeats: int
) -> dict[str, Float64[np.ndarray, " repeats"]]:
    """Seconds of each detector in each round, after one that does not count; who begins changes."""
    seconds: dict[str, list[float]] = {name: [] for name in detectors}
    names = list(detectors)
    for number in range(-1, repeats):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            start = time.perf_counter()
            detectors[name].find(picture)
            if number >= 0:
                seconds[name].append(time.perf_counter() - start)
    return {name: np.array(own) for name, own in seconds.items()}


def median_with_interval(values: Float64[np.ndarray, " repeats"]) -> list[float]:
    """The median and its 95 % interval by bootstrap over repeats: [value, low, high]."""
    random = np.random.default_rng(0)
    drawn = np.median(values[random.integers(0, len(values), (_RESAMPLES, len(values)))], axis=1)
    return [statistics.median(values.tolist()), *(float(end) for end in np.percentile(drawn, [2.5, 97.5]))]
