"""How many views a second each kind of augmentation makes on one core, beside a bare resize of the same pictures.

python benchmarks/augmentation.py                # characters drawn by program, views of 96 pixels
python benchmarks/augmentation.py --changes      # also what each change costs by itself
python benchmarks/augmentation.py --size 128 --views 4000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from data.drawn import draw_face
from embedder.training.augmentation import AUGMENTATIONS, BY_NAME, CHANGES, augment
from embedder.training.hand_drawn import marker, pencil, photographed

PICTURES = 32
ROUNDS = 5


def pictures(side: int) -> list[np.ndarray]:
    """Drawn characters, every other one transparent outside a disc."""
    made = []
    for seed in range(PICTURES):
        picture = draw_face(seed, seed, seed, side)
        if seed % 2:
            alpha = np.zeros((side, side), np.uint8)
            cv2.circle(alpha, (side // 2, side // 2), side * 9 // 20, 255, -1, cv2.LINE_AA)
            picture = np.dstack([picture[..., :3], alpha])
        made.append(np.ascontiguousarray(picture))
    return made


def milliseconds(
    make: Callable[[np.ndarray, np.random.Generator], object], inputs: list[np.ndarray], views: int
) -> float:
    """Processor time of one view: the quickest of several rounds, since others use this machine too."""
    best = np.inf
    for _ in range(ROUNDS):
        random = np.random.default_rng(0)
        start = time.process_time()
        for number in range(views // ROUNDS):
            make(inputs[number % len(inputs)], random)
        best = min(best, (time.process_time() - start) / (views // ROUNDS))
    return 1000 * best


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--views", type=int, default=5000)
    parser.add_argument("--changes", action="store_true")
    options = parser.parse_args()
    size = options.size
    cv2.setNumThreads(1)
    stored = pictures(size * 4 // 3)
    shape = (size, size)

    def report(name: str, cost: float) -> None:
        print(f"{name:<16} {cost:7.4f} ms a view {1000 / cost:9.0f} views/s")

    opaque = [picture[..., :3].copy() for picture in stored]
    report(
        "bare resize",
        milliseconds(lambda one, _: cv2.resize(one, shape, interpolation=cv2.INTER_AREA), opaque, options.views),
    )
    for kind in AUGMENTATIONS:
        report(
            kind, milliseconds(lambda one, random, kind=kind: augment(one, size, random, kind), stored, options.views)
        )
    if options.changes:
        views = [augment(one, size, np.random.default_rng(0), "none") for one in stored]
        by_hand = {one.__name__: one for one in (pencil, marker, photographed)}
        for name, change in {**BY_NAME, **by_hand}.items():
            share = f" x {CHANGES[name]:.2f}" if name in CHANGES else ""
            report(name + share, milliseconds(change, views, options.views // 4))


if __name__ == "__main__":
    main()
