"""Pictures decoded once: arrays on disk that a run reads from as if they were in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from embedder.preprocess import centre_square, resize_square

CHUNK = 256
"""Pictures between two notes of how far a cache has come."""


def decode_square(path: Path, side: int) -> UInt8[np.ndarray, "side side 4"]:
    """The picture's centre square as RGBA; raises ValueError for a file that OpenCV cannot decode."""
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    picture = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED) if raw.size else None
    if picture is None or picture.dtype != np.uint8:
        raise ValueError(f"{path} is not a picture of 8 bits per colour")
    if picture.ndim == 2:
        rgba = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGBA)
    else:
        rgba = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGBA)
    square = centre_square(np.asarray(rgba, np.uint8))
    # Colours under full transparency are arbitrary: weigh by alpha before resizing, or they bleed into the edges.
    alpha = square[..., 3:].astype(np.float32) / 255
    weighed = resize_square(np.concatenate([(square[..., :3] * alpha).astype(np.uint8), square[..., 3:]], 2), side)
    share = np.maximum(weighed[..., 3:].astype(np.float32) / 255, 1 / 255)
    colours = np.minimum(weighed[..., :3] / share, 255).astype(np.uint8)
    return np.concatenate([colours, weighed[..., 3:]], axis=2)


def on_white(squares: UInt8[np.ndarray, "pictures side side 4"]) -> UInt8[np.ndarray, "pictures side side 3"]:
    """Alpha laid on white, as pictures are read everywhere outside training."""
    alpha = squares[..., 3:].astype(np.float32) / 255
    return np.asarray(squares[..., :3] * alpha + 255 * (1 - alpha) + 0.5, np.uint8)


def cached(
    folder: Path,
    name: str,
    key: Sequence[str],
    shape: tuple[int, int, int],
    make: Callable[[int], UInt8[np.ndarray, "side side channels"]],
    progress: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """The array of `make(0) ... make(len(key) - 1)`, made at most once: an interrupted one is continued.

    key: what identifies each picture; another key, or another shape, starts the cache anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stamp = hashlib.sha256(json.dumps([list(key), shape]).encode()).hexdigest()
    array_path, note_path = folder / f"{name}.npy", folder / f"{name}.json"
    done = _done(note_path, stamp) if array_path.exists() else 0
    mode = "r+" if done else "w+"
    array = np.lib.format.open_memmap(array_path, mode, np.uint8, None if done else (len(key), *shape))
    for start in range(done, len(key), CHUNK):
        for position in range(start, min(start + CHUNK, len(key))):
            array[position] = make(position)
        array.flush()
        note_path.write_text(json.dumps({"stamp": stamp, "done": min(start + CHUNK, len(key))}))
        progress(min(start + CHUNK, len(key)))
    return np.load(array_path, mmap_mode="r")


def _done(note_path: Path, stamp: str) -> int:
    try:
        note = json.loads(note_path.read_text())
        return int(note["done"]) if note["stamp"] == stamp else 0
    except (OSError, ValueError, KeyError):
        return 0
