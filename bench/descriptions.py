"""Every picture read once and described by every system."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Shaped, UInt8, UInt64

from bench.chosen_face import ChosenFace, choose_face, whole_picture
from bench.systems import Describes
from data.errors import KaodexError
from data.near_duplicates import perceptual_hash
from data.paths import readable
from data.pictures import read_picture
from data.prefetch import prefetch
from embedder.crop import crop_face
from embedder.detectors import Detector, WholePicture
from embedder.picture_style import bounded
from embedder.views import picture_views

_BATCH = 64


@dataclass(frozen=True)
class Descriptions:
    """What the systems keep of the readable pictures, in the pictures' order."""

    features: dict[str, Shaped[np.ndarray, "readable _"]]
    hashes: UInt64[np.ndarray, " readable"]
    readable: Bool[np.ndarray, " pictures"]
    unreadable: tuple[str, ...]
    """Place and reason of each picture that could not be read."""
    faces: tuple[ChosenFace, ...]
    """Which place stands for each readable picture."""
    seconds_each: dict[str, float]
    """Mean time to describe one picture, by system; reading and looking for faces are not in it."""


def describe(
    paths: Sequence[Path],
    systems: Sequence[Describes],
    on_progress: Callable[[int], None] | None = None,
    detector: Detector | None = None,
    *,
    kind: str = "character",
) -> Descriptions:
    """Read each picture, choose its face (see `choose_face`), and describe that with each system, in batches.

    Without a detector the centre square is taken; of an `artist` all of the picture, as large as the product looks at
    it. Reading and looking for faces go on in threads meanwhile. Pictures that cannot be read, and those by artists
    that show no drawing, are left out and named.
    """
    parts: dict[str, list[np.ndarray]] = {system.name: [] for system in systems}
    seconds = dict.fromkeys(parts, 0.0)
    hashes: list[int] = []
    readable: list[bool] = []
    unreadable: list[str] = []
    faces: list[ChosenFace] = []
    for batch in _batches(paths, detector or WholePicture(), kind):
        crops = []
        for loaded in batch:
            readable.append(not isinstance(loaded, KaodexError))
            if isinstance(loaded, KaodexError):
                unreadable.append(str(loaded))
            else:
                crops.append(loaded[0])
                hashes.append(loaded[1])
                faces.append(loaded[2])
        for system in systems if crops else ():
            start = time.perf_counter()
            parts[system.name].append(system.describe(crops))
            seconds[system.name] += time.perf_counter() - start
        if on_progress:
            on_progress(len(batch))
    return Descriptions(
        {name: np.concatenate(part) if part else np.zeros((0, 0), np.float32) for name, part in parts.items()},
        np.array(hashes, np.uint64),
        np.array(readable, bool),
        tuple(unreadable),
        tuple(faces),
        {name: total / max(len(hashes), 1) for name, total in seconds.items()},
    )


def _batches(
    paths: Sequence[Path], detector: Detector, kind: str
) -> Iterator[list[tuple[np.ndarray, int, ChosenFace] | KaodexError]]:
    def load(path: Path) -> tuple[UInt8[np.ndarray, "_ _ 3"], int, ChosenFace]:
        picture = read_picture(path)
        if kind == "artist":
            picture = bounded(picture)
            picture_views(picture, name=readable(path))  # what has no view is left out
            return picture, perceptual_hash(picture), whole_picture(picture)
        chosen = choose_face(picture, detector)
        return crop_face(picture, chosen.detection), perceptual_hash(picture), chosen

    batch = []
    for _, loaded in prefetch(load, paths, ahead=2 * _BATCH):
        batch.append(loaded)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
