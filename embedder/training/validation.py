"""Validation on dev identities, whom the network has never seen: who is nearest, and how near strangers come."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from data.near_duplicates import near_duplicate_groups, perceptual_hash
from data.splits import draw_references_and_queries, unite_groupings, usable_identities
from embedder.training.identities import Identity
from measure.interval import mean_per_identity
from measure.open_set import OpenSet, tpir_at_fpir
from measure.retrieval import average_precision_at_r

MD5 = re.compile(r"[0-9a-f]{32}")
GALLERY_IDENTITIES = 10
GALLERY_REFERENCES = 5
STRANGERS_NAMED = 0.05
"""Share of strangers' queries that the fixed `unknown_below` lets through on galleries of dev identities."""


def source_groups(
    identities: Sequence[Identity], pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]]
) -> Int64[np.ndarray, " pictures"]:
    """What must never be reference and query at once, for all pictures of the identities in order.

    Two pictures are of one group when they were cut from one picture (their names start with its md5), or are
    near-duplicates: by the collection's own list (`<collection>_near_duplicates.csv` beside it) or, without one, by
    their perceptual hashes. Directly or through others.
    """
    sources, clusters, alike = [], [], []
    hashed = 0
    for identity in identities:
        listed = _near_duplicates(identity.files[0].parents[1])
        place = f"{identity.collection}/{identity.name}"
        for path in identity.files:
            source = MD5.match(path.stem)
            sources.append(f"{place}/{source.group() if source else path.stem}")
            clusters.append(f"{place}/{listed.get((identity.name, path.stem), path.stem + ' alone')}")
        if listed:
            alike += [-1] * len(identity.files)
        else:
            here = pictures[len(alike) : len(alike) + len(identity.files)]
            groups = near_duplicate_groups(np.array([perceptual_hash(picture) for picture in here], np.uint64))
            alike += list(hashed + groups)
            hashed += len(groups)
    return unite_groupings(as_numbers(sources), as_numbers(clusters), np.array(alike, np.int64))


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
    labels: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    *,
    references: int,
    draws: int = 20,
    seed: int = 0,
) -> Float64[np.ndarray, " identities"]:
    """For each identity, the share of its queries whose most similar reference is its own, over all random draws.

    References are one picture from each of `references` groups of an identity; queries are all pictures of its other
    groups; an identity with too few groups is left out. The mean of the result is rank-1 by the nearest neighbour.
    """
    right: list[np.ndarray] = []
    shown: list[np.ndarray] = []
    for draw in range(draws):
        drawn = draw_references_and_queries(labels, groups, references, [seed, draw])
        nearest = np.argmax(encodings[drawn.queries] @ encodings[drawn.references].T, axis=1)
        shown.append(labels[drawn.queries])
        right.append(labels[drawn.references][nearest] == shown[-1])
    names, numbers = np.unique(np.concatenate(shown), return_inverse=True)
    return mean_per_identity(np.concatenate(right).astype(np.float64), numbers.astype(np.int64), len(names))


def shots_for(labels: Int64[np.ndarray, " pictures"], groups: Int64[np.ndarray, " pictures"]) -> int | None:
    """Of 5, 2 and 1 references the most that four identities have groups enough for; 1 also for two or three of them,
    None for fewer."""
    for shots in (5, 2, 1):
        if len(usable_identities(labels, groups, shots)) >= 4:
            return shots
    return 1 if len(usable_identities(labels, groups, 1)) >= 2 else None


def open_and_closed(
    encodings: Float32[np.ndarray, "pictures dim"],
    labels: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    *,
    shots: int,
    draws: int = 20,
    seed: int = 0,
) -> dict[str, float]:
    """`rank1`, `map_at_r` (R is `shots`), and `tpir_10` and `tpir_1`: TPIR at FPIR 10 % and 1 %, each in [0, 1].

    Each draw takes `shots` references of every identity and asks all other pictures (rank-1, mAP@R); then a random half
    of the identities plays the strangers. Every identity weighs the same in every figure.
    """
    random = np.random.default_rng([seed, 1])
    shown, right, precision = [], [], []
    mated: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    strangers: list[tuple[np.ndarray, np.ndarray]] = []
    for draw in range(draws):
        drawn = draw_references_and_queries(labels, groups, shots, [seed, draw])
        truth, owner = labels[drawn.queries], labels[drawn.references]
        similarities = encodings[drawn.queries] @ encodings[drawn.references].T
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :shots]
        shown.append(truth)
        right.append(owner[order[:, 0]] == truth)
        precision.append(average_precision_at_r(owner[order], truth, np.full(len(truth), shots)))
        names = np.unique(owner)
        enrolled = random.choice(names, (len(names) + 1) // 2, replace=False)
        inside = np.isin(owner, enrolled)
        best, nearest = similarities[:, inside].max(axis=1), owner[inside][similarities[:, inside].argmax(axis=1)]
        known = np.isin(truth, enrolled)
        mated.append((best[known], truth[known], nearest[known] == truth[known]))
        strangers.append((best[~known], truth[~known]))
    test = OpenSet(
        *(np.concatenate(one) for one in _as_float64(mated)), *(np.concatenate(one) for one in _as_float64(strangers))
    )
    whose, numbers = np.unique(np.concatenate(shown), return_inverse=True)
    tpir = tpir_at_fpir(test, np.array([0.1, 0.01]))

    def mean(values: list[np.ndarray]) -> float:
        per_query = np.concatenate(values).astype(np.float64)
        return float(np.nanmean(mean_per_identity(per_query, numbers.astype(np.int64), len(whose))))

    return {"rank1": mean(right), "map_at_r": mean(precision), "tpir_10": float(tpir[0]), "tpir_1": float(tpir[1])}


def _as_float64(rows: Sequence[tuple[np.ndarray, ...]]) -> list[list[np.ndarray]]:
    """Columns of rows, the scores (the first) in double precision."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return [[one.astype(np.float64) for one in columns[0]], *columns[1:]]


def strangers_threshold(
    encodings: Float32[np.ndarray, "pictures dim"],
    labels: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    *,
    draws: int = 100,
    seed: int = 0,
) -> tuple[float, float]:
    """The similarity that 5 % of strangers' best scores reach, and the share of mated queries named rightly above it.

    Each draw enrols 10 random identities with 5 references each; all others are strangers, those with fewer pictures
    too. Every identity weighs the same among strangers, and among mated queries.
    """
    able = usable_identities(labels, groups, GALLERY_REFERENCES)
    if len(able) <= GALLERY_IDENTITIES:
        raise ValueError(f"strangers need more than {GALLERY_IDENTITIES} dev identities, but there are {len(able)}")
    random = np.random.default_rng(seed)
    scores, weights, best, right, shown = [], [], [], [], []
    for draw in range(draws):
        enrolled = random.choice(able, GALLERY_IDENTITIES, replace=False)
        inside = np.flatnonzero(np.isin(labels, enrolled))
        drawn = draw_references_and_queries(labels[inside], groups[inside], GALLERY_REFERENCES, [seed, draw])
        references, queries = inside[drawn.references], inside[drawn.queries]
        strangers = np.flatnonzero(~np.isin(labels, enrolled))
        scores.append((encodings[strangers] @ encodings[references].T).max(axis=1))
        weights.append(1 / np.bincount(labels)[labels[strangers]])
        similarities = encodings[queries] @ encodings[references].T
        best.append(similarities.max(axis=1))
        right.append(labels[references][similarities.argmax(axis=1)] == labels[queries])
        shown.append(labels[queries])
    threshold = _weighted_quantile(np.concatenate(scores), np.concatenate(weights), 1 - STRANGERS_NAMED)
    named = np.concatenate(right) & (np.concatenate(best) >= threshold)
    names, numbers = np.unique(np.concatenate(shown), return_inverse=True)
    per_identity = mean_per_identity(named.astype(np.float64), numbers.astype(np.int64), len(names))
    return threshold, float(per_identity.mean())


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


def as_numbers(keys: Sequence[str]) -> Int64[np.ndarray, " keys"]:
    """Equal keys to equal numbers, in order of first appearance."""
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], np.int64)
