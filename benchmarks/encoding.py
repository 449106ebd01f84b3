"""Do both runtimes of an encoder say the same, and what does the way around the network cost?

    python benchmarks/encoding.py [--encoder NAME|FOLDER] [--threads N] [--pictures FOLDER]

Crops of 160 x 160 pixels: drawn faces, or pictures of a folder of identities. First the largest difference (1 - cosine)
between ONNX Runtime and PyTorch on 500 of them. Then images a second, in batches of 64:

    whole path, ONNX Runtime    Encoder.encode: crops to unit vectors
    bare ONNX Runtime           a loop of session runs on batches made before
    whole path, PyTorch         Encoder.encode with the device torch-cpu
    bare PyTorch                a loop over timm's backbone alone on batches made before: eval, inference_mode,
                                channels_last, nothing after the last stage

An image of an encoder that averages mirrored views passes the network twice in each of them. The four take turns in
every round; rates and ratios are medians over rounds. Exits with 1 where the runtimes differ by more than 1e-3, or the
whole path in ONNX Runtime keeps less than 0.9 of the bare timm loop's rate.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from data.drawn import draw_face
from data.errors import KaodexError, UnusableSource
from data.folders import find_pictures
from data.pictures import read_picture
from embedder import Encoder
from embedder.card import ONNX, WEIGHTS, Card, find_encoder, read_card
from embedder.preprocess import centre_square

SIDE = 160
BATCH = 64
SAME = 1e-3
KEPT = 0.9
COMPARED = 500


def drawn_crops(count: int) -> list[np.ndarray]:
    """Faces of different characters."""
    return [draw_face(number, artist=number % 40, picture=number, size=SIDE) for number in range(count)]


def folder_crops(folder: Path, count: int) -> list[np.ndarray]:
    """Centre squares of random pictures of a folder of identities."""
    paths = [picture.path for picture in find_pictures(folder).pictures]
    if len(paths) < count:
        raise UnusableSource(f"{folder} has {len(paths):,} pictures, but {count:,} are needed")
    chosen = np.random.default_rng(0).permutation(len(paths))[:count]
    squares = (centre_square(read_picture(paths[number])) for number in chosen)
    return [np.ascontiguousarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)) for square in squares]


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
    """Measure, print, and say with the exit code whether both aims hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", metavar="NAME|FOLDER", help="by default the shipped one")
    parser.add_argument("--threads", type=int, metavar="N", help="processor cores to use; by default all")
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="a folder of identities, instead of drawn faces"
    )
    parser.add_argument("--batches", type=int, default=8, help="batches of a round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if options.threads and hasattr(os, "sched_setaffinity"):  # ONNX Runtime's own threads keep to these cores too
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    try:
        return measure(options)
    except KaodexError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def measure(options: argparse.Namespace) -> int:
    """Both parts; the exit code."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(options.threads or cores)
    card = read_card(find_encoder(options.encoder))
    light, heavy = (Encoder.load(options.encoder, device=device) for device in ("cpu", "torch-cpu"))
    images = options.batches * BATCH
    needed = max(COMPARED, images)
    crops = drawn_crops(needed) if options.pictures is None else folder_crops(options.pictures, needed)

    ours, theirs = (one.encode(crops[:COMPARED]).astype(np.float64) for one in (light, heavy))
    apart = float((1 - (ours * theirs).sum(axis=1)).max())
    print(f"{card.name}, {card.network['backbone']}, {card.input_size} x {card.input_size} pixels, {cores} cores")
    print(f"ONNX Runtime and PyTorch on {COMPARED} crops: 1 - cosine at most {apart:.2e}, "
          f"a number at most {np.abs(ours - theirs).max():.2e} apart")  # fmt: skip

    taken = crops[:images]
    batches = [card.prepare(taken[start : start + BATCH]) for start in range(0, images, BATCH)]
    if card.flip_average:
        batches += [np.ascontiguousarray(batch[..., ::-1]) for batch in batches]
        print("mirrored views are averaged: an image is two passes of the network, in the bare loops too")
    loops: dict[str, Callable[[], object]] = {
        "whole path, ONNX Runtime": lambda: light.encode(taken, BATCH),
        "bare ONNX Runtime": bare_session(card, batches),
        "whole path, PyTorch": lambda: heavy.encode(taken, BATCH),
        "bare PyTorch": bare_timm(card, batches),
    }
    rates = alternate(loops, images, options.rounds)
    for name, own in rates.items():
        spread = f"{min(own):,.0f}–{max(own):,.0f}"
        print(f"  {name:<26} {statistics.median(own):8,.0f} images/s  ({spread} in {options.rounds} rounds)")
    whole, session, slow, timm = rates.values()
    kept = ratio(whole, timm)
    print(f"whole path in ONNX Runtime / bare ONNX Runtime: {ratio(whole, session):.3f}")
    print(f"whole path in ONNX Runtime / bare timm loop:    {kept:.3f}  (aim: {KEPT} at least)")
    print(f"whole path in PyTorch      / bare timm loop:    {ratio(slow, timm):.3f}")
    return 0 if apart <= SAME and kept >= KEPT else 1


if __name__ == "__main__":
    raise SystemExit(main())
