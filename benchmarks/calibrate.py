"""Seconds and memory of a full calibration, and of adding one identity to a calibrated gallery.

    python benchmarks/calibrate.py --references 10000 100000

Clustered random unit vectors stand in for encodings: 20 references of each identity, 256 numbers each. Every size runs
in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from index.calibration import null_scores, outcomes_as_mated, outcomes_as_strangers
from index.neighbourhoods import Neighbourhoods, find_neighbourhoods, sample, update_neighbourhoods
from index.records import Vectors

DIMENSION = 256
EACH = 20
NOISE = 1.0
"""Length of a reference's noise over the length of its identity's direction."""
RULES = ("weighted", "centroid")


def clustered(identities: int, seed: int, first: int = 0) -> Vectors:
    """References around one random direction per identity; ids and identities count on from `first` identities."""
    random = np.random.default_rng(seed)
    encodings = np.empty((identities * EACH, DIMENSION), np.float16)
    for start in range(0, identities, 1000):
        count = min(1000, identities - start)
        directions = random.standard_normal((count, 1, DIMENSION), np.float32)
        vectors = directions + NOISE * random.standard_normal((count, EACH, DIMENSION), np.float32)
        vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
        encodings[start * EACH : (start + count) * EACH] = vectors.reshape(-1, DIMENSION)
    numbers = np.arange(len(encodings)) + first * EACH
    return Vectors(
        numbers,
        numbers // EACH,
        numbers.astype(np.uint64),
        random.integers(0, 2**63, len(encodings)).astype(np.uint64),
        encodings,
    )


def joined(held: Vectors, more: Vectors) -> Vectors:
    """Both."""
    return Vectors(*(np.concatenate([getattr(held, name), getattr(more, name)]) for name in vars(held)))


def seconds_of(known: Neighbourhoods, held: Vectors, rule: str) -> float:
    """To make the null scores and the mated outcomes of the neighbourhoods."""
    start = time.perf_counter()
    null_scores(outcomes_as_strangers(known, held, 5, rule))
    outcomes_as_mated(known, held, 5, rule)
    return time.perf_counter() - start


def measure(references: int) -> dict[str, float]:
    """All figures for one size."""
    held = clustered(references // EACH, seed=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    known = find_neighbourhoods(held, sample(held.references, held.identities))
    searching = time.perf_counter() - start
    outcomes = {f"outcomes_{rule}_seconds": seconds_of(known, held, rule) for rule in RULES}
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    more = clustered(1, seed=2, first=references // EACH)
    grown = joined(held, more)
    start = time.perf_counter()
    updated = update_neighbourhoods(known, grown, more.identities[:1], more.references)
    adding = time.perf_counter() - start
    anew = find_neighbourhoods(grown, sample(grown.references, grown.identities))
    agree = bool((updated.samples == anew.samples).all()) and np.allclose(
        updated.stranger_similarities, anew.stranger_similarities, atol=1e-5
    )
    return {
        "references": references,
        "samples": len(known.samples),
        "search_seconds": searching,
        **outcomes,
        "added_seconds": adding,
        "added_agrees": float(agree),
        "references_mb": before / 1024,
        "peak_mb": after / 1024,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--references", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.references[0])))
        return
    told = []
    for references in options.references:
        typed = [sys.executable, __file__, "--one", "--references", str(references)]
        told.append(json.loads(subprocess.run(typed, check=True, stdout=subprocess.PIPE, text=True).stdout))
        one = told[-1]
        print(
            f"{references:,} references, {one['samples']:,} sampled: {one['search_seconds']:.2f} s to find their "
            f"neighbours, {one['outcomes_weighted_seconds']:.2f} s for the scores of a rule and k "
            f"({one['outcomes_centroid_seconds']:.2f} s by centroids); one identity of {EACH} more: "
            f"{one['added_seconds']:.2f} s, {'as' if one['added_agrees'] else 'NOT as'} from scratch; "
            f"{one['peak_mb']:.0f} MB peak, {one['references_mb']:.0f} MB before"
        )
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
