"""Picture files to unit vectors: what the way around the network costs, and whether both runtimes say the same.

    python benchmarks/encode.py [--encoder NAME|FOLDER] [--threads N] [--folder FOLDER] [--json FILE] [--markdown FILE]

JPEG files of faces of 128 x 128 pixels, drawn and written before, or copies of pictures of a folder, read from the disk
(which the system keeps in memory by then). Images a second:

    files to vectors, ONNX Runtime    as `kaodex query` does: threads read, decode, crop and fit; encoded in batches
    enrolment, ONNX Runtime           as `kaodex enroll` does, all but the database: also hashes, and crops to keep
    crops to vectors, ONNX Runtime    Encoder.encode on crops at the input size
    bare ONNX Runtime                 a loop of session runs on batches made before, with its own default settings
    bare decoding                     a loop over the files: read and decode, one file at a time

and where there is PyTorch, files to vectors and crops to vectors by it (the device torch-cpu), and a loop over timm's
backbone alone on batches made before: eval, inference_mode, channels_last, nothing after the last stage.

Pictures are taken whole (`--detector whole`): finding faces in them is another network's work. An image of an encoder
that averages mirrored views passes the network twice in each of them. All take turns in every round; rates and ratios
are medians over rounds. Where there is PyTorch, first the largest difference (1 - cosine) between the runtimes on 500
crops.

Exits with 1 where files to vectors keep less than 0.9 of the bare ONNX loop's rate, the runtimes differ by more than
1e-3, or crops to vectors keep less than 0.9 of the bare timm loop's rate. Decoding takes a tenth of the time of a small
network on small pictures, so with as few cores as networks use, larger pictures cannot hold the first.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from document_table import put_table

from data.batches import batches
from data.drawn import draw_face
from data.errors import KaodexError, UnusableSource
from data.folders import find_pictures
from data.pictures import read_file, read_picture
from data.prefetch import prefetch
from embedder import Encoder, crop_face
from embedder.card import ONNX, WEIGHTS, Card, find_encoder, read_card
from embedder.detectors import WholePicture
from index.recognizer import QUERY_BATCH, WORKERS

SIDE = 128
BATCH = 64
SAME = 1e-3
KEPT = 0.9
COMPARED = 500
QUALITY = 92
DIFFERENT = 64
"""Faces that are drawn; files repeat them."""


def drawn_files(folder: Path, count: int) -> list[Path]:
    """JPEG files of faces of different characters, each in several files."""
    faces = [draw_face(one, artist=one % 40, picture=one, size=SIDE) for one in range(min(count, DIFFERENT))]
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), faces[number % len(faces)][..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return paths


def chosen_files(folder: Path, count: int) -> list[Path]:
    """Random pictures of a folder of identities. Raises UnusableSource where they are too few."""
    paths = [picture.path for picture in find_pictures(folder).pictures]
    if len(paths) < count:
        raise UnusableSource(f"{folder} has {len(paths):,} pictures, but {count:,} are needed")
    return [paths[number] for number in np.random.default_rng(0).permutation(len(paths))[:count]]


def fitted(encoder: Encoder, path: Path) -> np.ndarray:
    """A file's crop at the encoder's input size."""
    picture = read_picture(path)
    return encoder.fit(crop_face(picture, WholePicture().find(picture)[0]))


def files_to_vectors(encoder: Encoder, paths: Sequence[Path]) -> Callable[[], None]:
    """The way of a query up to the search."""

    def loop() -> None:
        crops = prefetch(lambda path: fitted(encoder, path), paths, workers=WORKERS, ahead=2 * QUERY_BATCH)
        for batch in batches(crops, QUERY_BATCH):
            encoder.encode([crop for _, crop in batch if not isinstance(crop, KaodexError)])

    return loop


def enrolment(encoder: Encoder, paths: Sequence[Path]) -> Callable[[], None]:
    """The way of an enrolment up to the database."""
    from index.enroller import BATCH as ENROLLED
    from index.workers import LocalWorkers

    def contents() -> Iterator[list[bytes]]:
        return batches((read_file(path, path.name) for path in paths), ENROLLED)

    def loop() -> None:
        with LocalWorkers(encoder, WholePicture(), take="largest face") as workers:
            underway = []
            for batch in contents():
                underway.append(workers.begin(batch))
                if len(underway) > workers.ahead:
                    underway.pop(0).result()
            for work in underway:
                work.result()

    return loop


def bare_decoding(paths: Sequence[Path]) -> Callable[[], None]:
    """What OpenCV takes to read the files."""

    def loop() -> None:
        for path in paths:
            cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)

    return loop


def bare_session(card: Card, batches: Sequence[np.ndarray]) -> Callable[[], None]:
    """A loop over ONNX Runtime with its own default settings."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(card.file(ONNX)), providers=["CPUExecutionProvider"])

    def loop() -> None:
        for batch in batches:
            session.run(["encoding"], {"image": batch})

    return loop


def bare_timm(card: Card, batches: Sequence[np.ndarray]) -> Callable[[], None]:
    """A loop over timm's backbone, weights included: numbers that underflow take time of their own."""
    import torch

    from embedder.network import load_network

    backbone = load_network(card.network, card.file(WEIGHTS)).backbone.eval().to(memory_format=torch.channels_last)
    pictures = [torch.from_numpy(batch).contiguous(memory_format=torch.channels_last) for batch in batches]

    def loop() -> None:
        with torch.inference_mode():
            for batch in pictures:
                backbone(batch)

    return loop


def alternate(loops: dict[str, Callable[[], object]], images: int, rounds: int) -> dict[str, list[float]]:
    """Images a second of each loop in each round, after one that does not count; who begins changes."""
    rates: dict[str, list[float]] = {name: [] for name in loops}
    names = list(loops)
    for number in range(-1, rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            start = time.perf_counter()
            loops[name]()
            if number >= 0:
                rates[name].append(images / (time.perf_counter() - start))
    return rates


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Median over rounds of one rate over another's of the same round."""
    return statistics.median(one / other for one, other in zip(over, under, strict=True))


def main() -> int:
    """Measure, print, and say with the exit code whether all aims hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", metavar="NAME|FOLDER", help="by default the shipped one")
    parser.add_argument("--threads", type=int, metavar="N", help="processor cores to use; by default all")
    parser.add_argument("--folder", type=Path, help="a folder of identities, instead of drawn faces")
    parser.add_argument("--batches", type=int, default=8, help=f"batches of {BATCH} in a round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-torch", action="store_true", help="leave PyTorch alone even where it is installed")
    parser.add_argument("--note", help="a word about the machine for the table, such as `busy`")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the table between this document's markers")
    options = parser.parse_args()
    if options.threads and hasattr(os, "sched_setaffinity"):  # ONNX Runtime's own threads keep to these cores too
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    try:
        with tempfile.TemporaryDirectory(prefix="kaodex-encode-") as folder:
            return measure(options, Path(folder))
    except KaodexError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def measure(options: argparse.Namespace, folder: Path) -> int:
    """All of it; the exit code."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with_torch = not options.no_torch and all(find_spec(name) for name in ("torch", "timm", "safetensors"))
    card = read_card(find_encoder(options.encoder))
    light = Encoder.load(options.encoder, device="cpu")
    heavy = Encoder.load(options.encoder, device="torch-cpu") if with_torch else None
    images = options.batches * BATCH
    needed = max(COMPARED, images) if heavy else images
    paths = drawn_files(folder, needed) if options.folder is None else chosen_files(options.folder, needed)
    crops = [fitted(light, path) for path in paths]
    paths, taken = paths[:images], crops[:images]
    prepared = [card.prepare(taken[start : start + BATCH]) for start in range(0, images, BATCH)]
    if card.flip_average:
        prepared += [np.ascontiguousarray(batch[..., ::-1]) for batch in prepared]

    loops: dict[str, Callable[[], object]] = {
        "files to vectors, ONNX Runtime": files_to_vectors(light, paths),
        "enrolment, ONNX Runtime": enrolment(light, paths),
        "crops to vectors, ONNX Runtime": lambda: light.encode(taken, BATCH),
        "bare ONNX Runtime": bare_session(card, prepared),
        "bare decoding": bare_decoding(paths),
    }
    apart = 0.0
    if heavy:
        import torch

        torch.set_num_threads(options.threads or cores)
        ours, theirs = (one.encode(crops[:COMPARED]).astype(np.float64) for one in (light, heavy))
        apart = float((1 - (ours * theirs).sum(axis=1)).max())
        loops |= {
            "files to vectors, PyTorch": files_to_vectors(heavy, paths),
            "crops to vectors, PyTorch": lambda: heavy.encode(taken, BATCH),
            "bare PyTorch": bare_timm(card, prepared),
        }
    rates = alternate(loops, images, options.rounds)

    words = (
        f"{card.name}, {card.network['backbone']}, {card.input_size} x {card.input_size} pixels; "
        f"{images} {'drawn faces' if options.folder is None else 'pictures of a folder'}, {options.rounds} rounds, "
        f"{cores} cores{'; ' + options.note if options.note else ''}. onnxruntime {version('onnxruntime')}"
        + (f", torch {version('torch')}. The runtimes differ by at most {apart:.1e} in cosine." if heavy else ".")
        + (" Mirrored views are averaged: an image is two passes." if card.flip_average else "")
    )
    print(f"{words}\n\n{table(rates)}")
    if options.markdown:
        put_table(options.markdown, "encode", f"{words}\n\n{table(rates)}")
    if options.json:
        options.json.write_text(json.dumps({"protocol": words, "apart": apart, "images_per_second": rates}, indent=1))
    kept = ratio(rates["files to vectors, ONNX Runtime"], rates["bare ONNX Runtime"]) >= KEPT
    if heavy:
        kept &= ratio(rates["crops to vectors, ONNX Runtime"], rates["bare PyTorch"]) >= KEPT
    return 0 if apart <= SAME and kept else 1


def table(rates: dict[str, list[float]]) -> str:
    """Images a second, and the ratio to each bare loop, in Markdown."""
    bare = [name for name in ("bare ONNX Runtime", "bare PyTorch") if name in rates]
    heads = ["", "images/s", *(f"over {name}" for name in bare)]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, own in rates.items():
        cells = [f"{statistics.median(own):,.0f} ({min(own):,.0f}–{max(own):,.0f})"]
        cells += [f"{ratio(own, rates[other]):.2f}" for other in bare]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
