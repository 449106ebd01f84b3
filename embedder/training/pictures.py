"""Pictures decoded once: arrays on disk that a run reads from as if they were in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from data.errors import UnusableSource
from data.pictures import read_picture_with_alpha
from embedder.preprocess import centre_square, resize_square

CHUNK = 256
"""Pictures between two notes of how far a cache has come."""


def decode_square(path: Path, side: int) -> UInt8[np.ndarray, "side side 4"]:
    """The picture's centre square as RGBA; raises UnreadablePicture for a file that is no picture."""
    square = centre_square(read_picture_with_alpha(path))
    if square[..., 3].min() == 255:
        opaque = np.ascontiguousarray(resize_square(np.ascontiguousarray(square[..., :3]), side))
        return np.asarray(cv2.cvtColor(opaque, cv2.COLOR_RGB2RGBA), np.uint8)
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


def file_key(path: Path) -> str:
    """What says that a file is still the one that was decoded: place, size, time of change."""
    try:
        status = path.stat()
    except OSError:
        return f"{path} is gone"
    return f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"


def cached(
    folder: Path,
    name: str,
    key: Iterable[str],
    shape: tuple[int, int, int],
    make: Callable[[int], UInt8[np.ndarray, "side side channels"]],
    progress: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """The array of `make(0)`, `make(1)`, ... for each key, made at most once: an interrupted one is continued.

    key: what identifies each picture. Another key, or another shape, is another array, in a file of its own. `make` is
    called from several threads. Raises UnusableSource where the array cannot be written.
    """
    keys = list(key)
    stamp = hashlib.sha256(json.dumps([keys, shape]).encode()).hexdigest()
    array_path, note_path = folder / f"{name}-{stamp[:12]}.npy", folder / f"{name}-{stamp[:12]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        done = _done(note_path, stamp) if array_path.exists() else 0
        mode = "r+" if done else "w+"
        if done < len(keys):
            array = np.lib.format.open_memmap(array_path, mode, np.uint8, None if done else (len(keys), *shape))
            with ThreadPoolExecutor() as pool:
                for start in range(done, len(keys), CHUNK):
                    stop = min(start + CHUNK, len(keys))
                    for position, made in zip(range(start, stop), pool.map(make, range(start, stop)), strict=True):
                        array[position] = made
                    array.flush()
                    note_path.write_text(json.dumps({"stamp": stamp, "done": stop}))
                    progress(stop)
        return np.load(array_path, mmap_mode="r")
    except OSError as error:
        raise UnusableSource(f"{array_path}: cannot be kept ({error.strerror}); choose another folder") from error


def _done(note_path: Path, stamp: str) -> int:
    try:
        note = json.loads(note_path.read_text())
        return int(note["done"]) if note["stamp"] == stamp else 0
    except (OSError, ValueError, KeyError):
        return 0
