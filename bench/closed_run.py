"""The closed protocol: one split of a collection, and every system on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from bench.budget import OverBudget, within
from bench.closed import Figures, Sides, measure_closed
from bench.closed_report import ClosedReport, ClosedRow
from bench.closed_split import split_closed
from bench.collection import Collection
from bench.hair import HairColour, colour_of_each
from bench.kept_figures import KeptFigures
from bench.machine import machine_told
from bench.protocol import Protocol, Shortfall
from bench.run import Ready, prepare
from bench.systems import Describes
from bench.systems.classifier import Stops
from bench.systems.entry import Entry, told
from bench.systems.kaodex import Encodes
from bench.systems.learned import Learned
from bench.systems.photographs import NOT_AVAILABLE, Weights
from bench.tuning import SEARCHED, Search, Searched, search
from data.errors import UnusableSource
from embedder.detectors import Detector

_TO_ASK = 1.5
"""A network that was stopped by its budget is asked after that: its process may take so many budgets,"""
_TO_START = 30.0
"""and so many seconds to be given the pictures and to import what it needs."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Terms:
    """How to measure: the split's seed, seconds that one fit may take, and whether settings are searched too."""

    seed: int = 0
    budget: float | None = None
    tune: bool = False
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True)
class _Split:
    """Positions of pictures on both sides, and the numbers, from 0, of those who are on both."""

    references: Int64[np.ndarray, " references"]
    queries: Int64[np.ndarray, " queries"]
    numbers: Int64[np.ndarray, " pictures"]
    left_out: Int64[np.ndarray, " identities"]
    both: Int64[np.ndarray, " numbered"]
    """Whom each number stands for."""


def sample(collection: Collection, most: int, seed: int) -> Collection:
    """At most `most` random pictures of each identity."""
    random = np.random.default_rng([seed, 1])
    kept = np.zeros(len(collection.paths), bool)
    for number in range(len(collection.names)):
        kept[random.permutation(np.flatnonzero(collection.identities == number))[:most]] = True
    return collection.only(kept)


def to_search(entries: Sequence[Entry]) -> set[str]:
    """The names of those whose settings are searched: of each family one row for each classifier."""
    first = {(entry.family, entry.kind): entry.name for entry in reversed(entries) if entry.kind in SEARCHED}
    return set(first.values())


def run_closed(
    collection: Collection,
    encoder: Encodes,
    entries: Sequence[Entry],
    terms: Terms,
    kept: KeptFigures,
    on_progress: Callable[[int], None] | None = None,
    on_row: Tell | None = None,
    *,
    detector: Detector | None = None,
    kind: str = "character",
) -> ClosedReport:
    """Measure each system on one split; figures that were kept are not measured again.

    With a budget every long fit has a process of its own. Its time over, it is given up; a network ends before, with
    the last epoch that fits into its time. Of the `kind` artist all systems see whole pictures, and no character of an
    artist is on both sides (see `prepare`). Raises `UnusableSource` where fewer than two identities can be asked about.
    """
    searching = to_search(entries) if terms.tune else set()
    measurable = [entry for entry in entries if not entry.needs or terms.weights.had(entry.needs)]
    hair = [HairColour()] if kind == "character" else []
    ready = prepare(collection, [*hair, *_describers(measurable, searching, terms, kept)], on_progress, detector, kind)
    split = _split(ready, terms.seed)
    rows: list[ClosedRow] = []
    searches: dict[str, Search] = {}
    for entry in entries:
        if entry not in measurable:
            rows.append(ClosedRow(entry, None, NOT_AVAILABLE))
            _tell(on_row, rows[-1])
            continue
        row = _row(entry, ready, split, terms, kept)
        rows.append(row)
        _tell(on_row, row)
        if entry.name in searching:
            found = _searched(entry, ready, split, terms, kept)
            if isinstance(found, str):
                rows.append(ClosedRow(_tuned(entry, None), None, found))
            else:
                searches[entry.name] = found
                rows.append(_row(_tuned(entry, found), ready, split, terms, kept))
            _tell(on_row, rows[-1])
    left_out = (Shortfall(1, split.left_out, skipped=False),) if len(split.left_out) else ()
    return ClosedReport(
        ready.collection,
        len(np.unique(ready.groups)),
        Protocol(shots=(1,), ks=(1,), draws=1, seed=terms.seed),
        encoder.name,
        encoder.fingerprint,
        ready.detector,
        ready.described.faces,
        left_out,
        ready.described.unreadable,
        len(split.references),
        len(split.queries),
        tuple(rows),
        searches,
        machine_told(),
        tuple(ready.collection.names[number] for number in split.both),
        _hair(ready, split) if hair else None,
        kind=kind,
    )


def _tell(on_row: Tell | None, row: ClosedRow) -> None:
    if on_row:
        on_row(row.told())


def _key(entry: Entry) -> tuple[str, ...]:
    return entry.name, entry.settings, entry.measured


def _kept_row(entry: Entry, terms: Terms, kept: KeptFigures) -> dict[str, Any] | None:
    """Figures of a row as its settings say, or else of one that this very budget stopped."""
    found = kept.find(*_key(entry))
    return found or (kept.find(*_key(entry), _stopped_by(terms.budget)) if terms.budget else None)


def _stopped_by(budget: float) -> str:
    return f"stopped by {budget:g} s"


def _describers(entries: Sequence[Entry], searching: set[str], terms: Terms, kept: KeptFigures) -> list[Describes]:
    """Those of the systems that have yet to be measured: describing may take longer than a fit."""
    needed: dict[str, Describes] = {}
    for entry in entries:
        rows: list[Entry | None] = [entry]
        if entry.name in searching:
            found = kept.find("search", *_key(entry))
            rows.append(_tuned(entry, Search.from_json(found)) if found else None)
        if any(row is None or _kept_row(row, terms, kept) is None for row in rows):
            needed[entry.describer.name] = entry.describer
    return list(needed.values())


def _split(ready: Ready, seed: int) -> _Split:
    identities = ready.collection.identities
    draw = split_closed(identities, ready.groups, [seed, 2])
    both = np.intersect1d(identities[draw.references], identities[draw.queries])
    if len(both) < 2:
        apart = "that are no near-duplicates" if ready.collection.characters is None else "of different characters"
        raise UnusableSource(
            f"nothing to measure in {ready.collection.source}: at least 2 identities need 2 pictures {apart}; "
            "add pictures"
        )
    references = draw.references[np.isin(identities[draw.references], both)]
    left_out = np.setdiff1d(identities, both)
    return _Split(references, draw.queries, np.searchsorted(both, identities), left_out, both)


def _hair(ready: Ready, split: _Split) -> Float[np.ndarray, "identities 3"]:
    of = split.references
    return colour_of_each(ready.described.features[HairColour.name][of], split.numbers[of], len(split.both))


def _sides(entry: Entry, ready: Ready, split: _Split) -> Sides:
    inputs = ready.described.features[entry.describer.name]
    return Sides(
        inputs[split.references], split.numbers[split.references], inputs[split.queries], split.numbers[split.queries]
    )


def _row(entry: Entry, ready: Ready, split: _Split, terms: Terms, kept: KeptFigures) -> ClosedRow:
    """A row's figures, from the folder or measured now; a reason instead where it could not be."""
    if found := _kept_row(entry, terms, kept):
        return ClosedRow(entry, Figures.from_json(found))
    classifier = entry.make()
    work = (classifier, _sides(entry, ready, split), ready.described.seconds_each[entry.describer.name])
    try:
        if terms.budget is None or entry.small:
            figures = measure_closed(*work)
        elif isinstance(classifier, Stops):
            classifier.stop_after(terms.budget)
            figures = within(_TO_ASK * terms.budget + _TO_START, measure_closed, *work)
        else:
            figures = within(terms.budget, measure_closed, *work)
    except OverBudget as error:
        return ClosedRow(entry, None, str(error))
    except ValueError as error:  # how scikit-learn refuses pictures that are too few for a classifier
        return ClosedRow(entry, None, str(error).splitlines()[0])
    stopped = [_stopped_by(terms.budget)] if terms.budget and figures.stopped else []
    kept.keep(figures.as_json(), *_key(entry), *stopped)
    return ClosedRow(entry, figures)


def _searched(entry: Entry, ready: Ready, split: _Split, terms: Terms, kept: KeptFigures) -> Search | str:
    """What a search found, or why it found nothing."""
    if found := kept.find("search", *_key(entry)):
        return Search.from_json(found)
    assert entry.kind and entry.given is not None
    sides = _sides(entry, ready, split)
    work = (
        entry.kind,
        entry.given,
        entry.scale,
        Searched(sides.references, sides.identities, ready.groups[split.references]),
    )
    try:
        search_done: Search = search(*work) if terms.budget is None else within(terms.budget, search, *work)
    except OverBudget as error:
        return f"search {error}"
    except ValueError as error:
        return f"search: {str(error).splitlines()[0]}"
    kept.keep(search_done.as_json(), "search", *_key(entry))
    return search_done


def _tuned(entry: Entry, found: Search | None) -> Entry:
    """The same system with the settings that a search found."""
    assert entry.kind and entry.given is not None
    given = entry.given if found is None else found.settings
    return replace(
        entry,
        name=f"{entry.name} searched",
        given=given,
        settings="" if found is None else told(entry.kind, given),
        make=partial(Learned, entry.kind, given, scale=entry.scale),
        published="",
    )
