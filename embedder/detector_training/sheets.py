"""Contact sheets of boxed pictures, by which a person checks labels that no person drew."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from data.canvas import Tile, contact_sheet, write_picture
from data.errors import KaodexError
from data.pictures import read_picture
from embedder.detector_training.box_files import BoxedPicture

PER_SHEET, TILE = 60, 150
FACE, IGNORED = (0, 200, 60), (255, 140, 0)


def write_sheets(root: Path, boxed: Mapping[str, BoxedPicture], folder: Path) -> list[Path]:
    """Write the pictures that have boxes, green, or places to be ignored, orange, 60 a sheet; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = iter(sorted((name, one) for name, one in boxed.items() if len(one.boxes) or len(one.ignore)))
    written: list[Path] = []
    while page := list(islice(shown, PER_SHEET)):
        path = folder / f"{len(written) + 1:03}.png"
        write_picture(path, contact_sheet([_tile(root, name, one) for name, one in page], tile_size=TILE))
        written.append(path)
    return written


def _tile(root: Path, name: str, boxed: BoxedPicture) -> Tile:
    try:
        picture = read_picture(root / name)
    except KaodexError:
        return Tile(np.full((TILE, TILE, 3), 128, np.uint8), f"{name}\nunreadable")
    thickness = max(1, round(max(picture.shape[:2]) / TILE * 1.5))
    for boxes, colour in ((boxed.boxes, FACE), (boxed.ignore, IGNORED)):
        for x0, y0, x1, y1 in np.round(boxes).astype(int).tolist():
            cv2.rectangle(picture, (x0, y0), (x1 - 1, y1 - 1), colour, thickness)
    return Tile(picture, Path(name).name)
