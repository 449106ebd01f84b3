"""Vectors like real encodings, as many as wanted, for benchmarks of search.

    python benchmarks/vectors.py FOLDER... [--identities FILE]   # real encodings beside synthetic ones

What makes a search easy or hard is how near a query's neighbours are to each other and to the rest. So the vectors are
drawn as encodings lie: looks that several identities share, identities around them, pictures around these, some much
farther out than others; and with spectra that decay as those of encodings do.

`LIKE_FACES` was fitted to `faces-2` on the 146 identities of our test collections which it never saw and of which there
are three pictures or more (947 pictures, at most 20 of one): decays and common part by `measure_spectra`, the rest by
trying some values for the smallest mean difference of the quantiles that this script prints. They then differ by 0.05
in the mean, on a scale of cosines.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIMENSION = 256
EACH = 20
"""References of one identity."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BLOCK = 65_536


@dataclass(frozen=True)
class Clustering:
    """How encodings lie. Shares are of a vector's mean squared length, 1; spectra fall along axes 0, 1, 2 … ."""

    common: float
    """What all vectors share."""
    within: float
    """What is between pictures of one identity; the rest is between identities."""
    looks: float
    """Of what is between identities, the part that a look shares."""
    look_size: int
    """Identities of one look, on average."""
    scatter: float
    """Standard deviation of the logarithm of a picture's squared distance from its identity."""
    between_power: float
    between_decay: float
    """Between identities, the variance along axis i is as (i + 1)^-power exp(-i / decay)."""
    within_decay: float
    """Within one, as exp(-i / decay)."""


LIKE_FACES = Clustering(
    common=0.024,
    within=0.64,
    looks=0.5,
    look_size=6,
    scatter=1.1,
    between_power=0.54,
    between_decay=39.0,
    within_decay=98.0,
)


class SyntheticEncodings:
    """A population of identities; any number of pictures of them can be drawn, the same for the same seed."""

    def __init__(self, identities: int, like: Clustering = LIKE_FACES, seed: int = 0) -> None:
        """Identities 0, 1, 2 …, each of one look, with a mean each."""
        self._like = like
        self._seed = seed
        random = np.random.default_rng([seed, 0])
        axis = np.arange(DIMENSION)
        between = (axis + 1.0) ** -like.between_power * np.exp(-axis / like.between_decay)
        within = np.exp(-axis / like.within_decay)
        between *= (1 - like.common - like.within) / between.sum()
        within *= like.within / within.sum()
        # so that no axis of the array is an axis of the spectrum: an encoder's are not either
        turn, _ = np.linalg.qr(random.standard_normal((DIMENSION, DIMENSION)))
        self._spread = (np.sqrt(within)[:, None] * turn.T).astype(np.float32)
        shape = (np.sqrt(between)[:, None] * turn.T).astype(np.float32)
        common = random.standard_normal(DIMENSION, np.float32)
        common *= np.float32(np.sqrt(like.common)) / np.linalg.norm(common)
        looks = random.standard_normal((identities // like.look_size + 1, DIMENSION), np.float32)
        own = random.standard_normal((identities, DIMENSION), np.float32)
        own *= np.float32(np.sqrt(1 - like.looks))
        own += np.float32(np.sqrt(like.looks)) * looks[random.integers(0, len(looks), identities)]
        self._means = own @ shape + common

    def __len__(self) -> int:
        """How many identities there are."""
        return len(self._means)

    def pictures(self, identities: NDArray[np.int64], draw: int) -> NDArray[np.float32]:
        """One unit vector of each identity that is named, of shape (identities, 256); `draw` makes them others."""
        random = np.random.default_rng([self._seed, 1, draw])
        noise = random.standard_normal((len(identities), DIMENSION), np.float32) @ self._spread
        # of mean 1, so that `within` stays what it is
        far = np.exp(self._like.scatter * random.standard_normal(len(identities)) - self._like.scatter**2 / 2)
        vectors = self._means[identities] + np.sqrt(far).astype(np.float32)[:, None] * noise
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def references(count: int, seed: int = 0) -> Iterator[NDArray[np.float16]]:
    """So many references in blocks, `EACH` of one identity after those of another."""
    people = SyntheticEncodings(2 * (count // EACH + 1), seed=seed)
    for draw, start in enumerate(range(0, count, BLOCK)):
        rows = np.arange(start, min(start + BLOCK, count))
        yield people.pictures(rows // EACH, draw + 1).astype(np.float16)


def queries(count: int, of: int, seed: int = 0) -> NDArray[np.float32]:
    """Queries to `of` references, in no order: new pictures, every second one of somebody who has no reference."""
    people = SyntheticEncodings(2 * (of // EACH + 1), seed=seed)
    random = np.random.default_rng([seed, 2])
    asked = random.integers(0, len(people) // 2, count)
    asked[::2] += len(people) // 2
    return people.pictures(random.permutation(asked), 0)


# -- how far from real ones --------------------------------------------------------------------------------------------


def measure_spectra(vectors: NDArray[np.float64], whose: NDArray[np.int64]) -> dict[str, float]:
    """The common part and the decays of real encodings, each identity with the same weight.

    Variances between and within identities are taken along the axes of their sum; logarithms are fitted by least
    squares, those between identities over the first 100 axes, as there are few identities.
    """
    within = np.zeros((DIMENSION, DIMENSION))
    of_means = np.zeros_like(within)
    people = np.unique(whose)
    means = np.empty((len(people), DIMENSION))
    for number, who in enumerate(people):
        own = vectors[whose == who]
        spread = np.cov(own.T)
        within += spread / len(people)
        of_means += spread / len(own) / len(people)
        means[number] = own.mean(axis=0)
    between = np.cov(means.T) - of_means
    _, axes = np.linalg.eigh(between + within)
    along = [np.diag(axes.T @ of @ axes)[::-1] for of in (between, within)]
    axis = np.arange(DIMENSION)
    used = (axis < 100) & (along[0] > 0)
    terms = np.stack([np.ones(DIMENSION), -np.log1p(axis), -axis], axis=1)
    first = np.linalg.lstsq(terms[used], np.log(along[0][used]), rcond=None)[0]
    second = np.linalg.lstsq(terms[:, [0, 2]], np.log(along[1]), rcond=None)[0]
    return {
        "identities": len(people),
        "common": float((means.mean(axis=0) ** 2).sum()),
        "within": float(np.trace(within)),
        "between_power": float(first[1]),
        "between_decay": float(1 / first[2]),
        "within_decay": float(1 / second[1]),
    }


def describe(vectors: NDArray[np.float32], whose: NDArray[np.int64]) -> dict[str, list[float]]:
    """Quantiles of what a search meets, each vector asking among the others."""
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    same = whose[:, None] == whose
    best = -np.sort(-np.partition(similar, -50, axis=1)[:, -50:], axis=1)
    told = {
        "nearest of its identity": np.where(same, similar, -np.inf).max(axis=1),
        "nearest of another": np.where(same, -np.inf, similar).max(axis=1),
        "any of its identity": similar[same & np.isfinite(similar)],
        "any of another": similar[~same],
        "1st less 10th": best[:, 0] - best[:, 9],
        "10th less 50th": best[:, 9] - best[:, 49],
    }
    return {name: np.quantile(values[np.isfinite(values)], QUANTILES).tolist() for name, values in told.items()}


def encode_folders(folders: list[Path], wanted: Path | None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Encodings of collections of identity folders, 3 to `EACH` of one identity, and whose each is."""
    from data.errors import KaodexError
    from data.folders import find_pictures
    from data.pictures import read_picture
    from data.prefetch import prefetch
    from embedder import Encoder

    chosen = json.loads(wanted.read_text())["characters"] if wanted else None
    encoder = Encoder.load(device="cpu")
    vectors, whose, number = [], [], 0
    for folder in folders:
        of: dict[str, list[Path]] = {}
        for picture in find_pictures(folder).pictures:
            if chosen is None or picture.identity in chosen.get(folder.name, []):
                of.setdefault(picture.identity, []).append(picture.path)
        for paths in of.values():
            some = np.random.default_rng(number).permutation(len(paths))[:EACH]
            read = prefetch(read_picture, [paths[one] for one in some])
            crops = [crop for _, crop in read if not isinstance(crop, KaodexError)]
            if len(crops) >= 3:
                vectors.append(encoder.encode(crops))
                whose += [number] * len(crops)
                number += 1
    return np.concatenate(vectors), np.array(whose)


def main() -> None:
    """Print the fitted numbers and both sets of quantiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="collections of identity folders")
    parser.add_argument("--identities", type=Path, metavar="FILE", help='only those of {"characters": {folder: [...]}}')
    options = parser.parse_args()
    vectors, whose = encode_folders(options.folders, options.identities)
    print(json.dumps(measure_spectra(vectors.astype(np.float64), whose)))
    print("constants:", LIKE_FACES)
    real = describe(vectors, whose)
    alike = describe(SyntheticEncodings(whose.max() + 1).pictures(whose, 1), whose)
    differences = [abs(one - other) for name in real for one, other in zip(real[name], alike[name], strict=True)]
    print(f"{len(vectors)} pictures; quantiles {QUANTILES}, mean difference {np.mean(differences):.3f}")
    for name in real:
        print(f"{name:<24} real {np.round(real[name], 2)}  synthetic {np.round(alike[name], 2)}")


if __name__ == "__main__":
    main()
