"""Pictures into references: read, find the faces, encode, enrol, a batch at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from data.batches import batches
from data.errors import GalleryError, UnknownIdentity
from data.folders import LabelledPicture
from data.paths import readable
from index.answers import Recognition
from index.enrolment import EnrolledPicture, Enrolment, fate_of_picture
from index.gallery import Gallery
from index.picture_faces import PictureFaces, PictureFile, Unusable, read
from index.put_off import EncodedPicture, PutOff, ballots, why_undecided
from index.records import STRANGERS_OF, EncoderStamp, Enrolled, NewReference, Outcome, Reference, proper_name
from index.workers import Work, Workers

BATCH = 64
"""Pictures per transaction: what an interrupted enrolment can lose at most, besides those put off."""

READERS = 4


class Enroller:
    """One enrolment into one gallery: its settings, and the way of a batch."""

    def __init__(
        self,
        gallery: Gallery,
        stamp: EncoderStamp,
        workers: Workers,
        *,
        kind: str,
        faces: str,
        command: int,
        allow_conflicts: bool,
        suspicious_above: float,
        tell: Callable[[EnrolledPicture], None],
    ) -> None:
        self._gallery = gallery
        self._stamp = stamp
        self._workers = workers
        self._kind = kind
        self._faces = faces
        self._command = command
        self._allow_conflicts = allow_conflicts
        self._suspicious_above = suspicious_above
        self._tell = tell
        self._put_off = PutOff()

    def enroll(self, pictures: Iterable[LabelledPicture]) -> None:
        """Enrol all pictures; while a batch is encoded and written, the next ones are read.

        Batches are written in the order of the pictures, whoever encodes them. With the faces `agree`, pictures of
        several faces are settled when all others are enrolled: all those of an identity in one transaction, so that
        an interruption changes no decision.
        """
        with ThreadPoolExecutor(READERS, thread_name_prefix="read") as pool:
            underway: deque[_Batch] = deque()
            for batch in batches(pictures, BATCH):
                underway.append(self._begin(batch, pool))
                if len(underway) > self._workers.ahead:
                    self._commit(underway.popleft())
            while underway:
                self._commit(underway.popleft())
        for identity in self._put_off.identities():
            self._settle(identity)

    def _begin(self, batch: Sequence[LabelledPicture], pool: ThreadPoolExecutor) -> _Batch:
        """Set the work on the pictures going that the gallery does not hold yet."""
        files = list(pool.map(lambda labelled: read(labelled.path), batch))
        held = self._gallery.store.holders(self._kind, [file.sha256 for file in files if file.sha256])
        pictures, contents = [], []
        for labelled, file in zip(batch, files, strict=True):
            fate = self._fate_of_file(labelled, file, held.get(file.sha256, []))
            identity = fate.identity if fate else proper_name(labelled.identity)
            pictures.append(_Underway(identity, labelled.path, file.sha256, fate))
            if fate is None:
                contents.append(file.content)
        return _Batch(pictures, self._workers.begin(contents) if contents else None)

    def _fate_of_file(
        self, labelled: LabelledPicture, file: PictureFile, holders: Sequence[Reference]
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

    def _commit(self, batch: _Batch) -> None:
        """Enrol what was begun, in one transaction, and tell each fate but of the pictures put off."""
        underway = batch.pictures
        fates: list[EnrolledPicture | None] = [picture.fate for picture in underway]
        found: dict[int, PictureFaces] = {}
        begun = [position for position, picture in enumerate(underway) if picture.fate is None]
        for position, faces in zip(begun, batch.work.result() if batch.work else (), strict=True):
            if isinstance(faces, Unusable):
                picture = underway[position]
                fates[position] = EnrolledPicture(picture.identity, picture.path, faces.enrolment, faces.reason)
            else:
                found[position] = faces
        suspicions = self._suspicions([faces.encodings for faces in found.values()])
        ready: dict[int, EncodedPicture] = {}
        for (position, faces), suspicious in zip(found.items(), suspicions, strict=True):
            encoded = _encoded(underway[position], faces, suspicious)
            if self._faces == "agree" and len(faces.faces) > 1:
                self._put_off.add(encoded)
            else:
                ready[position] = encoded
        for position, fate in zip(ready, self._write(list(ready.values())), strict=True):
            fates[position] = fate
        for told in fates:
            if told is not None:
                self._tell(told)

    def _settle(self, identity: str) -> None:
        """Enrol, of an identity's pictures of several faces, the faces that agree with its other references."""
        pictures = self._put_off.take(identity)
        told = ballots(pictures, self._held(identity))
        chosen = {
            place: replace(picture, faces=(picture.faces[ballot.face],))
            for place, (picture, ballot) in enumerate(zip(pictures, told, strict=True))
            if ballot.face is not None
        }
        fates = dict(zip(chosen, self._write(list(chosen.values())), strict=True))
        for place, (picture, ballot) in enumerate(zip(pictures, told, strict=True)):
            why = why_undecided(identity, ballot)
            self._tell(fates.get(place) or EnrolledPicture(identity, picture.path, Enrolment.UNDECIDED, why))

    def _held(self, identity: str) -> Float32[np.ndarray, "references dim"]:
        """The encodings of an identity's references."""
        store = self._gallery.store
        with store.snapshot():
            store.check_stamp(self._kind, self._stamp)
            try:
                references = [held.id for held in self._gallery.references(identity, self._kind)]
            except UnknownIdentity:
                return np.empty((0, self._stamp.dimension), np.float32)
            return store.vectors(self._kind, references).encodings.astype(np.float32)

    def _write(self, pictures: Sequence[EncodedPicture]) -> list[EnrolledPicture]:
        """Enrol all faces of these pictures, in one transaction; what became of each picture."""
        new = [face for picture in pictures for face in picture.faces]
        results: Iterator[Enrolled] = iter(())
        alike: dict[int, list[int]] = {}
        if new:
            enrolled = self._gallery.enroll(
                new, self._stamp, kind=self._kind, allow_conflicts=self._allow_conflicts, command=self._command
            )
            added = [result.reference for result in enrolled if result.outcome is Outcome.ADDED]
            alike = dict(zip(added, self._gallery.near_duplicates(added, self._kind), strict=True))
            results = iter(enrolled)
        fates = []
        for picture in pictures:
            identity, path = picture.identity, picture.path
            of_faces = [EnrolledPicture(identity, path, Enrolment.SUSPICIOUS, why) for why in picture.left_out]
            for _ in picture.faces:
                result = next(results)
                if result.outcome is Outcome.ADDED:
                    looks_like = tuple(alike[result.reference])
                    of_faces.append(EnrolledPicture(identity, path, Enrolment.ADDED, looks_like=looks_like))
                elif result.outcome is Outcome.DUPLICATE:
                    of_faces.append(EnrolledPicture(identity, path, Enrolment.SKIPPED, "enrolled already"))
                else:
                    of_faces.append(_conflict(identity, path, result.holder))
            fates.append(fate_of_picture(of_faces))
        return fates

    def _suspicions(self, pictures: Sequence[Float32[np.ndarray, "_ dim"]]) -> list[list[str]]:
        """Of each face of supposed strangers, who enrolled it is as like as that one's own pictures; mostly empty."""
        nothing = [[""] * len(encodings) for encodings in pictures]
        if self._suspicious_above == inf or not pictures:
            return nothing
        whose = next(enrolled for enrolled, strangers in STRANGERS_OF.items() if strangers == self._kind)
        if whose not in self._gallery.kinds():
            return nothing
        answers = iter(self._gallery.recognize(np.concatenate(pictures), kind=whose))
        return [[self._suspicion(next(answers)) for _ in encodings] for encodings in pictures]

    def _suspicion(self, answer: Recognition) -> str:
        if answer.score is None or answer.score < self._suspicious_above:
            return ""
        near = answer.neighbours[0]
        return f"scores {near.similarity:.2f} as {near.identity}, who is enrolled ({near.source})"


@dataclass(frozen=True)
class _Underway:
    identity: str
    path: Path
    sha256: bytes
    fate: EnrolledPicture | None
    """None for a picture that is being worked on."""


@dataclass(frozen=True)
class _Batch:
    pictures: Sequence[_Underway]
    work: Work | None
    """On the pictures without a fate, where there are some."""


def _encoded(underway: _Underway, picture: PictureFaces, suspicions: Sequence[str]) -> EncodedPicture:
    """The picture's faces as references to be, without those that are suspicious."""
    faces = [
        NewReference(
            identity=underway.identity,
            sha256=underway.sha256,
            source=readable(underway.path),
            box=face.detection.box,
            region=face.detection.region,
            detection=face.detection.score,
            hash=face.hash,
            encoding=encoding.astype(np.float16),
            crop=face.stored,
        )
        for face, encoding, suspicion in zip(picture.faces, picture.encodings, suspicions, strict=True)
        if not suspicion
    ]
    left_out = tuple(suspicion for suspicion in suspicions if suspicion)
    return EncodedPicture(underway.identity, underway.path, underway.sha256, picture.hash, tuple(faces), left_out)


def _conflict(identity: str, path: Path, holder: str) -> EnrolledPicture:
    return EnrolledPicture(identity, path, Enrolment.CONFLICT, f"enrolled already as {holder}")
