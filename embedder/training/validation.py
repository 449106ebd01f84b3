"""Validation on dev identities, whom the network has never seen: who is nearest, and how near strangers come."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, Int, UInt8

from embedder.training.identities import Identity

MD5 = re.compile(r"[0-9a-f]{32}")
GALLERY_IDENTITIES = 10
GALLERY_REFERENCES = 5
STRANGERS_NAMED = 0.05
"""Share of strangers' queries that the fixed `unknown_below` lets through on galleries of dev identities."""


@dataclass(frozen=True)
class DevSet:
    """Pictures of one collection's dev identities; `groups` are source pictures or near-duplicate clusters."""

    collection: str
    squares: UInt8[np.ndarray, "pictures side side 3"]
    labels: Int[np.ndarray, " pictures"]
    groups: Int[np.ndarray, " pictures"]


def source_groups(identities: Sequence[Identity]) -> list[str]:
    """The group of each picture, identities in order. Two pictures of an identity are of one group when they were cut
    from one picture (their names start with its md5) or lie in one near-duplicate cluster
    (`<collection>_near_duplicates.csv` beside the collection), directly or through others."""
    keys: list[str] = []
    for identity in identities:
        listed = _near_duplicates(identity.files[0].parents[1])
        first: dict[str, str] = {}  # each sign (md5, cluster) -> another sign of its group, or itself

        def root(sign: str, first: dict[str, str] = first) -> str:
            while first.setdefault(sign, sign) != sign:
                sign = first[sign]
            return sign

        signs = []
        for path in identity.files:
            source = path.stem[:32] if MD5.match(path.stem) else path.stem
            cluster = listed.get((identity.name, path.stem), path.stem)
            first[root(f"source {source}")] = root(f"cluster {cluster}")
            signs.append(f"source {source}")
        keys += [f"{identity.collection}/{identity.name}/{root(sign)}" for sign in signs]
    return keys


def _near_duplicates(collection: Path) -> dict[tuple[str, str], str]:
    path = collection.parent / f"{collection.name}_near_duplicates.csv"
    if not path.is_file():
        return {}
    clusters = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            stem = Path(row["file"]).stem
            if "." in stem:  # listed as MD5.EXT-N.jpg, stored as MD5_N.jpg
                whole, _, rest = stem.partition(".")
                stem = f"{whole}_{rest.rsplit('-', 1)[1]}"
            clusters[row["identity"], stem] = row["near_dup_cluster"]
    return clusters


def rank1(
    encodings: Float32[np.ndarray, "pictures dim"],
    labels: Int[np.ndarray, " pictures"],
    groups: Int[np.ndarray, " pictures"],
    *,
    references: int,
    draws: int = 20,
    seed: int = 0,
) -> Float32[np.ndarray, " draws"]:
    """Share of queries whose most similar reference is of their identity, for each random draw of references.

    References are one picture from each of `references` groups of an identity; queries are all pictures of its other
    groups; identities with fewer groups than references + 1 are left out. Each identity weighs the same.
    """
    random = np.random.default_rng(seed)
    shares = np.empty(draws, np.float32)
    for draw in range(draws):
        chosen, queries = draw_references(labels, groups, references, random)
        nearest = labels[chosen][np.argmax(encodings[queries] @ encodings[chosen].T, axis=1)]
        right = nearest == labels[queries]
        shares[draw] = np.mean([right[labels[queries] == label].mean() for label in np.unique(labels[queries])])
    return shares


def draw_references(
    labels: Int[np.ndarray, " pictures"],
    groups: Int[np.ndarray, " pictures"],
    references: int,
    random: np.random.Generator,
) -> tuple[Int[np.ndarray, " references"], Int[np.ndarray, " queries"]]:
    """Positions of references and of queries, never of one group."""
    chosen: list[int] = []
    queries: list[int] = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        kinds = np.unique(groups[own])
        if len(kinds) <= references:
            continue
        taken = random.choice(kinds, references, replace=False)
        chosen += [int(random.choice(own[groups[own] == kind])) for kind in taken]
        queries += [int(position) for position in own if groups[position] not in taken]
    return np.array(chosen, np.int64), np.array(queries, np.int64)


def strangers_threshold(
    encodings: Float32[np.ndarray, "pictures dim"],
    labels: Int[np.ndarray, " pictures"],
    groups: Int[np.ndarray, " pictures"],
    *,
    draws: int = 100,
    seed: int = 0,
) -> tuple[float, float]:
    """The similarity that 5 % of strangers' best scores reach, and the share of mated queries named rightly above it.

    Each draw enrols 10 random identities with up to 5 references each; all others are strangers. Every identity
    weighs the same among strangers, and among mated queries.
    """
    random = np.random.default_rng(seed)
    scores, weights, mated = [], [], []
    everyone = np.unique(labels)
    if len(everyone) <= GALLERY_IDENTITIES:
        raise ValueError(f"strangers need more than {GALLERY_IDENTITIES} dev identities, but there are {len(everyone)}")
    for _ in range(draws):
        enrolled = random.choice(everyone, GALLERY_IDENTITIES, replace=False)
        inside = np.flatnonzero(np.isin(labels, enrolled))
        chosen, queries = [], []
        for label in enrolled:
            own = inside[labels[inside] == label]
            count = min(GALLERY_REFERENCES, len(np.unique(groups[own])) - 1)
            if count:
                some, rest = draw_references(labels[own], groups[own], count, random)
                chosen += list(own[some])
                queries += list(own[rest])
        if not chosen:
            continue
        gallery, names = encodings[chosen].T, labels[chosen]
        strangers = np.flatnonzero(~np.isin(labels, enrolled))
        scores.append((encodings[strangers] @ gallery).max(axis=1))
        weights.append(1 / np.bincount(labels)[labels[strangers]])
        similarities = encodings[queries] @ gallery
        right = names[similarities.argmax(axis=1)] == labels[queries]
        mated.append((similarities.max(axis=1), right, labels[queries]))
    threshold = _weighted_quantile(np.concatenate(scores), np.concatenate(weights), 1 - STRANGERS_NAMED)
    best, right, names = (np.concatenate(parts) for parts in zip(*mated, strict=True))
    named = right & (best >= threshold)
    return threshold, float(np.mean([named[names == name].mean() for name in np.unique(names)]))


def _weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    order = np.argsort(values)
    below = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(below, share)])


def colour_histograms(squares: UInt8[np.ndarray, "pictures side side 3"]) -> Float32[np.ndarray, "pictures bins"]:
    """The rival of every encoder: square roots of an HSV histogram (16 hues x 4 x 4), so that the inner product is
    the Bhattacharyya coefficient."""
    found = np.empty((len(squares), 256), np.float32)
    for position, square in enumerate(squares):
        hsv = cv2.cvtColor(np.ascontiguousarray(square), cv2.COLOR_RGB2HSV)
        counts = cv2.calcHist([hsv], [0, 1, 2], None, [16, 4, 4], [0, 180, 0, 256, 0, 256]).ravel()
        found[position] = np.sqrt(counts / counts.sum())
    return found


def as_numbers(keys: Sequence[str]) -> Int[np.ndarray, " keys"]:
    """Equal keys to equal numbers."""
    numbers: Mapping[str, int] = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], np.int64)
