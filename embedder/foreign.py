"""Encoders of others: any ONNX image encoder, and how it wants its pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from data.errors import UnusableEncoder
from embedder.card_file import sha256
from embedder.onnx_file import external_files
from embedder.preprocess import RESIZE_RULE, centre_square, check_crop, resize_square, stretch

SQUARE, STRETCH = "square", "stretch"
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


def _digest(path: Path) -> str:
    try:
        return sha256(path)
    except OSError as error:
        raise UnusableEncoder(f"{path} cannot be read ({error.strerror}); fetch the encoder again") from error
