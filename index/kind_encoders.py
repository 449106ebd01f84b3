"""The encoders of a gallery: one for each kind of identities, opened when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data.errors import UnusableEncoder
from embedder import Encoder
from embedder.card import DEFAULT_ARTIST_ENCODER, DEFAULT_ENCODER
from embedder.picture_style import style_fingerprint
from index.calibrator import Bank, Population
from index.gallery import Gallery
from index.records import STRANGERS_OF, EncoderStamp
from index.store import Store

DEFAULTS = {"character": DEFAULT_ENCODER, "artist": DEFAULT_ARTIST_ENCODER}


@dataclass(frozen=True)
class KindEncoder:
    """The encoder of one kind, how a gallery is stamped by it, and the strangers that come with it."""

    encoder: Encoder
    stamp: EncoderStamp
    bank: Bank


class KindEncoders:
    """By kind; what is not given is the encoder that made the gallery's encodings, or the default one."""

    def __init__(
        self,
        gallery: Gallery,
        given: Mapping[str, Encoder | str | Path | None],
        device: str = "auto",
    ) -> None:
        """`given` are encoders, or their names."""
        self._gallery = gallery
        self._given = given
        self._device = device
        self._open: dict[str, KindEncoder] = {}

    def __getitem__(self, kind: str) -> KindEncoder:
        """The kind's encoder, which the gallery is asked with from now on.

        Raises UnusableEncoder, MissingDependency, GalleryMismatch where another one made the kind's encodings.
        """
        if kind not in self._open:
            given = self._given.get(kind)
            encoder = given if isinstance(given, Encoder) else self._load(kind, given)
            stamp = stamp_of(encoder, kind)
            if kind in self._gallery.kinds():
                self._gallery.store.check_stamp(kind, stamp)
            self._gallery.speak(stamp, kind)
            self._open[kind] = KindEncoder(encoder, stamp, tuple(Population(*some) for some in encoder.strangers))
        return self._open[kind]

    def _load(self, kind: str, name: str | Path | None) -> Encoder:
        if name:
            return Encoder.load(name, device=self._device)
        stamp = stamp_held(self._gallery.store, kind)
        try:
            return Encoder.load(stamp.name if stamp else DEFAULTS[kind], device=self._device)
        except UnusableEncoder as error:
            if stamp is None or stamp.name in Encoder.available_encoders():
                raise
            raise UnusableEncoder(
                f"{self._gallery.path} was made by the encoder {stamp.name!r} (fingerprint {stamp.fingerprint[:12]}), "
                "which does not come with Kaodex: give its folder with --encoder FOLDER, or its file with --encoder "
                "onnx:FILE, or move the gallery to the shipped one with `kaodex gallery reencode"
                f"{' --kind artist' if kind == 'artist' else ''}`"
            ) from error


def stamp_of(encoder: Encoder, kind: str) -> EncoderStamp:
    """How a gallery's encodings of a kind are stamped by an encoder."""
    return EncoderStamp(encoder.name, stamped(encoder.fingerprint, kind), encoder.dimension)


def stamped(fingerprint: str, kind: str) -> str:
    """An encoder's fingerprint for encodings of a kind: artists' depend on the cut into views too."""
    return style_fingerprint(fingerprint) if kind == "artist" else fingerprint


def stamp_held(store: Store, kind: str) -> EncoderStamp | None:
    """Which encoder made a kind's encodings, or those of its strangers; None where the gallery never held any."""
    return store.encoder(kind) or store.encoder(STRANGERS_OF[kind])
