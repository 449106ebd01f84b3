"""The whole bench: a collection in, a report out, with everyone enrolled or with strangers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64, Shaped

from bench.artist_pairs import ArtistPairs, artist_pairs
from bench.collection import Collection
from bench.descriptions import Descriptions, describe
from bench.groups import group_by_hash
from bench.open_set import measure_open_set
from bench.open_set_report import OpenSetReport
from bench.protocol import Protocol, measure
from bench.report import Report
from bench.systems import Describes, System
from bench.systems.entry import Entry
from bench.systems.kaodex import Encodes, Kaodex
from bench.systems.refitting import Refitting
from bench.systems.usual import default_systems
from data.errors import UnusableSource
from data.near_duplicates import NEAR_DUPLICATE_DISTANCE
from data.splits import unite_groupings
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
    systems: Sequence[System] | None = None,
    kind: str = "character",
) -> Report:
    """Measure Kaodex, and two rivals that learn nothing on the same draws, on a collection of labelled pictures.

    Or the given `systems` (see `chosen_systems`).

    Every system is shown the same: one face of each picture that `detector` finds (see `choose_face`), or, without a
    detector, its centre square; of the `kind` artist, whole pictures. Raises `UnusableSource` where nothing can be
    measured.
    """
    systems = systems or default_systems(encoder)
    describers = {system.name: _describer(system) for system in systems}
    ready = prepare(
        collection, list({one.name: one for one in describers.values()}.values()), on_progress, detector, kind
    )
    kept, described = ready.collection, ready.described
    features, seconds_each = _by_system(described, describers)
    rows, shortfalls = measure(systems, features, seconds_each, kept.identities, ready.groups, protocol)
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
        kind=kind,
        pairs=_pairs(kind, features, kept, ready.groups, protocol),
    )


def run_open_set(
    collection: Collection,
    encoder: Encodes,
    protocol: Protocol,
    on_progress: Callable[[int], None] | None = None,
    on_draw: Callable[[int], None] | None = None,
    *,
    detector: Detector | None = None,
    systems: Sequence[System] | None = None,
    kind: str = "character",
) -> OpenSetReport:
    """Measure the same systems on draws in which a share of the identities are strangers.

    `on_progress` is told of each picture described, `on_draw` of each draw done: shots x draws in all. Raises
    `UnusableSource` where nothing can be measured.
    """
    systems = systems or default_systems(encoder)
    describers = {system.name: _describer(system) for system in systems}
    ready = prepare(
        collection, list({one.name: one for one in describers.values()}.values()), on_progress, detector, kind
    )
    kept, described = ready.collection, ready.described
    features, seconds_each = _by_system(described, describers)
    rows, shortfalls = measure_open_set(
        systems,
        features,
        described.hashes,
        seconds_each,
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
        features.get(Kaodex.name, np.zeros((len(kept.identities), 0), np.float32)),
        kind=kind,
        pairs=_pairs(kind, features, kept, ready.groups, protocol),
    )


def chosen_systems(encoder: Encodes, entries: Sequence[Entry], usual: Sequence[System] | None = None) -> list[System]:
    """The systems of the closed protocol's rows in the other protocols: those that must refit do so in every draw.

    `usual` are those that keep references, by default `default_systems`.
    """
    keeping = {system.name: system for system in usual or default_systems(encoder)}
    return [keeping.get(entry.name) or Refitting(entry) for entry in entries]


def _by_system(
    described: Descriptions, describers: dict[str, Describes]
) -> tuple[dict[str, Shaped[np.ndarray, "readable _"]], dict[str, float]]:
    """What each system is given of the pictures, and its time for one, where several may share a describer."""
    features = {name: described.features[one.name] for name, one in describers.items()}
    return features, {name: described.seconds_each[one.name] for name, one in describers.items()}


def _describer(system: System) -> Describes:
    return system.describer if isinstance(system, Refitting) else system


def prepare(
    collection: Collection,
    systems: Sequence[Describes],
    on_progress: Callable[[int], None] | None,
    detector: Detector | None,
    kind: str = "character",
) -> Ready:
    """Read, describe, and group by a perceptual hash where nothing else tells.

    Pictures of one character by one artist are a group: they never lie on both sides.
    """
    looking = detector if detector and kind == "character" else WholePicture()
    described = describe(collection.paths, systems, on_progress, looking, kind=kind)
    kept = collection.only(described.readable)
    groups = kept.groups
    if groups is None:
        groups = group_by_hash(kept.identities, described.hashes)
        by_hash = f"perceptual hash within {NEAR_DUPLICATE_DISTANCE} of 64 bits"
        kept = replace(kept, groups=groups, grouped_by=(by_hash,))
    if kept.characters is not None:
        drawn = kept.identities * (kept.characters.max() + 1) + kept.characters
        groups = unite_groupings(groups, drawn)
        kept = replace(kept, groups=groups, grouped_by=(*kept.grouped_by, "the character shown"))
    return Ready(kept, groups, described, looking.name)


def _pairs(
    kind: str,
    features: dict[str, Shaped[np.ndarray, "pictures _"]],
    kept: Collection,
    groups: Int64[np.ndarray, " pictures"],
    protocol: Protocol,
) -> ArtistPairs | None:
    if kind != "artist" or Kaodex.name not in features:
        return None
    return artist_pairs(Kaodex.name, features[Kaodex.name], kept.identities, groups, kept.names, protocol)


def _why_nothing(collection: Collection, protocol: Protocol, unreadable: tuple[str, ...]) -> str:
    fewest = min(protocol.shots)
    pictures = "picture" if fewest == 1 else "pictures"
    text = (
        f"nothing to measure in {collection.source}: with {fewest} {pictures} as references, at least "
        f"{protocol.fewest_identities} identities "
        f"need {fewest + 1} pictures that are no near-duplicates; ask for fewer --shots, or add pictures"
    )
    return f"{text} ({len(unreadable):,} could not be read, such as {unreadable[0]})" if unreadable else text
