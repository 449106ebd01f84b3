"""What runs on the machines of a cluster: one worker, which holds encoder and detector."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from data.errors import UnusableCluster
from embedder.parcel import DetectorParcel, EncoderParcel
from index.picture_faces import CutPicture, PictureFaces, Take, Unusable, cut, encode


@dataclass(frozen=True)
class Introduction:
    """What a worker says of itself when it is ready."""

    machine: str
    version: str
    fingerprint: str

    def check(self, fingerprint: str) -> None:
        """Raises UnusableCluster unless Kaodex and the encoder there are those of this machine."""
        for what, theirs, ours in (
            ("Kaodex", self.version, own_version()),
            ("an encoder with the fingerprint", self.fingerprint, fingerprint),
        ):
            if theirs != ours:
                raise UnusableCluster(
                    f"{self.machine} in the cluster has {what} {theirs}, this machine {ours}: install the same version "
                    "of Kaodex on all machines"
                )


class FaceEncoder:
    """A process that cuts faces out of pictures and encodes them, on as many threads as it has CPUs."""

    def prepare(
        self, encoder: EncoderParcel, detector: DetectorParcel, *, device: str, threads: int, take: Take
    ) -> Introduction:
        """Load all; to be called first."""
        import socket

        import cv2

        cv2.setNumThreads(threads)
        self._encoder = encoder.unpack(device)
        self._detector = detector.unpack()
        self._take = take
        self._pool = ThreadPoolExecutor(threads)
        return Introduction(socket.gethostname(), own_version(), self._encoder.fingerprint)

    def encode(self, contents: Sequence[bytes]) -> list[PictureFaces | Unusable]:
        """What becomes of these picture files, in order."""

        def cut_one(content: bytes) -> CutPicture | Unusable:
            return cut(content, self._detector, self._encoder, take=self._take)

        return encode(list(self._pool.map(cut_one, contents)), self._encoder)


def own_version() -> str:
    """The version of Kaodex that is installed here."""
    try:
        return version("kaodex")
    except PackageNotFoundError:
        return "unknown"
