"""Box files: JSON that says where the faces of pictures are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from data.errors import UnusableSource
from data.whole_file import whole_file

Boxes = Float32[np.ndarray, "_ 4"]


@dataclass(frozen=True)
class BoxedPicture:
    """A picture's faces as boxes (x0, y0, x1, y1) in pixels, and places that are neither face nor no face."""

    boxes: Boxes
    ignore: Boxes


def read_boxes(path: Path) -> dict[str, BoxedPicture]:
    """The pictures of a box file, by their paths relative to the folder that the file is about.

    The file is `{"a/b.png": {"boxes": [[x0, y0, x1, y1], ...], "ignore": [...]}}`; a picture with neither is known to
    show no face. Raises UnusableSource naming the picture that is wrong.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnusableSource(f"{path} cannot be read as a box file (JSON): {error}") from error
    if not isinstance(entries, dict) or not entries:
        raise UnusableSource(f'{path} is no box file: it should be {{"picture": {{"boxes": [[x0, y0, x1, y1]]}}}}')
    found = {}
    for name, entry in entries.items():
        try:
            found[name] = BoxedPicture(_boxes(entry.get("boxes", [])), _boxes(entry.get("ignore", [])))
        except (AttributeError, TypeError, ValueError) as error:
            raise UnusableSource(f"{path}: the boxes of {name} are unusable: {error}") from error
    return found


def write_boxes(path: Path, pictures: Mapping[str, BoxedPicture]) -> None:
    """Write a box file, sorted by path, one picture a line, in tenths of a pixel."""
    lines = [
        f"{json.dumps(name, ensure_ascii=False)}: "
        + json.dumps({"boxes": _plain(one.boxes), "ignore": _plain(one.ignore)}, separators=(",", ":"))
        for name, one in sorted(pictures.items())
    ]
    with whole_file(path) as unfinished:
        unfinished.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _boxes(given: object) -> Boxes:
    boxes = np.asarray(given, np.float32).reshape(-1, 4)
    if not np.isfinite(boxes).all() or (boxes[:, 2:] <= boxes[:, :2]).any():
        raise ValueError(f"a box needs x0 < x1 and y0 < y1, but here is {boxes.tolist()}")
    return boxes


def _plain(boxes: Boxes) -> list[list[float]]:
    return [[round(float(value), 1) for value in box] for box in boxes]
