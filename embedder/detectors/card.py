"""The card of a detector, `detector.json`: what it is, which faces it sees, and the hashes of its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UnusableEncoder
from embedder.card_file import checked_format, named_files, read_checked, whole_file

FORMAT = 1
SHIPPED = Path(__file__).parents[1] / "weights"
SHIPPED_DETECTOR = "drawn-faces-1"
CARD, ONNX, WEIGHTS = "detector.json", "model.onnx", "model.safetensors"


@dataclass(frozen=True)
class DetectorCard:
    """The checked part of `detector.json`, with the folder that it was read from and the whole text in `fields`."""

    folder: Path
    name: str
    threshold: float
    """The score in [0, 1] from which a face is reported."""
    stride: int
    """Pixels of the picture from one score to the next."""
    faces: tuple[int, int]
    """The smallest and the largest face that the network sees: pixels of its longer side."""
    network: dict[str, Any]
    files: dict[str, str]
    fields: dict[str, Any]

    def file(self, name: str) -> Path:
        """The path of one of the detector's files, once its sha256 is what the card says; raises UnusableEncoder."""
        return whole_file(self.folder / CARD, self.files, name, f"detector '{self.name}'")


def shipped_detectors() -> list[str]:
    """Names of the detectors that ship with Kaodex."""
    return sorted(card.parent.name for card in SHIPPED.glob(f"*/{CARD}"))


def find_detector(name_or_folder: str | Path) -> Path:
    """The folder of a detector: a shipped one by its name, or any folder with a card; raises UnusableEncoder."""
    name = str(name_or_folder)
    folder = SHIPPED / name if name in shipped_detectors() else Path(name).expanduser()
    if name and (folder / CARD).is_file():
        return folder
    words = ", ".join(f"'{word}'" for word in ("auto", "whole", *shipped_detectors()))
    raise UnusableEncoder(
        f"there is no detector '{name}'; use {words}, the folder of a detector (with its {CARD}), 'cascade:PATH' with "
        "an OpenCV cascade file, or 'onnx:PATH' with a YOLOv8-style face detector"
    )


def read_detector_card(folder: Path) -> DetectorCard:
    """Read and check `detector.json`; raises UnusableEncoder naming the field that is wrong."""
    return read_checked(folder / CARD, "detector", lambda fields: _checked(folder, fields))


def check_files(card: DetectorCard) -> list[str]:
    """Names of the files that are missing or not what the card says."""
    wrong = []
    for name in sorted(card.files):
        try:
            card.file(name)
        except UnusableEncoder:
            wrong.append(name)
    return wrong


def _checked(folder: Path, fields: dict[str, Any]) -> DetectorCard:
    checked_format(fields, FORMAT)
    threshold, stride = float(fields["threshold"]), int(fields["stride"])
    if not 0 < threshold <= 1:
        raise ValueError(f"the threshold is a score above 0 and at most 1, not {threshold}")
    if stride < 1 or 32 % stride:
        raise ValueError(f"the stride divides 32, the side of the network's grid, but is {stride}")
    smallest, largest = (int(side) for side in fields["faces"])
    if smallest < 1 or largest < 4 * smallest:
        raise ValueError(f"the largest face is at least 4 times the smallest, but they are {largest} and {smallest}")
    return DetectorCard(
        folder=folder,
        name=str(fields["name"]),
        threshold=threshold,
        stride=stride,
        faces=(smallest, largest),
        network=dict(fields["network"]),
        files=named_files(fields),
        fields=fields,
    )
