"""Encoders of others: any ONNX image encoder, described by a small JSON that lies beside it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from data.errors import UnusableEncoder
from embedder.card import CARD, sha256, shipped_encoders
from embedder.onnx_file import external_files
from embedder.own_folder import encoders_folder, proper
from embedder.preprocess import RESIZE_RULE, centre_square, check_crop, resize_square, stretch

PREFIX = "onnx:"
SQUARE, STRETCH = "square", "stretch"
CHOICES = {"resize": (SQUARE, STRETCH), "colour": ("rgb", "bgr"), "layout": ("nchw", "nhwc")}
NEEDED = ("name", "size", "resize", "mean", "std", "scale", "colour", "layout", "input", "output")
TOLD = ("licence", "dimension", "source")
"""Fields that may be left out: the dimension is checked where it is given, the others are only shown."""
UNKNOWN_BELOW = -1.0
"""Nobody has measured where this encoder's strangers lie; a gallery's own calibration decides."""


@dataclass(frozen=True)
class ForeignCard:
    """The checked settings of an ONNX encoder, and the file that they belong to."""

    path: Path
    name: str
    height: int
    width: int
    resize: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scale: float
    colour: str
    layout: str
    input: str
    output: str
    dimension: int | None
    """As the JSON tells it; None where it does not."""
    fields: dict[str, Any]

    flip_average = False
    unknown_below = UNKNOWN_BELOW

    @property
    def folder(self) -> Path:
        """Where the file lies."""
        return self.path.parent

    @property
    def input_size(self) -> int:
        """The side of a square input in pixels, the longer side of another."""
        return max(self.height, self.width)

    @cached_property
    def files(self) -> dict[str, str]:
        """The sha256 of the ONNX file and of each file in which it keeps weights."""
        return {
            str(path.relative_to(self.folder.resolve())): _digest(path)
            for path in (self.folder.resolve() / self.path.name, *external_files(self.path))
        }

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over all that decides an encoding: the files and every setting but name, licence and source."""
        decisive = {
            "kind": "onnx",
            # the model's own file may be renamed, while those that it names may not
            "files": [self.files[self.path.name], {k: v for k, v in self.files.items() if k != self.path.name}],
            "size": [self.height, self.width],
            "resize": RESIZE_RULE if self.resize == SQUARE else "stretch; Pillow's bilinear filter",
            "mean": self.mean,
            "std": self.std,
            "scale": self.scale,
            "colour": self.colour,
            "layout": self.layout,
            "input": self.input,
            "output": self.output,
        }
        text = json.dumps(decisive, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def fit(self, crop: UInt8[np.ndarray, "_ _ 3"]) -> UInt8[np.ndarray, "height width 3"]:
        """The crop at the input size, by the encoder's own rule."""
        if self.resize == SQUARE:
            return np.ascontiguousarray(resize_square(centre_square(crop), self.height))
        return stretch(crop, self.height, self.width)

    def prepare(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops _ _ _"]:
        """(pixel / scale - mean) / std, in the order of colours and axes that the network takes."""
        pixels = np.empty((len(crops), self.height, self.width, 3), np.uint8)
        for position, crop in enumerate(crops):
            check_crop(crop, position)
            pixels[position] = self.fit(crop)
        mean, std = (np.asarray(values, np.float64) for values in (self.mean, self.std))
        factor, shift = (1 / (self.scale * std)).astype(np.float32), (mean / std).astype(np.float32)
        first = self.layout == "nchw"
        batch = np.empty((len(pixels), 3, self.height, self.width) if first else pixels.shape, np.float32)
        planes = batch if first else batch.transpose(0, 3, 1, 2)
        for channel in range(3):  # mean and std are told in the order of the network's channels
            colour = pixels[..., channel if self.colour == "rgb" else 2 - channel]
            np.multiply(colour, factor[channel], out=planes[:, channel])
            planes[:, channel] -= shift[channel]
        return batch


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


def _digest(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise UnusableEncoder(f"{path} cannot be read ({error.strerror}); fetch the encoder again") from error
