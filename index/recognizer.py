"""The recogniser: pictures in, names out. Here alone pictures, encoder and gallery meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from data.batches import batches
from data.errors import GalleryError, GalleryMissing, KaodexError, UnreadablePicture, UnusableEncoder
from data.folders import LabelledPicture, find_pictures
from data.gallery_place import GalleryPlace
from data.paths import readable
from data.pictures import read_picture
from data.prefetch import prefetch
from embedder import Detection, Detector, Encoder, crop_face, load_detector
from embedder.detectors import DEFAULT_DETECTOR, WholePicture
from embedder.detectors.reading_order import in_reading_order
from index.answers import FaceAnswer, PictureAnswer, Recognition
from index.calibrator import Population
from index.enroller import Enroller
from index.enrolment import FACES, EnrolledPicture, EnrolmentReport
from index.gallery import DEFAULT_FPIR, DEFAULT_MISIDENTIFICATION, Gallery
from index.records import KINDS, STRANGERS_OF, EncoderStamp, proper_kind
from index.voting import DEFAULT_RULE
from index.workers import LocalWorkers, Workers

QUERY_BATCH = 32
DEFAULT_K = 5
WORKERS = 2


class Recognizer:
    """Enrols pictures into a gallery and answers who a picture shows."""

    def __init__(
        self, gallery: Gallery, encoder: Encoder, detector: Detector | None = None, *, device: str = "auto"
    ) -> None:
        """`device` is where a cluster encodes. Raises GalleryMismatch where another encoder made the gallery."""
        self.gallery = gallery
        self.encoder = encoder
        self.detector = detector or load_detector(DEFAULT_DETECTOR)
        self.device = device
        self.stamp = EncoderStamp(encoder.name, encoder.fingerprint, encoder.dimension)
        self.bank = tuple(Population(*strangers) for strangers in encoder.strangers)
        for kind in gallery.kinds():
            gallery.store.check_stamp(kind, self.stamp)
        gallery.speak(self.stamp)

    @classmethod
    def open(
        cls,
        place: str | GalleryPlace = "gallery.kaodex",
        *,
        create: bool = False,
        encoder: str | Path | None = None,
        detector: str = DEFAULT_DETECTOR,
        device: str = "auto",
    ) -> Recognizer:
        """Open a gallery (or make it, with `create`) together with the encoder that made it, or the named one.

        Raises GalleryMissing, GalleryDamaged, GalleryMismatch, UnusableEncoder, MissingDependency.
        """
        finder = load_detector(detector)
        try:
            gallery = Gallery.open(place, device=device)
        except GalleryMissing:
            if not create:
                raise
            loaded = Encoder.load(encoder, device=device)  # first: a mistake should leave no empty gallery behind
            return cls(Gallery.create(place, device=device), loaded, finder, device=device)
        try:
            loaded = Encoder.load(encoder, device=device) if encoder else _maker(gallery, device)
            return cls(gallery, loaded, finder, device=device)
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
        faces: str = "agree",
        as_strangers: bool = False,
        allow_conflicts: bool = False,
        words: str | None = None,
        on_picture: Callable[[EnrolledPicture], None] | None = None,
        ray: str | None = None,
    ) -> EnrolmentReport:
        """Enrol a folder of identity folders (or one folder under `name`), or pictures that are labelled already.

        Pictures that the gallery holds already are recognised by their bytes and not encoded again, so an interrupted
        enrolment goes on where it stopped. Every 64 pictures are one transaction. What cannot be used is reported and
        the rest goes on. `on_picture` is told of each picture once its fate is on the disk; `words` is what the journal
        calls the command.

        Of a picture with several faces, `faces` says which is enrolled: `agree`, the one that agrees with the
        identity's other references, decided when all other pictures are enrolled (see `index.agreement`; where none
        clearly does, none is, and the report lists the picture); `largest`; or `all`, each as a reference of its own.

        With `as_strangers` the pictures join the gallery's bank of strangers: they help to tell how high strangers
        score, and nobody is ever taken for them; a face that is close to somebody enrolled is left out. Here `agree`
        takes all faces of a picture, as none of them is anybody's; together they count as one stranger.

        With `ray` the pictures are encoded on a Ray cluster: `local` for one of this machine, `auto` for the one that
        runs here, or its HOST:PORT. The gallery that comes out is the same.

        Raises UnusableSource for a folder without pictures, GalleryError for a name that cannot be one, ValueError for
        `faces` that are none of FACES, UnusableCluster and MissingDependency with `ray`.
        """
        proper_kind(kind)
        if faces not in FACES:
            raise ValueError(f"there are no faces {faces!r} to enrol: use one of {', '.join(FACES)}")
        if isinstance(source, str | Path):
            words = words or f"enroll {readable(source)}"
            source = find_pictures(source, name=name).pictures
        report = EnrolmentReport()

        def tell(picture: EnrolledPicture) -> None:
            report.add(picture)
            if on_picture:
                on_picture(picture)

        suspicious_above = inf
        if as_strangers:
            calibrator = self.gallery.calibrator(kind)
            suspicious_above = calibrator.suspicious_above(DEFAULT_K, DEFAULT_RULE, self.bank)
        detector = WholePicture() if kind == "artist" else self.detector
        with self._workers(ray, detector, largest=faces == "largest") as workers:
            enroller = Enroller(
                self.gallery,
                self.stamp,
                workers,
                kind=STRANGERS_OF[kind] if as_strangers else kind,
                faces="all" if as_strangers and faces == "agree" else faces,
                command=self.gallery.begin(words or "enroll"),
                allow_conflicts=allow_conflicts,
                suspicious_above=suspicious_above,
                tell=tell,
            )
            enroller.enroll(source)
        self.gallery.calibrator(kind).neighbourhoods()
        self.gallery.keep_shelves()
        return report

    def _workers(self, ray: str | None, detector: Detector, *, largest: bool) -> Workers:
        if ray is None:
            return LocalWorkers(self.encoder, detector, largest=largest)
        from index.cluster.workers import RayWorkers

        return RayWorkers(ray, self.encoder, detector, device=self.device, largest=largest)

    # -- asking --------------------------------------------------------------------------------------------------------

    def query(
        self,
        pictures: Iterable[str | Path],
        *,
        k: int = DEFAULT_K,
        rule: str = DEFAULT_RULE,
        fpir: float = DEFAULT_FPIR,
        misidentification: float = DEFAULT_MISIDENTIFICATION,
        only: Sequence[str] | None = None,
    ) -> Iterator[PictureAnswer]:
        """Answer who each picture shows, in order; a picture that cannot be read gets an answer with `error` set.

        Of strangers, at most a share `fpir` is named on average. With `only`, just these characters are candidates, and
        artists are not asked for. Yields as answers come, decoding ahead. Raises GalleryError while the gallery is
        empty, UnknownIdentity for a name in `only` that nobody has.
        """
        if not self.gallery.kinds():
            raise GalleryError(f"{self.gallery.path} is empty: enrol somebody first, with `kaodex enroll FOLDER`")
        how = Question(k, rule, fpir, misidentification, None if only is None else tuple(only))
        seen = prefetch(self._look, (Path(picture) for picture in pictures), workers=WORKERS, ahead=2 * QUERY_BATCH)
        for batch in batches(seen, QUERY_BATCH):
            pictures_read = [found for _, found in batch if not isinstance(found, KaodexError)]
            answers = iter(self.recognize(pictures_read, how))
            for path, found in batch:
                if isinstance(found, KaodexError):
                    reason = found.reason if isinstance(found, UnreadablePicture) else str(found)
                    yield PictureAnswer(readable(path), error=reason)
                else:
                    yield next(answers)

    def _look(self, path: Path) -> Seen:
        return self.see(read_picture(path), readable(path))

    def see(
        self, picture: UInt8[np.ndarray, "height width 3"], image: str, detections: Sequence[Detection] | None = None
    ) -> Seen:
        """What `recognize` needs of a picture: its faces at the encoder's input size.

        They are found unless they are given, and then stand in the order in which people read them.
        """
        found = tuple(in_reading_order(self.detector.find(picture)) if detections is None else detections)
        whole = WholePicture().find(picture)[0]
        places = {place.crop: place for place in (*found, whole)}  # each crop is fitted once
        fitted = {crop: self.encoder.fit(crop_face(picture, place)) for crop, place in places.items()}
        return Seen(
            image=image,
            size=(picture.shape[1], picture.shape[0]),
            detections=found,
            faces=tuple(fitted[detection.crop] for detection in found),
            whole=fitted[whole.crop],
        )

    def recognize(self, seen: Sequence[Seen], how: Question | None = None) -> list[PictureAnswer]:
        """Answer for pictures that were seen: see `see`."""
        how = how or Question()
        kinds = self.gallery.kinds() if how.only is None else ["character"]
        faces: list[list[Recognition]] = [[] for _ in seen]
        if "character" in kinds:
            crops = [crop for one in seen for crop in one.faces]
            regions = [detection.region for one in seen for detection in one.detections]
            recognitions = iter(self._recognize(crops, regions, "character", how))
            faces = [[next(recognitions) for _ in one.detections] for one in seen]
        artists: list[Recognition] | list[None] = [None] * len(seen)
        if "artist" in kinds:
            artists = self._recognize([one.whole for one in seen], ["whole"] * len(seen), "artist", how)
        return [
            PictureAnswer(
                image=one.image,
                size=one.size,
                faces=tuple(
                    FaceAnswer(detection.box, detection.score, recognition)
                    for detection, recognition in zip(one.detections, recognized, strict=False)
                ),
                artist=artist,
            )
            for one, recognized, artist in zip(seen, faces, artists, strict=True)
        ]

    def _recognize(
        self, crops: Sequence[UInt8[np.ndarray, "height width 3"]], regions: Sequence[str], kind: str, how: Question
    ) -> list[Recognition]:
        encodings = self.encoder.encode(crops)
        return self.gallery.recognize(
            encodings,
            fpir=how.fpir,
            misidentification=how.misidentification,
            k=how.k,
            rule=how.rule,
            only=how.only,
            kind=kind,
            bank=self.bank,
            regions=regions,
        )


def _maker(gallery: Gallery, device: str) -> Encoder:
    """The encoder that made the gallery; the default one for an empty gallery. Raises UnusableEncoder."""
    kinds = dict.fromkeys((*gallery.kinds(), *KINDS))  # also of a kind whose references are all removed
    stamp = next((stamp for kind in kinds if (stamp := gallery.store.encoder(kind))), None)
    try:
        return Encoder.load(stamp.name if stamp else None, device=device)
    except UnusableEncoder as error:
        if stamp is None or stamp.name in Encoder.available_encoders():
            raise
        raise UnusableEncoder(
            f"{gallery.path} was made by the encoder {stamp.name!r} (fingerprint {stamp.fingerprint[:12]}), which does "
            "not come with Kaodex: give its folder with --encoder FOLDER, or its file with --encoder onnx:FILE, or "
            "move the gallery to the shipped one with `kaodex gallery reencode`"
        ) from error


@dataclass(frozen=True)
class Question:
    """How the references vote, and which error rates are promised."""

    k: int = DEFAULT_K
    rule: str = DEFAULT_RULE
    fpir: float = DEFAULT_FPIR
    misidentification: float = DEFAULT_MISIDENTIFICATION
    only: tuple[str, ...] | None = None
    """Whom the question is about; None asks about everybody."""


@dataclass(frozen=True)
class Seen:
    """A picture with the faces that were found in it, as crops at the encoder's input size."""

    image: str
    """What the answer calls it; usually its path."""
    size: tuple[int, int]
    """(width, height) of the picture."""
    detections: tuple[Detection, ...]
    faces: tuple[UInt8[np.ndarray, "height width 3"], ...]
    whole: UInt8[np.ndarray, "height width 3"]
