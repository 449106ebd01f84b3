"""Who drew it, among artists that nobody trained on? References and queries never show the same character.

    python benchmarks/style.py ../shared/data [--encoder art-1] [--json FILE]

The listed artists of `dev_identities.json`: half bodies (artists of one character are there to be confused with, and
are not asked about) and portraits. In each of 20 draws every artist has 1 or 3 references, or all; whoever is asked
about is never shown in a reference. Rank-1 and mAP are means over artists, with 95 % intervals by bootstrap over them.

The measures:
 - rank-1: the nearest reference is by the right artist;
 - mAP: all references in order of similarity; the mean precision at each that is by the right artist.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.systems.hog_lab import HogLab
from data.pictures import read_picture
from embedder import Encoder, crop_face, load_detector
from embedder.style_training.paintings import HALF_BODIES, PORTRAITS, half_bodies, portraits, read_kept_out, to_judge_by
from embedder.views import picture_views
from measure import bootstrap_interval

NEIGHBOURS = 10
"""References by others that say how crowded it is around a reference."""
DRAWS = 20
SHOTS = (1, 3, None)


def mean_of_views(encodings: Sequence[np.ndarray]) -> np.ndarray:
    """Similarities of pictures: inner products of the means of their views' encodings, brought to unit length."""
    means = np.stack([one.mean(axis=0) for one in encodings])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return means @ means.T


def vote_of_views(encodings: Sequence[np.ndarray]) -> np.ndarray:
    """How alike picture j is to picture i: the mean over the views of i of the nearest view of j."""
    starts = np.cumsum([0, *(len(one) for one in encodings[:-1])])
    views = np.concatenate(encodings)
    nearest = np.maximum.reduceat(views @ views.T, starts, axis=1)
    return np.add.reduceat(nearest, starts, axis=0) / np.array([len(one) for one in encodings])[:, None]


def locally_scaled(
    similarities: np.ndarray, among: np.ndarray, artists: np.ndarray, neighbours: int = NEIGHBOURS
) -> np.ndarray:
    """CSLS: 2 s(q, r) minus the mean similarity of r to its nearest references by others (Conneau et al. 2018).

    similarities: (queries, references); among: of references to each other. The query's own term is left out: it is
    the same for all references, and so changes no order.
    """
    others = np.where(artists[:, None] == artists[None, :], -np.inf, among)
    count = min(neighbours, int(np.isfinite(others).sum(axis=1).min()))
    if count < 1:
        return similarities
    return 2 * similarities - np.sort(others, axis=1)[:, -count:].mean(axis=1)


def average_precision(right: np.ndarray) -> float:
    """The mean precision at each right one of a ranking, best first."""
    places = np.flatnonzero(right) + 1
    return float((np.arange(1, len(places) + 1) / places).mean())


def ask(
    similarities: np.ndarray,
    artists: np.ndarray,
    subjects: np.ndarray,
    shots: int | None,
    *,
    scaled: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[int, tuple[float, float]]:
    """Rank-1 and mAP of each artist with two characters or more, asked about every picture in every draw."""
    several = [one for one in np.unique(artists) if len(np.unique(subjects[artists == one])) > 1]
    found: dict[int, list[tuple[float, float]]] = {int(one): [] for one in several}
    random = np.random.default_rng(seed)
    for _ in range(draws if shots else 1):
        order = random.permutation(len(artists))
        for query in np.flatnonzero(np.isin(artists, several)):
            references = order[subjects[order] != subjects[query]]
            if shots:
                references = references[_place_within(artists[references]) < shots]
            near = similarities[query, references]
            if scaled:
                among = similarities[np.ix_(references, references)]
                near = locally_scaled(near[None], among, artists[references])[0]
            right = artists[references[np.argsort(-near, kind="stable")]] == artists[query]
            found[int(artists[query])].append((float(right[0]), average_precision(right)))
    return {
        one: (float(np.mean([a for a, _ in own])), float(np.mean([b for _, b in own]))) for one, own in found.items()
    }


def _place_within(labels: np.ndarray) -> np.ndarray:
    """The how-manieth of its label each one is, from 0."""
    order = np.argsort(labels, kind="stable")
    _, starts, counts = np.unique(labels[order], return_index=True, return_counts=True)
    places = np.empty(len(labels), np.int64)
    places[order] = np.arange(len(labels)) - np.repeat(starts, counts)
    return places


def with_interval(values: np.ndarray) -> list[float]:
    """The mean, and its interval."""
    return [round(float(value), 4) for value in (values.mean(), *bootstrap_interval(values))]


def times_as_good(values: np.ndarray, base: np.ndarray) -> list[float]:
    """The quotient of two means, with its interval by a bootstrap that draws the same artists for both."""
    drawn = np.random.default_rng(0).integers(0, len(values), (10_000, len(values)))
    quotients = values[drawn].mean(axis=1) / np.maximum(base[drawn].mean(axis=1), 1e-9)
    return [round(float(one), 3) for one in (values.mean() / base.mean(), *np.percentile(quotients, [2.5, 97.5]))]


def main() -> None:
    """Print a table, and milliseconds a picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--encoder", default="art-1")
    parser.add_argument("--faces", default="faces-2", help="the encoder of faces that is asked about whole pictures")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    paintings = to_judge_by([*half_bodies(options.data), *portraits(options.data)], read_kept_out(options.data))
    pictures = [read_picture(one.file) for one in paintings]
    whole = load_detector("whole")
    faces = Encoder.load(options.faces, device="cpu").encode([crop_face(one, whole.find(one)[0]) for one in pictures])
    style = Encoder.load(options.encoder, device="cpu")
    views = [[view.cut(picture) for view in picture_views(picture)] for picture in pictures]
    flat = style.encode([crop for some in views for crop in some])
    of_views = np.split(flat, np.cumsum([len(some) for some in views])[:-1])
    hand_made = HogLab().describe(pictures)
    alone = [one[:1] for one in of_views]
    averaged = mean_of_views(of_views)
    systems: dict[str, tuple[np.ndarray, bool]] = {
        "(a) HOG + Lab": (hand_made @ hand_made.T, False),
        f"(b) {options.faces}, whole": (faces @ faces.T, False),
        f"(c) {options.encoder}, whole": (mean_of_views(alone), False),
        f"(d) {options.encoder}, mean of views": (averaged, False),
        f"(d) {options.encoder}, vote of views": (vote_of_views(of_views), False),
        "(e) mean of views, CSLS": (averaged, True),
        "(e) vote of views, CSLS": (vote_of_views(of_views), True),
        "    HOG + Lab, CSLS": (hand_made @ hand_made.T, True),
    }
    artists = np.unique([f"{one.collection} {one.artist}" for one in paintings], return_inverse=True)[1]
    subjects = np.unique([f"{one.collection} {one.subject}" for one in paintings], return_inverse=True)[1]
    collections = np.array([one.collection for one in paintings])
    told = []
    for name in (HALF_BODIES, PORTRAITS, "both"):
        chosen = np.flatnonzero((collections == name) | (name == "both"))
        for shots in SHOTS:
            base: np.ndarray | None = None
            for system, (similarities, scaled) in systems.items():
                figures = ask(
                    similarities[np.ix_(chosen, chosen)], artists[chosen], subjects[chosen], shots, scaled=scaled
                )
                rank1, precision = (np.array([one[place] for one in figures.values()]) for place in (0, 1))
                base = rank1 if base is None else base
                row = {
                    "pictures": name, "references": shots or "all", "system": system.strip(),
                    "artists": len(np.unique(artists[chosen])), "asked": len(figures),
                    "rank1": with_interval(rank1), "map": with_interval(precision),
                    "times (a)": times_as_good(rank1, base),
                }  # fmt: skip
                told.append(row)
                print(
                    f"{name:<10} {row['references']!s:>3}  {system:<28} rank-1 {_cell(row['rank1'])}  "
                    f"mAP {_cell(row['map'])}  times (a) {_cell(row['times (a)'])}",
                    flush=True,
                )
    for fast in (False, True):
        print(
            f"{'whole and centre' if fast else 'all views'}: "
            f"{milliseconds(style, pictures[:100], fast):.1f} ms a picture"
        )
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _cell(values: list[float]) -> str:
    return f"{values[0]:.3f} ({values[1]:.3f} to {values[2]:.3f})"


def milliseconds(encoder: Encoder, pictures: Sequence[np.ndarray], fast: bool) -> float:
    """From pixels to the encodings of all views, one picture at a time."""
    started = time.perf_counter()
    for picture in pictures:
        encoder.encode([view.cut(picture) for view in picture_views(picture, fast=fast)])
    return 1000 * (time.perf_counter() - started) / len(pictures)


if __name__ == "__main__":
    main()
