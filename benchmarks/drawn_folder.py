"""Drawn characters as folders of pictures, where real ones do not suffice: each picture by another artist.

    python benchmarks/drawn_folder.py OUT [--characters 100] [--pictures 50]
    kaodex bench OUT --groups '([^/]+/[^/]+)$' --protocol closed

The expression makes each picture a group of its own: no two are drawn alike.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from data.drawn import draw_face


def main() -> None:
    """Draw what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--characters", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=50)
    options = parser.parse_args()
    for character in range(options.characters):
        folder = options.out / f"character {character:04}"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(options.pictures):
            path = folder / f"{number:04}.png"
            if not path.exists():
                seed = character * options.pictures + number
                cv2.imwrite(str(path), draw_face(character, seed, seed)[..., ::-1])


if __name__ == "__main__":
    main()
