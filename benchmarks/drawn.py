"""How fast characters are drawn, and how little colour alone tells about them.

    python benchmarks/drawn.py                     # faces a second on one core, and the colour 1-NN figure
    python benchmarks/drawn.py --sheet sheet.png   # also a contact sheet: 10 characters x 9 pictures

The colour 1-NN compares HSV histograms (8 x 8 x 8 bins, L1 distance) of one query of each character with two
references of each, all by different artists in different pictures.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from data.drawn import draw_face, trait_combinations

_SHEET_ROWS, _SHEET_COLUMNS = 10, 9


def faces_per_second(count: int, size: int = 128) -> float:
    """Faces of `size` pixels drawn in a second of processor time, on one thread, each character four times."""
    cv2.setNumThreads(1)
    for seed in range(20):
        draw_face(seed, seed, seed, size)
    start = time.process_time()
    for index in range(count):
        draw_face(1000 + index // 4, 2000 + index, 3000 + index, size)
    return count / (time.process_time() - start)


def colour_histogram(picture: np.ndarray) -> np.ndarray:
    """The share of pixels in each of 8 x 8 x 8 bins of hue, saturation and value."""
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, [8, 8, 8], [0, 180, 0, 256, 0, 256]).ravel()
    return counts / counts.sum()


def colour_rank1(characters: int, first: int = 0, size: int = 128) -> float:
    """Share of characters whose query's nearest reference by colour is their own, with two references each."""
    references, queries = [], []
    for index in range(characters):
        seeds = [(10_000 + 3 * index + take, 20_000 + 3 * index + take) for take in range(3)]
        histograms = [colour_histogram(draw_face(first + index, *pair, size)) for pair in seeds]
        references += histograms[:2]
        queries.append(histograms[2])
    distance = np.abs(np.array(queries)[:, None] - np.array(references)[None]).sum(axis=2)
    return float((distance.argmin(axis=1) // 2 == np.arange(characters)).mean())


def contact_sheet(first: int, size: int) -> np.ndarray:
    """Ten characters, one a row, each by nine artists in nine pictures."""
    rows = []
    for row in range(first, first + _SHEET_ROWS):
        seeds = [_SHEET_COLUMNS * row + column for column in range(_SHEET_COLUMNS)]
        rows.append(np.hstack([draw_face(row, seed, seed, size) for seed in seeds]))
    return np.vstack(rows)


def main() -> None:
    """Print the figures; write the sheet where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=600, help="faces drawn for the speed")
    parser.add_argument("--characters", type=int, default=200, help="characters in the colour 1-NN")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet here")
    parser.add_argument("--first", type=int, default=0, help="seed of the first character of colour 1-NN and sheet")
    parser.add_argument("--size", type=int, default=96, help="pixels of a face on the sheet")
    arguments = parser.parse_args()
    if arguments.sheet:
        sheet = contact_sheet(arguments.first, arguments.size)
        if not cv2.imwrite(str(arguments.sheet), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)):
            parser.error(
                f"cannot write {arguments.sheet}: give a path that ends in .png or .jpg, in a folder that exists"
            )
    print(f"faces a second (128 x 128, one core): {faces_per_second(arguments.faces):.0f}")
    rank1 = colour_rank1(arguments.characters, arguments.first)
    print(f"colour 1-NN rank-1 ({arguments.characters} characters, 2 references): {rank1:.3f}")
    print(f"distinguishable characters, at least: {trait_combinations():.3g}")


if __name__ == "__main__":
    main()
