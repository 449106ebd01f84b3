"""Half-body pictures sorted by artist, taken as pictures of characters: what a detector is worth to naming them."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.collection import Collection
from bench.protocol import Protocol, Row
from bench.run import run_bench
from bench.systems.kaodex import Encodes, Kaodex
from data.errors import UnusableSource
from embedder.detectors import Detector
from measure import bootstrap_interval

ARTISTS_FOLDER = "art/arknights"


def half_bodies(data: Path, *, held_back: bool) -> Collection:
    """Pictures of characters that are drawn at least twice, each an identity, by the table beside the folder.

    The table has columns artist, file and base_character. With `held_back` only the characters that no detector is
    trained on: the listed ones (dev_identities.json), and those of whom a listed artist drew any picture.
    """
    folder = data / ARTISTS_FOLDER
    try:
        with folder.with_suffix(".csv").open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        kept = _held_back(data, rows) if held_back else {row["base_character"] for row in rows}
    except (OSError, KeyError, ValueError) as error:
        raise UnusableSource(f"{data} has no table of half-body pictures: {error!r}") from error
    drawn = Counter(row["base_character"] for row in rows if row["base_character"] in kept)
    names = sorted(name for name, count in drawn.items() if count > 1)
    number = {name: position for position, name in enumerate(names)}
    own = [row for row in rows if row["base_character"] in number]
    return Collection(
        folder,
        tuple(names),
        tuple(folder / row["artist"] / row["file"] for row in own),
        np.array([number[row["base_character"]] for row in own], np.int64),
        None,
    )


def compare_detectors(
    collection: Collection, encoder: Encodes, detectors: dict[str, Detector], shots: tuple[int, ...], draws: int = 20
) -> list[dict[str, Any]]:
    """Rank-1 of the nearest reference with the faces of each detector, and its difference to the first detector's.

    All detectors meet the same pictures and draws; figures are [value, low, high], 95 % by bootstrap over identities,
    that of the difference paired.
    """
    protocol = Protocol(shots, (1,), ("nearest",), draws)
    reports = {name: run_bench(collection, encoder, protocol, detector=one) for name, one in detectors.items()}
    first = next(iter(reports.values()))
    told = []
    for name, report in reports.items():
        for row, base in zip(_own(report.rows), _own(first.rows), strict=True):
            if not np.array_equal(row.identities, base.identities):
                raise ValueError("two detectors were asked about different identities")
            apart = row.by_identity["rank1"] - base.by_identity["rank1"]
            told.append(
                {
                    "detector": name,
                    "references": row.shots,
                    "identities": len(row.identities),
                    "pictures": len(report.faces),
                    "faces": report.faces_found(),
                    "rank1": [row.figure("rank1"), *(row.interval("rank1") or ())],
                    "difference": None if report is first else [float(apart.mean()), *bootstrap_interval(apart)],
                }
            )
    return told


def _own(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.name == Kaodex.name]


def _held_back(data: Path, rows: Sequence[dict[str, str]]) -> set[str]:
    listed = json.loads((data / "dev_identities.json").read_text(encoding="utf-8"))
    artists = set(listed["artists"][ARTISTS_FOLDER])
    by_artist = {row["base_character"] for row in rows if row["artist"] in artists}
    return by_artist | set(listed["characters"][Path(ARTISTS_FOLDER).name])
