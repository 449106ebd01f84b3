"""The whole bench: a collection in, a report out, with everyone enrolled or with strangers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from bench.collection import Collection
from bench.descriptions import Descriptions, describe
from bench.groups import group_by_hash
from bench.open_set import measure_open_set
from bench.open_set_report import OpenSetReport
from bench.protocol import Protocol, measure
from bench.report import Report
from bench.systems import Describes, System
from bench.systems.colour_histogram import ColourHistogram
from bench.systems.hog_lab import HogLab
from bench.systems.kaodex import Encodes, Kaodex
from data.errors import UnusableSource
from data.near_duplicates import NEAR_DUPLICATE_DISTANCE
from embedder.detectors import Detector, WholePicture


@dataclass(frozen=True)
class Ready:
    """A collection's readable pictures, described and grouped."""

    collection: Collection
    groups: Int64[np.ndarray, " pictures"]
    described: Descriptions
    detector: str


def run_bench(
    collection: Collection,
    encoder: Encodes,
    protocol: Protocol,
    on_progress: Callable[[int], None] | None = None,
    *,
    detector: Detector | None = None,
) -> Report:
    """Measure Kaodex, and two rivals that learn nothing on the same draws, on a collection of labelled pictures.

    Every system is shown the same: one face of each picture that `detector` finds (see `choose_face`), or, without a
    detector, its centre square. Raises `UnusableSource` where nothing can be measured.
    """
    systems = _systems(encoder)
    ready = prepare(collection, systems, on_progress, detector)
    kept, described = ready.collection, ready.described
    rows, shortfalls = measure(
        systems, described.features, described.seconds_each, kept.identities, ready.groups, protocol
    )
    if not rows:
        raise UnusableSource(_why_nothing(kept, protocol, described.unreadable))
    return Report(
        kept,
        len(np.unique(ready.groups)),
        protocol,
        encoder.name,
        encoder.fingerprint,
        ready.detector,
        described.faces,
        tuple(shortfalls),
        described.unreadable,
        tuple(rows),
    )


def run_open_set(
    collection: Collection,
    encoder: Encodes,
    protocol: Protocol,
    on_progress: Callable[[int], None] | None = None,
    on_draw: Callable[[int], None] | None = None,
    *,
    detector: Detector | None = None,
) -> OpenSetReport:
    """Measure the same systems on draws in which a share of the identities are strangers.

    `on_progress` is told of each picture described, `on_draw` of each draw done: shots x draws in all. Raises
    `UnusableSource` where nothing can be measured.
    """
    systems = _systems(encoder)
    ready = prepare(collection, systems, on_progress, detector)
    kept, described = ready.collection, ready.described
    rows, shortfalls = measure_open_set(
        systems,
        described.features,
        described.hashes,
        described.seconds_each,
        kept.identities,
        ready.groups,
        protocol,
        on_draw,
    )
    if not rows:
        raise UnusableSource(_why_nothing(kept, protocol, described.unreadable))
    return OpenSetReport(
        kept,
        len(np.unique(ready.groups)),
        protocol,
        encoder.name,
        encoder.fingerprint,
        ready.detector,
        described.faces,
        tuple(shortfalls),
        described.unreadable,
        tuple(rows),
        described.features[Kaodex.name],
    )


def _systems(encoder: Encodes) -> list[System]:
    """Kaodex; a 1-NN on colour histograms, and one on HOG and Lab colours, which sees shapes too."""
    return [Kaodex(encoder), ColourHistogram(), HogLab()]


def prepare(
    collection: Collection,
    systems: Sequence[Describes],
    on_progress: Callable[[int], None] | None,
    detector: Detector | None,
) -> Ready:
    """Read, describe, and group by a perceptual hash where nothing else tells."""
    looking = detector or WholePicture()
    described = describe(collection.paths, systems, on_progress, looking)
    kept = collection.only(described.readable)
    groups = kept.groups
    if groups is None:
        groups = group_by_hash(kept.identities, described.hashes)
        by_hash = f"perceptual hash within {NEAR_DUPLICATE_DISTANCE} of 64 bits"
        kept = replace(kept, groups=groups, grouped_by=(by_hash,))
    return Ready(kept, groups, described, looking.name)


def _why_nothing(collection: Collection, protocol: Protocol, unreadable: tuple[str, ...]) -> str:
    fewest = min(protocol.shots)
    pictures = "picture" if fewest == 1 else "pictures"
    text = (
        f"nothing to measure in {collection.source}: with {fewest} {pictures} as references, at least "
        f"{protocol.fewest_identities} identities "
        f"need {fewest + 1} pictures that are no near-duplicates; ask for fewer --shots, or add pictures"
    )
    return f"{text} ({len(unreadable):,} could not be read, such as {unreadable[0]})" if unreadable else text
