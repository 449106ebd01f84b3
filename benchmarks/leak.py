"""Does an encoder go by the hand, or by the character? Drawn pictures, of artists and characters nobody trained on.

    python benchmarks/leak.py ENCODER... [--studios 20]

In a studio, sixteen artists draw the same eight characters. For each picture the nearest of seven pictures of the same
character by others (drawn at random, of fifteen) is set against the nearest of the seven by the same artist of other
characters. Beside it: of all pairs of one picture of each kind, how often the artist's is the nearer one; and whose the
nearest of all pictures of the studio is. 95 % intervals by bootstrap over studios.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.systems.hog_lab import HogLab
from data.drawn.studio import draw_studio
from embedder import Encoder
from embedder.picture_style import encode_views, mean_direction, see_views
from measure import bootstrap_interval

FIRST = 500
"""Studios of the test; no training draws them."""


def leak(similarities: np.ndarray, artists: int, characters: int, random: np.random.Generator) -> dict[str, float]:
    """Of a studio's pictures, in order of artist and then character: how often the artist wins, in three ways."""
    whose, shown = (one.ravel() for one in np.indices((artists, characters)))
    similarities = similarities - 9 * np.eye(len(similarities))
    same_hand = (whose[:, None] == whose) & (shown[:, None] != shown)
    same_face = (whose[:, None] != whose) & (shown[:, None] == shown)
    nearest, pairs, first = [], [], []
    for own, hands, faces in zip(similarities, same_hand, same_face, strict=True):
        by_hand, by_face = own[hands], own[faces]
        count = min(len(by_hand), len(by_face))
        nearest.append(
            random.choice(by_hand, count, replace=False).max() > random.choice(by_face, count, replace=False).max()
        )
        pairs.append((by_hand[:, None] > by_face).mean())
        first.append(hands[own.argmax()])
    return {
        "the nearest is the artist's": float(np.mean(nearest)),
        "of pairs, the artist's is nearer": float(np.mean(pairs)),
        "the nearest of the studio is the artist's": float(np.mean(first)),
    }


def encoding(name: str) -> Callable[[list[np.ndarray]], np.ndarray]:
    """How pictures are encoded: as the mean of their views by an encoder of artists, whole by any other."""
    if name == "hog":
        return HogLab().describe
    encoder = Encoder.load(name, device="cpu")
    if encoder.card.get("kind") != "artist":
        return encoder.encode

    def of_views(pictures: list[np.ndarray]) -> np.ndarray:
        views = encode_views([see_views(picture, encoder).crops for picture in pictures], encoder)
        return np.stack([mean_direction(one) for one in views])

    return of_views


def main() -> None:
    """Print a row for each encoder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("encoders", nargs="+", help="names or folders of encoders, or hog for HOG and Lab")
    parser.add_argument("--studios", type=int, default=20)
    options = parser.parse_args()
    studios = [draw_studio(FIRST + number) for number in range(options.studios)]
    artists, characters = studios[0].shape[:2]
    for name in options.encoders:
        encode = encoding(name)
        random = np.random.default_rng(0)
        found: dict[str, list[float]] = {}
        for studio in studios:
            encodings = encode(list(studio.reshape(-1, *studio.shape[2:])))
            for key, value in leak(encodings @ encodings.T, artists, characters, random).items():
                found.setdefault(key, []).append(value)
        for key, values in found.items():
            low, high = bootstrap_interval(np.array(values))
            print(f"{name:<24} {key:<42} {np.mean(values):.3f} ({low:.3f} to {high:.3f})", flush=True)


if __name__ == "__main__":
    main()
