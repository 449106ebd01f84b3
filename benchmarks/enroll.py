"""Enrolling many pictures: pictures a second, and where the time goes.

    python benchmarks/enroll.py [--pictures 10000] [--detector whole] [--folder FOLDER] [--json FILE] [--markdown FILE]

Enrols JPEG files, drawn once into a temporary folder (faces of 128 x 128 pixels, 20 of each character), into a new
gallery by `Recognizer.enroll`, which is what `kaodex enroll` calls. Each stage is timed wherever it runs; as stages
overlap in threads, their seconds add up to more than the wall's, and the shares are of that sum. Beside it, half before
and half after, a bare loop on the same files: read, decode and fit one picture after another, and ONNX Runtime on 64 at
a time. Peak memory is that of the process when the enrolment is done.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from document_table import put_table
from encode import QUALITY, SIDE, fitted
from peak_memory import peak_memory
from rich.console import Console

from cli.progress import progress
from data.drawn import draw_face
from data.errors import KaodexError
from data.folders import find_pictures
from embedder import Encoder
from embedder.card import ONNX, find_encoder, read_card
from index import enroller, picture_faces
from index.calibrator import Calibrator
from index.enrolment import Enrolment
from index.recognizer import Recognizer

EACH = 20
BATCH = 64
MOST_DRAWN = 500
"""Faces that are drawn; files repeat them with other brightness and a shift, as other bytes."""


def draw_folder(folder: Path, pictures: int) -> None:
    """So many files that differ, in folders of one character each."""
    count = min(pictures, MOST_DRAWN)
    with progress("drawing", count) as advance:
        faces = []
        for number in range(count):
            faces.append(draw_face(number // EACH, artist=number % 40, picture=number, size=SIDE))
            advance(1)
    for number in range(pictures):
        again, which = divmod(number, count)
        face = np.roll(faces[which], again, axis=1) if again else faces[which]
        if again % 2:
            face = (face.astype(np.uint16) * 9 // 10).astype(np.uint8)
        path = folder / f"character {again}-{which // EACH}" / f"{which}.jpg"
        path.parent.mkdir(exist_ok=True, parents=True)
        cv2.imwrite(str(path), face[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


class Stopwatch:
    """Seconds of calls by stage, over all threads; what is called inside another stage counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()
        self._inside = threading.local()

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose time is noted."""

        def timed_work(*given: Any, **named: Any) -> Any:
            outer = getattr(self._inside, "seconds", 0.0)
            self._inside.seconds = 0.0
            start = time.perf_counter()
            try:
                return work(*given, **named)
            finally:
                took = time.perf_counter() - start
                with self._lock:
                    self.seconds[stage] = self.seconds.get(stage, 0.0) + took - self._inside.seconds
                self._inside.seconds = outer + took

        return timed_work

    @contextmanager
    def watching(self, places: Sequence[tuple[str, object, str]]) -> Iterator[None]:
        """Time these attributes of modules or objects, named by stages, for a while."""
        with ExitStack() as leaving:
            for stage, owner, name in places:
                own = name in vars(owner)
                before = getattr(owner, name)
                setattr(owner, name, self.timed(stage, before))
                leaving.callback(setattr, owner, name, before) if own else leaving.callback(delattr, owner, name)
            yield


def stages(recognizer: Recognizer, encoder: Encoder) -> list[tuple[str, object, str]]:
    """Where each stage of an enrolment is called."""
    return [
        ("read and hash the file", enroller, "read"),
        ("decode", picture_faces, "read_picture"),
        ("find faces", recognizer.detector, "find"),
        ("crop and fit", picture_faces, "crop_face"),
        ("crop and fit", encoder, "fit"),
        ("hash the pictures", picture_faces, "perceptual_hash"),
        ("compress the crop", picture_faces, "_stored"),
        ("encode", encoder, "_encode_batch"),
        ("store", recognizer.gallery.store, "holders"),
        ("store", recognizer.gallery, "enroll"),
        ("look for near-duplicates", recognizer.gallery, "near_duplicates"),
        ("prepare calibration", Calibrator, "neighbourhoods"),
        ("keep the vectors", recognizer.gallery, "keep_shelves"),
    ]


def enrol(folder: Path, place: Path, detector: str, total: int) -> dict[str, Any]:
    """Enrol a folder of identities: pictures, wall seconds, seconds by stage, and the peak of memory."""
    watch = Stopwatch()
    with Recognizer.open(place, create=True, detector=detector, device="cpu") as recognizer:
        encoder = recognizer.encoders["character"].encoder
        with watch.watching(stages(recognizer, encoder)), progress("enrolling", total) as advance:
            start = time.perf_counter()
            report = recognizer.enroll(folder, on_picture=lambda _: advance(1))
            wall = time.perf_counter() - start
    counts = {fate.value: count for fate in Enrolment if (count := report.total(fate))}
    return {"wall": wall, "fates": counts, "stages": watch.seconds, "peak_bytes": peak_memory()}


def bare_loop(paths: Sequence[Path]) -> float:
    """Seconds to decode and encode the files, one after another and 64 at a time."""
    import onnxruntime

    card = read_card(find_encoder(None))
    session = onnxruntime.InferenceSession(str(card.file(ONNX)), providers=["CPUExecutionProvider"])
    encoder = Encoder.load(device="cpu")
    start = time.perf_counter()
    for first in range(0, len(paths), BATCH):
        batch = card.prepare([fitted(encoder, path) for path in paths[first : first + BATCH]])
        session.run(["encoding"], {"image": batch})
        if card.flip_average:
            session.run(["encoding"], {"image": np.ascontiguousarray(batch[..., ::-1])})
    return time.perf_counter() - start


def table(told: dict[str, Any]) -> str:
    """Rates and shares in Markdown."""
    together = sum(told["stages"].values())
    fates = ", ".join(f"{count:,} {fate}" for fate, count in told["fates"].items())
    lines = [
        "| | |",
        "|---|---|",
        f"| pictures | {told['pictures']:,} ({fates}) |",
        f"| enrolment | {told['pictures'] / told['wall']:,.0f} pictures/s ({told['wall']:,.1f} s) |",
        f"| bare loop of decoding and encoding | {told['pictures'] / told['bare']:,.0f} pictures/s |",
        f"| enrolment over the bare loop | {told['bare'] / told['wall']:.2f} |",
        f"| peak memory | {told['peak_bytes'] / 1e6:,.0f} MB |",
        f"| the gallery's files | {told['file_bytes'] / told['pictures']:,.0f} bytes a picture |",
        "",
        "| stage | seconds, over all threads | share |",
        "|---|---|---|",
    ]
    for stage, seconds in sorted(told["stages"].items(), key=lambda pair: -pair[1]):
        lines.append(f"| {stage} | {seconds:,.1f} | {seconds / together:.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="a folder of identities, all of it, instead of drawn faces")
    parser.add_argument("--detector", default="whole", help="as of `kaodex enroll` (%(default)s)")
    parser.add_argument("--note", help="a word about the machine for the table, such as `busy`")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the table between this document's markers")
    options = parser.parse_args()
    try:
        measure(options)
    except KaodexError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def measure(options: argparse.Namespace) -> None:
    """All of it."""
    talk = Console(stderr=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="kaodex-enroll-") as name:
        folder = options.folder or Path(name) / "pictures"
        if not options.folder:
            draw_folder(folder, options.pictures)
        paths = [picture.path for picture in find_pictures(folder).pictures]
        half = len(paths) // 2
        talk.print("bare loop, first half")
        bare = bare_loop(paths[:half])
        gallery = Path(name) / "gallery"
        gallery.mkdir()
        told = enrol(folder, gallery / "gallery.kaodex", options.detector, len(paths))
        told["file_bytes"] = sum(path.stat().st_size for path in gallery.rglob("*") if path.is_file())
        talk.print("bare loop, second half")
        told |= {"bare": bare + bare_loop(paths[half:]), "pictures": len(paths)}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    what = "A folder of pictures" if options.folder else "Drawn faces"
    note = f"; {options.note}" if options.note else ""
    versions = f"kaodex {version('kaodex')}, onnxruntime {version('onnxruntime')}"
    words = f"{what}, --detector {options.detector}, {cores} cores{note}. {versions}."
    print(f"{words}\n\n{table(told)}")
    if options.markdown:
        put_table(options.markdown, "enroll", f"{words}\n\n{table(told)}")
    if options.json:
        options.json.write_text(json.dumps({"protocol": words, **told}, indent=1))


if __name__ == "__main__":
    main()
