"""A kind of a gallery moved to another encoder, from the crops that it keeps: the originals are not needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import numpy as np
from jaxtyping import UInt8

from data.batches import batches
from data.errors import GalleryError, KaodexError, UnreadablePicture, UnusableEncoder
from data.pictures import read_picture
from data.prefetch import prefetch
from embedder import Encoder
from embedder.picture_style import encode_views, mean_direction, see_views
from index.gallery import Gallery
from index.kind_encoders import DEFAULTS, stamp_held, stamp_of, stamped
from index.records import EncoderStamp
from index.sqlite import SQLiteStore
from index.staged_encodings import StagedEncodings, WaitingCrop

BATCH = 256
"""References per transaction: what an interrupted re-encoding does again at most."""

WORKERS = 2


@dataclass(frozen=True)
class UnreadableCrop:
    """A reference that cannot be re-encoded."""

    reference: int
    identity: str | None
    """None for one that is removed already."""
    source: str
    reason: str


@dataclass
class ReencodingReport:
    """What a re-encoding did; `switched` is False where nothing changed for those who ask the gallery."""

    source: EncoderStamp | None
    target: EncoderStamp
    switched: bool = False
    moved: int = 0
    """References with a new encoding, removed ones and strangers too."""
    encoded: int = 0
    """Of those, the ones that were encoded now: an interrupted run made the others."""
    seconds: float = 0.0
    """For the encoding and the switch."""
    unreadable: dict[int, UnreadableCrop] = field(default_factory=dict)


class Reencoder:
    """One move of a kind, and its strangers, to another encoder, from the state in which the file is to the switch.

    New encodings are kept aside in the gallery's file as they are made, so an interrupted move is resumed by the next
    one, and everybody else sees the old gallery until all encodings, the encoder's stamp and the calibrations are
    exchanged at once.
    """

    def __init__(self, gallery: Gallery, encoder: Encoder, kind: str = "character") -> None:
        """Find what there is to do.

        Raises GalleryMismatch where another command moves the gallery elsewhere, GalleryError where it is no file.
        """
        store = gallery.store
        if not isinstance(store, SQLiteStore):
            raise GalleryError(
                f"{gallery.path} is no file, and only a file can be re-encoded: `kaodex gallery copy` it into one, "
                "re-encode that, and copy it back into another collection"
            )
        self._gallery = gallery
        self._encoder = encoder
        self._kind = kind
        target = stamp_of(encoder, kind)
        source = stamp_held(store, kind)
        self.report = ReencodingReport(source, target)
        self.given_up: str | None = None
        """Where there is nothing to do: the encoder of an unfinished move, which is dropped."""
        self.waiting = 0
        """How many references are to be encoded."""
        self._staged: StagedEncodings | None = None
        if source is None or source.fingerprint == target.fingerprint:
            self.given_up = StagedEncodings.drop(store)
        else:
            self._staged = StagedEncodings(store, kind, target)
            moving, done = self._staged.counts()
            self.waiting = moving - done

    @property
    def needless(self) -> bool:
        """Whether there is nothing to do: the gallery is empty, or this encoder's already."""
        return self._staged is None

    def run(
        self,
        *,
        drop_unreadable: bool = False,
        export_before: Path | None = None,
        on_batch: Callable[[int], None] | None = None,
    ) -> ReencodingReport:
        """Encode what waits, and what others enrol meanwhile, and switch.

        References whose crop is missing or damaged stop the switch, unless `drop_unreadable` removes them.
        `export_before` gets a copy of the old gallery just before the switch. `on_batch` is told how many more
        references are done.

        Raises GalleryError where `export_before` exists or the file cannot be written, GalleryMismatch where another
        command finishes this move or begins another.
        """
        staged, report = self._staged, self.report
        if staged is None or report.source is None:
            return report
        if export_before is not None and export_before.exists():
            raise GalleryError(f"{export_before} exists: name another file, or remove it first")
        began = monotonic()
        words = f"reencode from {report.source.name} to {report.target.name}: remove unreadable crops"
        exported = export_before is None
        while not report.switched:
            self._catch_up(staged, on_batch)
            if report.unreadable and not drop_unreadable:
                break
            if export_before is not None and not exported:
                self._gallery.export(export_before)
                exported = True
            report.moved = staged.counts()[1]
            report.switched = staged.switch(report.unreadable, words)
        report.seconds = monotonic() - began
        return report

    def _catch_up(self, staged: StagedEncodings, on_batch: Callable[[int], None] | None) -> None:
        """Encode what is not staged yet, decoding ahead."""
        report = self.report
        report.unreadable.clear()
        found = prefetch(
            self._fitted, _singly(staged.waiting(BATCH)), workers=max(WORKERS, self._encoder.feeders), ahead=BATCH
        )
        for batch in batches(found, BATCH):
            crops: dict[int, tuple[np.ndarray, ...]] = {}
            for waiting, crop in batch:
                if isinstance(crop, KaodexError):
                    reason = crop.reason if isinstance(crop, UnreadablePicture) else str(crop)
                    report.unreadable[waiting.id] = UnreadableCrop(waiting.id, waiting.identity, waiting.source, reason)
                else:
                    crops[waiting.id] = crop
            if crops:
                encodings = encode_views(list(crops.values()), self._encoder)
                staged.keep(list(crops), np.stack([mean_direction(of_one) for of_one in encodings]))
            report.encoded += len(crops)
            if on_batch:
                on_batch(len(batch))

    def _fitted(self, waiting: WaitingCrop) -> tuple[UInt8[np.ndarray, "_ _ 3"], ...]:
        """What is encoded of a reference: its face, or for an artist its views."""
        if not waiting.picture:
            raise UnreadablePicture(waiting.source, "its crop is missing")
        picture = read_picture(waiting.picture, waiting.source)
        if self._kind == "artist":
            return see_views(picture, self._encoder, name=waiting.source).crops
        return (self._encoder.fit(picture),)


def _singly(waiting: Iterable[list[WaitingCrop]]) -> Iterator[WaitingCrop]:
    for batch in waiting:
        yield from batch


def newer_default(stamp: EncoderStamp, kind: str) -> str | None:
    """The kind's default encoder, where the stamp is of another shipped one; else None: theirs may be better."""
    from embedder.card import find_encoder, read_card, shipped_encoders

    default = DEFAULTS[kind]
    if stamp.name == default or not {stamp.name, default} <= set(shipped_encoders()):
        return None
    try:
        fingerprint = read_card(find_encoder(stamp.name)).fingerprint
    except UnusableEncoder:
        return None
    return default if stamp.fingerprint == stamped(fingerprint, kind) else None
