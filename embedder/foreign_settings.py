"""The settings of an encoder of others: a small JSON beside its ONNX file; found, read and checked."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from data.errors import UnusableEncoder
from embedder.card import CARD, PREFIX, shipped_encoders
from embedder.foreign import SQUARE, STRETCH, ForeignCard
from embedder.own_folder import encoders_folder, proper

CHOICES = {"resize": (SQUARE, STRETCH), "colour": ("rgb", "bgr"), "layout": ("nchw", "nhwc")}
NEEDED = ("name", "size", "resize", "mean", "std", "scale", "colour", "layout", "input", "output")
TOLD = ("licence", "dimension", "source")
"""Fields that may be left out: the dimension is checked where it is given, the others are only shown."""


def find_foreign(name: str | Path | None) -> Path | None:
    """The ONNX file that `onnx:FILE`, or the name of a pulled encoder, means; None for what means no ONNX file.

    Raises UnusableEncoder for a folder of the user's own with several ONNX files.
    """
    name = str(name or "")
    if name.startswith(PREFIX):
        return Path(name.removeprefix(PREFIX)).expanduser()
    folder = encoders_folder() / name
    if not proper(name) or name in shipped_encoders() or (folder / CARD).exists():
        return None
    files = sorted(folder.glob("*.onnx"))
    if len(files) > 1:
        raise UnusableEncoder(f"{folder} holds {len(files)} ONNX files, an encoder has one: give onnx:FILE")
    return files[0] if files else None


def settings_file(path: Path) -> Path:
    """Where an ONNX file's settings lie: beside it, under its name with the suffix `.json`.

    >>> settings_file(Path("models/model_feat.onnx")).as_posix()
    'models/model_feat.json'
    """
    return path.with_suffix(".json")


def read_foreign(path: Path) -> ForeignCard:
    """Read and check the settings of an ONNX file; raises UnusableEncoder saying what to write, and where."""
    if path.suffix.lower() != ".onnx" or not path.is_file():
        what = "is not named *.onnx" if path.is_file() else "is not a file"
        raise UnusableEncoder(f"{path} {what}; give an ONNX image encoder as onnx:FILE.onnx")
    beside = settings_file(path)
    if not beside.is_file():
        from embedder.foreign_runtime import template

        raise UnusableEncoder(
            f"{path} says nothing of how it wants its pictures. Write {beside} like this, in place of each null what "
            f"its makers did (docs/encoders.md tells what each word means):\n{as_text(template(path))}"
        )
    try:
        return checked(path, json.loads(beside.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UnusableEncoder(f"{beside} does not describe an encoder: {error}; see docs/encoders.md") from error


def checked(path: Path, fields: Any) -> ForeignCard:
    """The settings in `fields` for the ONNX file; raises ValueError or TypeError naming the field that is wrong."""
    if not isinstance(fields, dict):
        raise ValueError("it must hold one JSON object")
    empty = [key for key in NEEDED if fields.get(key) is None]
    if empty:
        raise ValueError(f"{', '.join(empty)} must be given")
    if strange := sorted(set(fields) - {*NEEDED, *TOLD}):
        raise ValueError(f"it holds the unknown fields {', '.join(strange)}; known are {', '.join((*NEEDED, *TOLD))}")
    for key, choices in CHOICES.items():
        if fields[key] not in choices:
            raise ValueError(f"{key} is {' or '.join(choices)}, not {fields[key]!r}")
    for key in ("name", "input", "output"):
        if not isinstance(fields[key], str) or not fields[key].strip() or not fields[key].isprintable():
            raise ValueError(f"{key} must be a word, not {fields[key]!r}")
    size = fields["size"]
    sides = [size, size] if isinstance(size, int) else size
    if not isinstance(sides, list) or len(sides) != 2 or not all(_whole(side, 8, 4096) for side in sides):
        raise ValueError(f"size is one number of pixels or [height, width], each from 8 to 4096, not {size!r}")
    if fields["resize"] == SQUARE and sides[0] != sides[1]:
        raise ValueError(f"resize 'square' needs a square size, not {size!r}; 'stretch' takes any")
    mean, std = (tuple(float(value) for value in fields[key]) for key in ("mean", "std"))
    scale = float(fields["scale"])
    finite = all(math.isfinite(value) for value in (*mean, *std, scale))
    if len(mean) != 3 or len(std) != 3 or not finite or min(std) <= 0 or scale * min(std) < 1e-9:
        raise ValueError(
            f"mean and std need three numbers each, std and scale above 0, but are {mean}, {std} and {scale}"
        )
    dimension = fields.get("dimension")
    if dimension is not None and not _whole(dimension, 1, 1 << 20):
        raise ValueError(f"dimension is a whole number, not {dimension!r}")
    pulled = path.parent.parent == encoders_folder()  # there an encoder goes by its folder
    return ForeignCard(
        path=path,
        name=path.parent.name if pulled else fields["name"],
        height=sides[0],
        width=sides[1],
        resize=fields["resize"],
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        scale=scale,
        colour=fields["colour"],
        layout=fields["layout"],
        input=fields["input"],
        output=fields["output"],
        dimension=dimension,
        fields=fields,
    )


def as_text(fields: dict[str, Any]) -> str:
    """Settings as a file holds them: one field a line."""
    lines = (f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
