"""What calibration costs: once, after one identity more or fewer, and in a new process that finds it kept.

    python benchmarks/calibrate.py --references 10000 100000 1000000 --markdown docs/figures.md

Vectors like real encodings (see `vectors`), of many identities with 20 references each, and of 14 that share them all.
Every gallery is measured in a process of its own, so that its peak memory is its own. Nothing of the gallery's file but
what calibration keeps in it is read or written: `million` measures whole galleries.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from document_table import put_table
from peak_memory import peak_memory
from vectors import BLOCK, DIMENSION, EACH, SyntheticEncodings

from index.calibration import null_scores, outcomes_as_mated, outcomes_as_strangers
from index.gallery import Gallery
from index.kept_arrays import keep, kept
from index.nearest_references import NetChanges
from index.neighbourhoods import Neighbourhoods, find_neighbourhoods, sample, update_neighbourhoods
from index.records import EncoderStamp, NewReference, Vectors
from index.standing_queries import StandingQueries, keys_of

HUGE = 14
STRANGERS = 8000
"""About as many as an encoder brings along."""
DEPTH = 16
REPEATS = 5
NONE = np.zeros(0, np.int64)

Result = TypeVar("Result")


def timed(action: Callable[[], Result], repeats: int = 1) -> tuple[float, Result]:
    """Median seconds, and what came of it."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), result


def gallery(references: int, identities: int) -> Vectors:
    """References of so many identities, and of one more that has the last 20."""
    whose = np.arange(references + EACH) * identities // references
    whose[references:] = identities
    people = SyntheticEncodings(identities + 1)
    encodings = np.empty((len(whose), DIMENSION), np.float16)
    for start in range(0, len(whose), BLOCK):
        encodings[start : start + BLOCK] = people.pictures(whose[start : start + BLOCK], 1 + start // BLOCK)
    numbers = np.arange(len(whose))
    hashes = np.random.default_rng(0).integers(0, 2**63, len(whose)).astype(np.uint64)
    return Vectors(numbers, whose, numbers.astype(np.uint64), hashes, encodings)


def without(held: Vectors, identity: int) -> Vectors:
    """The same references, those of an identity removed."""
    identities = np.where(held.identities == identity, -1, held.identities)
    return Vectors(held.references, identities, held.pictures, held.hashes, held.encodings)


def calibrated(held: Vectors) -> Neighbourhoods:
    """From nothing."""
    return find_neighbourhoods(held, sample(held.references, held.identities), DEPTH)


def scored(known: Neighbourhoods, held: Vectors, rule: str) -> None:
    """The null scores and the mated outcomes for one rule and k."""
    null_scores(outcomes_as_strangers(known, held, 5, rule))
    outcomes_as_mated(known, held, 5, rule)


def same(one: Neighbourhoods, other: Neighbourhoods) -> bool:
    """To the last bit."""
    arrays = other.as_arrays()
    return all(np.array_equal(array, arrays[name]) for name, array in one.as_arrays().items())


def kept_seconds(known: Neighbourhoods) -> tuple[float, float]:
    """To write what is known into a gallery's file, and to read it."""
    with tempfile.TemporaryDirectory() as folder, Gallery.create(Path(folder) / "gallery.kaodex", device="cpu") as some:
        encoding = np.zeros(DIMENSION, np.float16)
        somebody = NewReference("somebody", bytes(32), "", (0, 0, 1, 1), "whole", 1.0, 0, encoding, b"")
        some.enroll([somebody], EncoderStamp("none", "0" * 64, DIMENSION))
        shelf = some.shelf("character")
        writing, _ = timed(lambda: keep(some.store, shelf, "known", known.as_arrays()), REPEATS)

        def read() -> Neighbourhoods:
            found = kept(some.store, shelf, "known", Neighbourhoods.ARRAYS)
            assert found is not None
            return Neighbourhoods.from_arrays(found[1])

        reading, back = timed(read, REPEATS)
        assert same(known, back)
    return writing, reading


def measure(references: int, identities: int) -> dict[str, float]:
    """All figures for one gallery; seconds, unless they say otherwise."""
    grown = gallery(references, identities)
    held = without(grown, identities)
    before = peak_memory()
    once, known = timed(lambda: calibrated(held))
    peak = peak_memory()
    came = NetChanges(np.array([identities]), grown.references[references:], NONE)
    adding, updated = timed(lambda: update_neighbourhoods(known, grown, came), REPEATS)
    left = NetChanges(came.identities, NONE, came.added)
    removing, restored = timed(lambda: update_neighbourhoods(updated, held, left), REPEATS)
    strangers = SyntheticEncodings(STRANGERS, seed=1).pictures(np.arange(STRANGERS), 0).astype(np.float16)
    keys = keys_of(strangers)
    nothing = NetChanges.of([])
    bank_once, bank = timed(lambda: StandingQueries.none(DEPTH).asked(keys, strangers, held, nothing))
    bank_adding, _ = timed(lambda: bank.asked(keys_of(strangers), strangers, grown, came).of(keys), REPEATS)
    writing, reading = kept_seconds(known)
    return {
        "references": references,
        "identities": identities,
        "samples": len(known.samples),
        "once": once,
        "once_strangers": bank_once,
        "added": adding,
        "added_strangers": bank_adding,
        "removed": removing,
        "as_from_scratch": float(same(updated, calibrated(grown)) and same(restored, known)),
        "write": writing,
        "read": reading,
        "weighted": timed(lambda: scored(known, held, "weighted"), REPEATS)[0],
        "centroid": timed(lambda: scored(known, held, "centroid"))[0],
        "references_mb": before / 1e6,
        "peak_mb": peak / 1e6,
    }


def table(told: list[dict[str, float]]) -> str:
    """The figures, one gallery a line."""
    head = [
        "references of identities",
        f"once: {told[0]['samples']:,.0f} samples or fewer",
        f"and {STRANGERS:,} strangers",
        f"one identity of {EACH} more",
        "one fewer",
        "strangers, one more",
        "keep, read",
        "per rule and k",
        "`centroid`",
        "peak memory (before)",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for one in told:
        cells = [
            f"{one['references']:,} of {one['identities']:,}",
            f"{one['once']:.2f} s",
            f"{one['once_strangers']:.2f} s",
            f"{1000 * one['added']:.0f} ms" + ("" if one["as_from_scratch"] else ", NOT as from scratch"),
            f"{1000 * one['removed']:.0f} ms",
            f"{1000 * one['added_strangers']:.0f} ms",
            f"{1000 * one['write']:.0f}, {1000 * one['read']:.0f} ms",
            f"{1000 * one['weighted']:.0f} ms",
            f"{one['centroid']:.2f} s",
            f"{one['peak_mb']:,.0f} MB ({one['references_mb']:,.0f})",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--references", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the table between this document's markers")
    parser.add_argument("--one", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one)))
        return
    told = []
    for references in options.references:
        for identities in (references // EACH, HUGE):
            typed = [sys.executable, __file__, "--one", str(references), str(identities)]
            told.append(json.loads(subprocess.run(typed, check=True, stdout=subprocess.PIPE, text=True).stdout))
            print(json.dumps(told[-1]), file=sys.stderr)
    print(table(told))
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))
    if options.markdown:
        put_table(options.markdown, "calibrate", table(told))


if __name__ == "__main__":
    main()
