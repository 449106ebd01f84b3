"""An encoder or a detector as the bytes of its files, to be used where these files are not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from data.errors import UnusableEncoder
from embedder.card import CARD as ENCODER_CARD
from embedder.card import PREFIX, Card
from embedder.detectors import Detector, WholePicture, load_detector
from embedder.detectors.auto import Auto
from embedder.detectors.card import CARD as DETECTOR_CARD
from embedder.detectors.cascade import Cascade
from embedder.detectors.trained import TrainedDetector
from embedder.detectors.yolo import Yolo
from embedder.encoder import Encoder
from embedder.foreign_settings import settings_file
from embedder.onnx_file import external_files


@dataclass(frozen=True)
class EncoderParcel:
    """The files of an encoder, by their places in one folder, and which of them `onnx:` names, if it is such."""

    files: dict[str, bytes]
    onnx: str | None

    def unpack(self, device: str) -> Encoder:
        """The encoder, from files written for the moment; raises what Encoder.load does."""
        with TemporaryDirectory(prefix="kaodex-") as folder:
            _write(self.files, Path(folder))
            return Encoder.load(f"{PREFIX}{folder}/{self.onnx}" if self.onnx else folder, device=device)


@dataclass(frozen=True)
class DetectorParcel:
    """The files of a detector, by their places in one folder, and the word that loads it from there."""

    name: str
    files: dict[str, bytes]
    word: str
    """As of `load_detector`, with `{folder}` for the folder."""
    auto: bool = False
    """Whether `Auto` stands before it."""

    def unpack(self) -> Detector:
        """The detector, from files written for the moment, under the name that it had; raises what it raised there."""
        with TemporaryDirectory(prefix="kaodex-") as folder:
            _write(self.files, Path(folder))
            detector = load_detector(self.word.replace("{folder}", folder))
        if self.auto:
            return Auto(detector)
        detector.name = self.name
        return detector


def pack_encoder(encoder: Encoder) -> EncoderParcel:
    """All that another machine needs to load the same encoder. Raises UnusableEncoder where a file is gone."""
    card = encoder.own_card
    if isinstance(card, Card):
        names = [name for name in (ENCODER_CARD, *card.files) if (card.folder / name).exists()]
        return EncoderParcel(_read(card.folder, names), None)
    names = [*card.files, settings_file(card.path).name]
    return EncoderParcel(_read(card.folder.resolve(), names), card.path.name)


def pack_detector(detector: Detector) -> DetectorParcel:
    """All that another machine needs to load the same detector; raises UnusableEncoder for one that is not Kaodex's."""
    if isinstance(detector, WholePicture):
        return DetectorParcel(detector.name, {}, "whole")
    if isinstance(detector, Auto):
        inner = pack_detector(detector.finder)
        return DetectorParcel(detector.name, inner.files, inner.word, auto=True)
    if isinstance(detector, TrainedDetector):
        card = detector.card
        names = [name for name in (DETECTOR_CARD, *card.files) if (card.folder / name).exists()]
        return DetectorParcel(detector.name, _read(card.folder, names), "{folder}")
    if isinstance(detector, Cascade):
        return DetectorParcel(
            detector.name, _read(detector.path.parent, [detector.path.name]), f"cascade:{{folder}}/{detector.path.name}"
        )
    if isinstance(detector, Yolo):
        folder = detector.path.parent.resolve()
        names = [detector.path.name, *(str(path.relative_to(folder)) for path in external_files(detector.path))]
        return DetectorParcel(detector.name, _read(folder, names), f"onnx:{{folder}}/{detector.path.name}")
    raise UnusableEncoder(
        f"the detector {detector.name} cannot be sent to other machines: give auto, whole, or a detector's name, "
        "folder or file"
    )


def _read(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    try:
        return {name: (folder / name).read_bytes() for name in names}
    except OSError as error:
        raise UnusableEncoder(
            f"{error.filename} cannot be read ({error.strerror}), so it cannot be sent to other machines"
        ) from error


def _write(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
