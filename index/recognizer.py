"""The recogniser: pictures in, names out. Here alone pictures, encoder and gallery meet."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import inf
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8

from data.errors import GalleryError, KaodexError, UnreadablePicture
from data.folders import LabelledPicture, find_pictures
from data.near_duplicates import perceptual_hash
from data.paths import readable
from data.pictures import read_picture
from data.prefetch import prefetch
from embedder import Detection, Detector, Encoder, crop_face, load_detector
from index.answers import FaceAnswer, Neighbour, PictureAnswer, Recognition
from index.calibrator import Population
from index.enrolment import EnrolledPicture, Enrolment, EnrolmentReport
from index.gallery import DEFAULT_FPIR, DEFAULT_MISIDENTIFICATION, Gallery
from index.records import KINDS, STRANGERS_OF, EncoderStamp, NewReference, Outcome, proper_kind, proper_name
from index.voting import DEFAULT_RULE

CROP_SIDE = 160
"""Pixels: the largest side of the crops that a gallery keeps."""

ENROL_BATCH = 64
"""Pictures per transaction: what an interrupted enrolment can lose at most."""

QUERY_BATCH = 32
DEFAULT_K = 5
WORKERS = 2

Picture = UInt8[np.ndarray, "height width 3"]
Item = TypeVar("Item")


class Recognizer:
    """Enrols pictures into a gallery and answers who a picture shows."""

    def __init__(self, gallery: Gallery, encoder: Encoder, detector: Detector | None = None) -> None:
        """Raises GalleryMismatch where the gallery's encodings were made by another encoder."""
        self.gallery = gallery
        self.encoder = encoder
        self.detector = detector or load_detector("whole")
        self.stamp = EncoderStamp(encoder.name, encoder.fingerprint, encoder.dimension)
        self.bank = tuple(Population(*strangers) for strangers in encoder.strangers)
        for kind in gallery.kinds():
            gallery.store.stamp(kind, self.stamp)

    @classmethod
    def open(
        cls,
        path: str | Path = "gallery.kaodex",
        *,
        create: bool = False,
        encoder: str | Path | None = None,
        detector: str = "whole",
        device: str = "auto",
    ) -> Recognizer:
        """Open a gallery (or make it, with `create`) together with the encoder that made it, or the named one.

        Raises GalleryMissing, GalleryDamaged, GalleryMismatch, UnusableEncoder, MissingDependency.
        """
        gallery = Gallery.create(path, device=device) if create else Gallery.open(path, device=device)
        try:
            made_by = next((stamp.name for kind in gallery.kinds() if (stamp := gallery.store.encoder(kind))), None)
            return cls(gallery, Encoder.load(encoder or made_by, device=device), load_detector(detector))
        except BaseException:
            gallery.close()
            raise

    def close(self) -> None:
        """Let go of the gallery's file."""
        self.gallery.close()

    def __enter__(self) -> Recognizer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- enrolling -----------------------------------------------------------------------------------------------------

    def enroll(
        self,
        source: str | Path | Iterable[LabelledPicture],
        *,
        name: str | None = None,
        kind: str = "character",
        as_strangers: bool = False,
        allow_conflicts: bool = False,
        words: str | None = None,
        on_picture: Callable[[EnrolledPicture], None] | None = None,
    ) -> EnrolmentReport:
        """Enrol a folder of identity folders (or one folder under `name`), or pictures that are labelled already.

        Pictures that the gallery holds already are recognised by their bytes and not encoded again, so an interrupted
        enrolment goes on where it stopped. Every 64 pictures are one transaction. What cannot be used is reported and
        the rest goes on. `on_picture` is told of each picture once its fate is on the disk; `words` is what the journal
        calls the command. With `as_strangers` the pictures join the gallery's bank of strangers: they help to tell how
        high strangers score, and nobody is ever taken for them; one that is close to somebody enrolled is left out.

        Raises UnusableSource for a folder without pictures, GalleryError for a name that cannot be one.
        """
        proper_kind(kind)
        if isinstance(source, str | Path):
            words = words or f"enroll {readable(source)}"
            source = find_pictures(source, name=name).pictures
        report = EnrolmentReport()

        def tell(picture: EnrolledPicture) -> None:
            report.add(picture)
            if on_picture:
                on_picture(picture)

        command = self.gallery.begin(words or "enroll")
        detector = load_detector("whole") if kind == "artist" else self.detector
        suspicious_above = inf
        if as_strangers:
            calibrator = self.gallery.calibrator(kind)
            suspicious_above = calibrator.suspicious_above(DEFAULT_K, DEFAULT_RULE, self.bank)
            kind = STRANGERS_OF[kind]
        enrol = partial(self._commit, kind, command, allow_conflicts, suspicious_above, tell)
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="enrol") as pool:
            underway: list[_Underway] | None = None
            for batch in _batches(source, ENROL_BATCH):
                prepared = self._prepare(batch, kind, detector, allow_conflicts, pool)
                if underway is not None:
                    enrol(underway)
                underway = prepared
            if underway is not None:
                enrol(underway)
        if kind in KINDS:
            self.gallery.calibrator(kind).neighbourhoods()
        return report

    def _prepare(
        self,
        batch: Sequence[LabelledPicture],
        kind: str,
        detector: Detector,
        allow_conflicts: bool,
        pool: ThreadPoolExecutor,
    ) -> list[_Underway]:
        """Set decoding and cropping going for the pictures that the gallery does not hold yet."""
        files = list(pool.map(_read_file, batch))
        held = self.gallery.store.holders(kind, [file.sha256 for file in files if file.sha256])
        underway = []
        for labelled, file in zip(batch, files, strict=True):
            identity = proper_name(labelled.identity)
            fate = None
            holders = held.get(file.sha256, []) if file.sha256 else []
            if file.trouble:
                fate = EnrolledPicture(identity, labelled.path, Enrolment.UNREADABLE, file.trouble)
            elif any(holder.identity == identity for holder in holders):
                fate = EnrolledPicture(identity, labelled.path, Enrolment.SKIPPED, "enrolled already")
            elif not allow_conflicts and any(holder.region == "whole" for holder in holders):
                fate = _conflict(identity, labelled.path, holders[0].identity)
            work = pool.submit(_cut, file, labelled.path, detector) if fate is None else None
            underway.append(_Underway(identity, labelled.path, file.sha256, fate, work))
        return underway

    def _commit(
        self,
        kind: str,
        command: int,
        allow_conflicts: bool,
        suspicious_above: float,
        tell: Callable[[EnrolledPicture], None],
        underway: Sequence[_Underway],
    ) -> None:
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
        encodings = dict(zip(cuts, self.encoder.encode([cut.crop for cut in cuts.values()]), strict=True))
        if suspicious_above < inf:
            for position, near in self._near_enrolled(encodings, kind, suspicious_above).items():
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
            enrolled = self.gallery.enroll(new, self.stamp, kind=kind, allow_conflicts=allow_conflicts, command=command)
            added = [result.reference for result in enrolled if result.outcome is Outcome.ADDED]
            alike = dict(zip(added, self.gallery.near_duplicates(added, kind), strict=True))
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
            tell(fate)

    def _near_enrolled(self, encodings: dict[int, np.ndarray], kind: str, above: float) -> dict[int, Neighbour]:
        """Of supposed strangers, by position, those that score as high as an enrolled identity's own pictures."""
        whose = next(enrolled for enrolled, strangers in STRANGERS_OF.items() if strangers == kind)
        if not encodings or whose not in self.gallery.kinds():
            return {}
        answers = self.gallery.recognize(np.stack(list(encodings.values())), kind=whose, bank=self.bank)
        return {
            position: answer.neighbours[0]
            for position, answer in zip(encodings, answers, strict=True)
            if answer.score is not None and answer.score >= above
        }

    # -- asking --------------------------------------------------------------------------------------------------------

    def query(
        self,
        pictures: Iterable[str | Path],
        *,
        k: int = DEFAULT_K,
        rule: str = DEFAULT_RULE,
        fpir: float = DEFAULT_FPIR,
        misidentification: float = DEFAULT_MISIDENTIFICATION,
    ) -> Iterator[PictureAnswer]:
        """Answer who each picture shows, in order; a picture that cannot be read gets an answer with `error` set.

        Of strangers, at most a share `fpir` is named on average. Yields as answers come, decoding ahead. Raises
        GalleryError while the gallery is empty.
        """
        if not self.gallery.kinds():
            raise GalleryError(f"{self.gallery.path} is empty: enrol somebody first, with `kaodex enroll FOLDER`")
        how = Question(k, rule, fpir, misidentification)
        seen = prefetch(self._look, (Path(picture) for picture in pictures), workers=WORKERS, ahead=2 * QUERY_BATCH)
        for batch in _batches(seen, QUERY_BATCH):
            pictures_read = [found for _, found in batch if not isinstance(found, KaodexError)]
            answers = iter(self.recognize(pictures_read, how))
            for path, found in batch:
                if isinstance(found, KaodexError):
                    reason = found.reason if isinstance(found, UnreadablePicture) else str(found)
                    yield PictureAnswer(readable(path), error=reason)
                else:
                    yield next(answers)

    def _look(self, path: Path) -> Seen:
        picture = read_picture(path)
        return Seen(readable(path), picture, tuple(self.detector.find(picture)))

    def recognize(self, seen: Sequence[Seen], how: Question | None = None) -> list[PictureAnswer]:
        """Answer for pictures that are in memory, with the boxes of their faces."""
        how = how or Question()
        kinds = self.gallery.kinds()
        faces: list[list[Recognition]] = [[] for _ in seen]
        if "character" in kinds:
            found = [(picture, detection) for picture in seen for detection in picture.detections]
            recognitions = iter(self._recognize(found, "character", how))
            faces = [[next(recognitions) for _ in picture.detections] for picture in seen]
        artists: list[Recognition] | list[None] = [None] * len(seen)
        if "artist" in kinds:
            whole = load_detector("whole")
            artists = self._recognize(
                [(picture, detection) for picture in seen for detection in whole.find(picture.picture)],
                "artist",
                how,
            )
        return [
            PictureAnswer(
                image=picture.image,
                size=(picture.picture.shape[1], picture.picture.shape[0]),
                faces=tuple(
                    FaceAnswer(detection.box, detection.score, recognition)
                    for detection, recognition in zip(picture.detections, recognized, strict=False)
                ),
                artist=artist,
            )
            for picture, recognized, artist in zip(seen, faces, artists, strict=True)
        ]

    def _recognize(self, found: Sequence[tuple[Seen, Detection]], kind: str, how: Question) -> list[Recognition]:
        encodings = self.encoder.encode([crop_face(picture.picture, detection) for picture, detection in found])
        return self.gallery.recognize(
            encodings,
            fpir=how.fpir,
            misidentification=how.misidentification,
            k=how.k,
            rule=how.rule,
            kind=kind,
            bank=self.bank,
            regions=[detection.region for _, detection in found],
        )


@dataclass(frozen=True)
class Question:
    """How the references vote, and which error rates are promised."""

    k: int = DEFAULT_K
    rule: str = DEFAULT_RULE
    fpir: float = DEFAULT_FPIR
    misidentification: float = DEFAULT_MISIDENTIFICATION


@dataclass(frozen=True)
class Seen:
    """A picture in memory with the faces that were found in it."""

    image: str
    """What the answer calls it; usually its path."""
    picture: Picture
    detections: tuple[Detection, ...]


@dataclass(frozen=True)
class _File:
    content: bytes = b""
    sha256: bytes = b""
    trouble: str = ""


@dataclass(frozen=True)
class _Cut:
    crop: Picture
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
        content = labelled.path.read_bytes()
    except OSError as error:
        return _File(trouble=error.strerror or str(error))
    return _File(content, hashlib.sha256(content).digest())


def _cut(file: _File, path: Path, detector: Detector) -> _Cut:
    """Decode, take the largest face, and make of it all that does not need the encoder."""
    picture = read_picture(file.content, readable(path))
    detections = detector.find(picture)
    if not detections:
        raise _NoFace(f"{detector.name} found no face; --detector whole takes the whole picture")
    detection = max(detections, key=lambda found: (found.box[2] - found.box[0]) * (found.box[3] - found.box[1]))
    crop = crop_face(picture, detection)
    return _Cut(crop, _stored(crop), perceptual_hash(crop), detection)


def _stored(crop: Picture) -> bytes:
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


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
