"""The card of an encoder, `encoder.json`: what it is, how it wants its pictures, and the hashes of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from data.errors import UnusableEncoder
from embedder.card_file import checked_format, named_files, read_checked, whole_file
from embedder.own_folder import encoders_folder, proper
from embedder.preprocess import RESIZE_RULE, prepare

FORMAT = 1
SHIPPED = Path(__file__).parent / "weights"
DEFAULT_ENCODER = "faces-2"
DEFAULT_ARTIST_ENCODER = "art-1"
"""What tells artists apart, where nothing else is asked for."""
CARD, ONNX, WEIGHTS = "encoder.json", "model.onnx", "model.safetensors"
PREFIX = "onnx:"
"""What the name of an ONNX file of others begins with; such a file has no card of ours."""


@dataclass(frozen=True)
class Card:
    """The checked part of `encoder.json`, with the folder that it was read from and the whole text in `fields`."""

    folder: Path
    name: str
    dimension: int
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    flip_average: bool
    unknown_below: float
    network: dict[str, Any]
    files: dict[str, str]
    fields: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """sha256 over all that decides an encoding: file hashes, preprocessing, network and dimension.

        Both runtimes give the same fingerprint, and words, figures or the folder's place do not change it.
        """
        decisive = {
            "dimension": self.dimension,
            "files": self.files,
            "flip_average": self.flip_average,
            "input_size": self.input_size,
            "mean": self.mean,
            "network": self.network,
            "resize": RESIZE_RULE,
            "std": self.std,
        }
        text = json.dumps(decisive, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def prepare(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops 3 size size"]:
        """Crops as the network takes them."""
        return prepare(crops, self.input_size, self.mean, self.std)

    def file(self, name: str) -> Path:
        """The path of one of the encoder's files, once its sha256 is what the card says; raises UnusableEncoder."""
        return whole_file(self.folder / CARD, self.files, name, f"encoder '{self.name}'")


def shipped_encoders() -> list[str]:
    """Names of the encoders that ship with Kaodex."""
    return sorted(folder.parent.name for folder in SHIPPED.glob(f"*/{CARD}"))


def pulled_encoders() -> list[str]:
    """Names of the encoders in the user's own folder: pulled, or put there by hand."""
    folder = encoders_folder()
    names = {found.parent.name for pattern in (f"*/{CARD}", "*/*.onnx") for found in folder.glob(pattern)}
    return sorted(name for name in names - set(shipped_encoders()) if proper(name))


def available_encoders() -> list[str]:
    """Names by which an encoder can be loaded: the shipped ones, then those of the user's own folder."""
    return [*shipped_encoders(), *pulled_encoders()]


def find_encoder(name_or_folder: str | Path | None) -> Path:
    """The folder of an encoder: a shipped or pulled one by its name, or any folder with a card.

    Raises UnusableEncoder where there is none.
    """
    name = DEFAULT_ENCODER if name_or_folder is None else str(name_or_folder)
    if name.startswith(PREFIX):
        raise UnusableEncoder(f"{name} cannot be taken here, only Kaodex's own: give the name or folder of an encoder")
    if name in shipped_encoders():
        return SHIPPED / name
    if proper(name) and (encoders_folder() / name / CARD).is_file():
        return encoders_folder() / name
    folder = Path(name).expanduser()
    if (folder / CARD).is_file():
        return folder
    if name in pulled_encoders():
        raise UnusableEncoder(
            f"'{name}' is an encoder of others, and only Kaodex's own can be taken here: give another"
        )
    what = f"the folder {folder} holds no {CARD}" if folder.is_dir() else f"there is no encoder '{name}'"
    raise UnusableEncoder(
        f"{what}; use one of: {', '.join(available_encoders()) or '(none shipped)'}, or the folder of an encoder, "
        "or onnx:FILE"
    )


def read_card(folder: Path) -> Card:
    """Read and check `encoder.json`; raises UnusableEncoder naming the field that is wrong."""
    return read_checked(folder / CARD, "encoder", lambda fields: _checked(folder, fields))


def _checked(folder: Path, fields: dict[str, Any]) -> Card:
    checked_format(fields, FORMAT)
    taken = fields["input"]
    if taken["resize"] != RESIZE_RULE:
        raise ValueError(f"its resize rule is '{taken['resize']}', this Kaodex knows '{RESIZE_RULE}'")
    mean, std = (tuple(float(value) for value in taken[key]) for key in ("mean", "std"))
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise ValueError(f"mean and std need three numbers each, std above 0, but are {mean} and {std}")
    dimension, size = int(fields["dimension"]), int(taken["size"])
    if dimension < 1 or size < 8:
        raise ValueError(f"the dimension must be at least 1 and the input size at least 8, not {dimension} and {size}")
    unknown_below = float(fields["unknown_below"])
    if not -1 <= unknown_below <= 1:
        raise ValueError(f"unknown_below is a cosine in [-1, 1], not {unknown_below}")
    pulled = folder.parent == encoders_folder()  # there an encoder goes by its folder, or galleries would not find it
    return Card(
        folder=folder,
        name=folder.name if pulled else str(fields["name"]),
        dimension=dimension,
        input_size=size,
        mean=(mean[0], mean[1], mean[2]),
        std=(std[0], std[1], std[2]),
        flip_average=bool(fields["flip_average"]),
        unknown_below=unknown_below,
        network=dict(fields["network"]),
        files=named_files(fields),
        fields=fields,
    )
