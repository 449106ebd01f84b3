"""The recogniser: pictures in, names out. Here alone pictures, encoder and gallery meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from data.batches import batches
from data.errors import GalleryError, GalleryMissing, KaodexError, UnreadablePicture
from data.folders import LabelledPicture, find_pictures
from data.gallery_place import GalleryPlace
from data.paths import readable
from data.pictures import read_picture
from data.prefetch import prefetch
from embedder import Detection, Detector, Encoder, crop_face, load_detector
from embedder.detectors import DEFAULT_DETECTOR, WholePicture
from embedder.detectors.reading_order import in_reading_order
from embedder.picture_style import SeenViews, encode_views, mean_direction, see_views
from index.answers import FaceAnswer, PictureAnswer, Recognition
from index.artist_evidence import with_evidence
from index.decision import Status
from index.enroller import Enroller
from index.enrolment import FACES, EnrolledPicture, EnrolmentReport
from index.gallery import DEFAULT_FPIR, DEFAULT_MISIDENTIFICATION, Gallery
from index.kind_encoders import DEFAULTS, KindEncoder, KindEncoders
from index.picture_faces import Take
from index.records import STRANGERS_OF, proper_kind
from index.voting import DEFAULT_RULE
from index.workers import LocalWorkers, Workers

QUERY_BATCH = 32
DEFAULT_K = 5
WORKERS = 2


class Recognizer:
    """Enrols pictures into a gallery and answers who a picture shows."""

    def __init__(
        self,
        gallery: Gallery,
        encoder: Encoder | str | Path | None = None,
        detector: Detector | None = None,
        *,
        artist_encoder: Encoder | str | Path | None = None,
        device: str = "auto",
    ) -> None:
        """`encoder` is for characters. An encoder, or its name; else the one that made the gallery, or the default.

        What is not an encoder yet is opened when it is first needed. `device` is where to encode. Raises
        GalleryMismatch where another encoder made the gallery.
        """
        self.gallery = gallery
        self.detector = detector or load_detector(DEFAULT_DETECTOR)
        self.device = device
        given = {"character": encoder, "artist": artist_encoder}
        self.encoders = KindEncoders(gallery, given, device)
        for kind, one in given.items():
            if isinstance(one, Encoder):
                _ = self.encoders[kind]  # a mismatch is told now

    @classmethod
    def open(
        cls,
        place: str | GalleryPlace = "gallery.kaodex",
        *,
        create: bool = False,
        encoder: str | Path | None = None,
        artist_encoder: str | Path | None = None,
        detector: str = DEFAULT_DETECTOR,
        device: str = "auto",
        kinds: Sequence[str] = (),
    ) -> Recognizer:
        """Open a gallery (or make it, with `create`) together with the encoders that made it, or the named ones.

        The encoders of `kinds` are opened at once, by default those of all that is enrolled. Raises GalleryMissing,
        GalleryDamaged, GalleryMismatch, UnusableEncoder, MissingDependency.
        """
        finder = load_detector(detector)
        try:
            gallery = Gallery.open(place, device=device)
        except GalleryMissing:
            if not create:
                raise
            names = {"character": encoder, "artist": artist_encoder}
            opened = {  # first: a mistake should leave no empty gallery behind
                kind: Encoder.load(names[kind] or DEFAULTS[kind], device=device) for kind in kinds or ("character",)
            }
            gallery = Gallery.create(place, device=device)
            given = {**names, **opened}
            return cls(gallery, given["character"], finder, artist_encoder=given["artist"], device=device)
        try:
            recognizer = cls(gallery, encoder, finder, artist_encoder=artist_encoder, device=device)
            for kind in kinds or gallery.kinds() or ("character",):
                _ = recognizer.encoders[kind]
            return recognizer
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
        encoder = self.encoders[kind]
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
            suspicious_above = calibrator.suspicious_above(DEFAULT_K, DEFAULT_RULE, encoder.bank)
        take: Take = "views" if kind == "artist" else "largest face" if faces == "largest" else "faces"
        with self._workers(ray, encoder, take) as workers:
            enroller = Enroller(
                self.gallery,
                encoder.stamp,
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

    def _workers(self, ray: str | None, kind: KindEncoder, take: Take) -> Workers:
        detector = WholePicture() if take == "views" else self.detector
        if ray is None:
            return LocalWorkers(kind.encoder, detector, take=take)
        from index.cluster.workers import RayWorkers

        return RayWorkers(ray, kind.encoder, detector, device=self.device, take=take)

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
        kind: str | None = None,
        fast: bool = False,
    ) -> Iterator[PictureAnswer]:
        """Answer who each picture shows and who drew it, in order; one that cannot be read has `error` set.

        Of strangers, at most a share `fpir` is named on average. `kind` asks one of the two questions alone. With
        `only`, just these identities of the kind (`character`, if it is not said) are candidates. With `fast`, an
        artist is asked by two views of the picture instead of all. Yields as answers come, decoding ahead. Raises
        GalleryError where nobody of the kind is enrolled, UnknownIdentity for a name in `only` that nobody has.
        """
        held = self.gallery.kinds()
        if not held:
            raise GalleryError(f"{self.gallery.path} is empty: enrol somebody first, with `kaodex enroll FOLDER`")
        if kind is not None and proper_kind(kind) not in held:
            option = " --kind artist" if kind == "artist" else ""
            raise GalleryError(
                f"{self.gallery.path} holds no {kind}: enrol somebody first, with `kaodex enroll FOLDER{option}`"
            )
        asked = [kind or "character"] if only is not None else [one for one in held if kind in (None, one)]
        for one in asked:
            _ = self.encoders[one]  # before threads need them
        how = Question(k, rule, fpir, misidentification, None if only is None else tuple(only), tuple(asked), fast)
        paths = (Path(picture) for picture in pictures)
        seen = prefetch(lambda path: self._look(path, how), paths, workers=WORKERS, ahead=2 * QUERY_BATCH)
        for batch in batches(seen, QUERY_BATCH):
            pictures_read = [found for _, found in batch if not isinstance(found, KaodexError)]
            answers = iter(self.recognize(pictures_read, how))
            for path, found in batch:
                if isinstance(found, KaodexError):
                    reason = found.reason if isinstance(found, UnreadablePicture) else str(found)
                    yield PictureAnswer(readable(path), error=reason)
                else:
                    yield next(answers)

    def _look(self, path: Path, how: Question) -> Seen:
        return self.see(read_picture(path), readable(path), how=how)

    def see(
        self,
        picture: UInt8[np.ndarray, "height width 3"],
        image: str,
        detections: Sequence[Detection] | None = None,
        how: Question | None = None,
    ) -> Seen:
        """What `recognize` needs of a picture: its faces, and its views where artists are asked for.

        Faces are found unless they are given, and then stand in the order in which people read them. All is kept at
        the encoders' input sizes.
        """
        how = how or Question()
        kinds = self.gallery.kinds() if how.kinds is None else how.kinds
        found: tuple[Detection, ...] = ()
        faces: tuple[np.ndarray, ...] = ()
        if "character" in kinds:
            encoder = self.encoders["character"].encoder
            found = tuple(in_reading_order(self.detector.find(picture)) if detections is None else detections)
            fitted = {place.crop: encoder.fit(crop_face(picture, place)) for place in found}  # each crop once
            faces = tuple(fitted[detection.crop] for detection in found)
        views: SeenViews | str = ""
        if "artist" in kinds:
            try:
                views = see_views(picture, self.encoders["artist"].encoder, fast=how.fast)
            except UnreadablePicture as error:
                views = error.reason
        return Seen(image, (picture.shape[1], picture.shape[0]), found, faces, views)

    def recognize(self, seen: Sequence[Seen], how: Question | None = None) -> list[PictureAnswer]:
        """Answer for pictures that were seen: see `see`."""
        how = how or Question()
        kinds = self.gallery.kinds() if how.kinds is None else how.kinds
        faces: list[list[Recognition]] = [[] for _ in seen]
        if "character" in kinds:
            crops = [crop for one in seen for crop in one.faces]
            regions = [detection.region for one in seen for detection in one.detections]
            recognitions = iter(self._recognize(crops, regions, "character", how))
            faces = [[next(recognitions) for _ in one.detections] for one in seen]
        artists: Sequence[Recognition | None] = [None] * len(seen)
        if "artist" in kinds:
            artists = self._who_drew(seen, how)
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
        return self._named(self.encoders[kind].encoder.encode(crops), regions, kind, how)

    def _who_drew(self, seen: Sequence[Seen], how: Question) -> list[Recognition]:
        """The artist of each picture by its views, with the evidence; unknown where there is nothing to go by."""
        shown = [one.views for one in seen if isinstance(one.views, SeenViews)]
        of_views = encode_views([views.crops for views in shown], self.encoders["artist"].encoder)
        answers: Iterator[Recognition] = iter(())
        if shown:
            encodings = np.stack([mean_direction(encodings) for encodings in of_views])
            named = self._named(encodings, ["whole"] * len(shown), "artist", how)
            answers = iter(
                [
                    with_evidence(answer, views.views, encodings, self.gallery, how.only)
                    for answer, views, encodings in zip(named, shown, of_views, strict=True)
                ]
            )
        return [
            next(answers)
            if isinstance(one.views, SeenViews)
            else Recognition(Status.UNKNOWN, (), (), "whole", fpir=how.fpir, reason=one.views)
            for one in seen
        ]

    def _named(
        self, encodings: Float32[np.ndarray, "queries dim"], regions: Sequence[str], kind: str, how: Question
    ) -> list[Recognition]:
        return self.gallery.recognize(
            encodings,
            fpir=how.fpir,
            misidentification=how.misidentification,
            k=how.k,
            rule=how.rule,
            only=how.only,
            kind=kind,
            bank=self.encoders[kind].bank,
            regions=regions,
        )


@dataclass(frozen=True)
class Question:
    """How the references vote, and which error rates are promised."""

    k: int = DEFAULT_K
    rule: str = DEFAULT_RULE
    fpir: float = DEFAULT_FPIR
    misidentification: float = DEFAULT_MISIDENTIFICATION
    only: tuple[str, ...] | None = None
    """Whom the question is about; None asks about everybody."""
    kinds: tuple[str, ...] | None = None
    """Which of the two questions are asked; None asks about all kinds that are enrolled."""
    fast: bool = False
    """Whether artists are asked by two views alone."""


@dataclass(frozen=True)
class Seen:
    """A picture with the faces that were found in it, and its views, as crops at the encoders' input sizes."""

    image: str
    """What the answer calls it; usually its path."""
    size: tuple[int, int]
    """(width, height) of the picture."""
    detections: tuple[Detection, ...]
    faces: tuple[UInt8[np.ndarray, "height width 3"], ...]
    views: SeenViews | str = ""
    """For its artist; or why there are none."""
