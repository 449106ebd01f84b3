"""Pictures into references: read, find the face, encode, enrol, a batch at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from data.batches import batches
from data.errors import GalleryError, UnreadablePicture
from data.folders import LabelledPicture
from data.near_duplicates import perceptual_hash
from data.paths import readable
from data.pictures import read_file, read_picture
from embedder import Detection, Detector, Encoder, crop_face
from index.answers import Neighbour
from index.enrolment import EnrolledPicture, Enrolment
from index.gallery import Gallery
from index.records import STRANGERS_OF, EncoderStamp, NewReference, Outcome, Reference, proper_name

CROP_SIDE = 160
"""Pixels: the largest side of the crops that a gallery keeps."""

BATCH = 64
"""Pictures per transaction: what an interrupted enrolment can lose at most."""

WORKERS = 2


class Enroller:
    """One enrolment into one gallery: its settings, and the way of a batch."""

    def __init__(
        self,
        gallery: Gallery,
        encoder: Encoder,
        stamp: EncoderStamp,
        detector: Detector,
        *,
        kind: str,
        command: int,
        allow_conflicts: bool,
        suspicious_above: float,
        tell: Callable[[EnrolledPicture], None],
    ) -> None:
        self._gallery = gallery
        self._encoder = encoder
        self._stamp = stamp
        self._detector = detector
        self._kind = kind
        self._command = command
        self._allow_conflicts = allow_conflicts
        self._suspicious_above = suspicious_above
        self._tell = tell

    def enroll(self, pictures: Iterable[LabelledPicture]) -> None:
        """Enrol all pictures; while a batch is encoded and written, the next one is read."""
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="enrol") as pool:
            underway: list[_Underway] = []
            for batch in batches(pictures, BATCH):
                prepared = self._prepare(batch, pool)
                if underway:
                    self._commit(underway)
                underway = prepared
            if underway:
                self._commit(underway)

    def _prepare(self, batch: Sequence[LabelledPicture], pool: ThreadPoolExecutor) -> list[_Underway]:
        """Set decoding and cropping going for the pictures that the gallery does not hold yet."""
        files = list(pool.map(_read_file, batch))
        held = self._gallery.store.holders(self._kind, [file.sha256 for file in files if file.sha256])
        underway = []
        for labelled, file in zip(batch, files, strict=True):
            fate = self._fate_of_file(labelled, file, held.get(file.sha256, []))
            identity = fate.identity if fate else proper_name(labelled.identity)
            work = pool.submit(_cut, file, labelled.path, self._detector, self._encoder) if fate is None else None
            underway.append(_Underway(identity, labelled.path, file.sha256, fate, work))
        return underway

    def _fate_of_file(
        self, labelled: LabelledPicture, file: _File, holders: Sequence[Reference]
    ) -> EnrolledPicture | None:
        """What can be said before decoding: a name that is none, no file, or held already; None if it goes on."""
        path = labelled.path
        try:
            identity = proper_name(labelled.identity)
        except GalleryError as error:
            reason = f"{error}; rename the folder, or enrol it with --as NAME"
            return EnrolledPicture(readable(labelled.identity), path, Enrolment.UNREADABLE, reason)
        if file.trouble:
            return EnrolledPicture(identity, path, Enrolment.UNREADABLE, file.trouble)
        if any(holder.identity == identity for holder in holders):
            return EnrolledPicture(identity, path, Enrolment.SKIPPED, "enrolled already")
        whole = [holder.identity for holder in holders if holder.region == "whole"]
        return _conflict(identity, path, whole[0]) if whole and not self._allow_conflicts else None

    def _commit(self, underway: Sequence[_Underway]) -> None:
        """Encode and enrol what was prepared, in one transaction, and tell each picture's fate."""
        fates: list[EnrolledPicture | None] = [picture.fate for picture in underway]
        cuts: dict[int, _Cut] = {}
        for position, picture in enumerate(underway):
            if picture.work is None:
                continue
            try:
                cuts[position] = picture.work.result()
            except UnreadablePicture as error:
                fates[position] = EnrolledPicture(picture.identity, picture.path, Enrolment.UNREADABLE, error.reason)
            except _NoFace as error:
                fates[position] = EnrolledPicture(picture.identity, picture.path, Enrolment.FACELESS, str(error))
        encodings = dict(zip(cuts, self._encoder.encode([cut.crop for cut in cuts.values()]), strict=True))
        if self._suspicious_above < inf:
            for position, near in self._near_enrolled(encodings).items():
                picture = underway[position]
                reason = f"scores {near.similarity:.2f} as {near.identity}, who is enrolled ({near.source})"
                fates[position] = EnrolledPicture(picture.identity, picture.path, Enrolment.SUSPICIOUS, reason)
                del cuts[position]
        new = [
            NewReference(
                identity=underway[position].identity,
                sha256=underway[position].sha256,
                source=readable(underway[position].path),
                box=cut.detection.box,
                region=cut.detection.region,
                detection=cut.detection.score,
                hash=cut.hash,
                encoding=encodings[position].astype(np.float16),
                crop=cut.stored,
            )
            for position, cut in cuts.items()
        ]
        if new:
            enrolled = self._gallery.enroll(
                new,
                self._stamp,
                kind=self._kind,
                allow_conflicts=self._allow_conflicts,
                command=self._command,
            )
            added = [result.reference for result in enrolled if result.outcome is Outcome.ADDED]
            alike = dict(zip(added, self._gallery.near_duplicates(added, self._kind), strict=True))
            for position, result in zip(cuts, enrolled, strict=True):
                identity, path = underway[position].identity, underway[position].path
                if result.outcome is Outcome.ADDED:
                    looks_like = tuple(alike[result.reference])
                    fates[position] = EnrolledPicture(identity, path, Enrolment.ADDED, looks_like=looks_like)
                elif result.outcome is Outcome.DUPLICATE:
                    fates[position] = EnrolledPicture(identity, path, Enrolment.SKIPPED, "enrolled already")
                else:
                    fates[position] = _conflict(identity, path, result.holder)
        for fate in fates:
            assert fate is not None, "every picture has met some end"
            self._tell(fate)

    def _near_enrolled(self, encodings: dict[int, np.ndarray]) -> dict[int, Neighbour]:
        """Of supposed strangers, by position, those that score as high as an enrolled identity's own pictures."""
        whose = next(enrolled for enrolled, strangers in STRANGERS_OF.items() if strangers == self._kind)
        if not encodings or whose not in self._gallery.kinds():
            return {}
        answers = self._gallery.recognize(np.stack(list(encodings.values())), kind=whose)
        return {
            position: answer.neighbours[0]
            for position, answer in zip(encodings, answers, strict=True)
            if answer.score is not None and answer.score >= self._suspicious_above
        }


@dataclass(frozen=True)
class _File:
    content: bytes = b""
    sha256: bytes = b""
    trouble: str = ""


@dataclass(frozen=True)
class _Cut:
    crop: UInt8[np.ndarray, "height width 3"]
    """At the encoder's input size, so that a batch of large pictures is small."""
    stored: bytes
    hash: int
    detection: Detection


@dataclass(frozen=True)
class _Underway:
    identity: str
    path: Path
    sha256: bytes
    fate: EnrolledPicture | None
    work: Future[_Cut] | None


class _NoFace(Exception):
    pass


def _read_file(labelled: LabelledPicture) -> _File:
    try:
        content = read_file(labelled.path, readable(labelled.path))
    except UnreadablePicture as error:
        return _File(trouble=error.reason)
    return _File(content, hashlib.sha256(content).digest())


def _cut(file: _File, path: Path, detector: Detector, encoder: Encoder) -> _Cut:
    """Decode, take the largest face, and make of it all that does not need the encoder."""
    picture = read_picture(file.content, readable(path))
    detections = detector.find(picture)
    if not detections:
        raise _NoFace(f"{detector.name} found no face; --detector whole takes the whole picture")
    detection = max(detections, key=lambda found: (found.box[2] - found.box[0]) * (found.box[3] - found.box[1]))
    crop = crop_face(picture, detection)
    return _Cut(encoder.fit(crop), _stored(crop), perceptual_hash(crop), detection)


def _stored(crop: UInt8[np.ndarray, "height width 3"]) -> bytes:
    """The crop as a small JPEG file."""
    import cv2

    scale = CROP_SIDE / max(crop.shape[:2])
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in crop.shape[:2])
        crop = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return encoded.tobytes()


def _conflict(identity: str, path: Path, holder: str) -> EnrolledPicture:
    return EnrolledPicture(identity, path, Enrolment.CONFLICT, f"enrolled already as {holder}")
