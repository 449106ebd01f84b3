"""A gallery file of a million references: how large it is, and how long everything takes that people do with it.

    python benchmarks/million.py                                 # 13 GB of disk
    python benchmarks/million.py --size 100000 --json million.json

Enrols vectors that lie like encodings (see `vectors.py`), 20 of an identity, with drawn faces as crops, in transactions
of 8,192 references. Then each step runs in a process of its own, so that its peak memory is its own: `x vectors` is
that over the size of the float16 vectors. A cold step has the files read from the disk, not from the system's memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthetic_gallery import KIND, STAMP, enrol_synthetic, new_reference
from vectors import DIMENSION, EACH, queries

from index.gallery import DEFAULT_FPIR, DEFAULT_MISIDENTIFICATION, Gallery
from index.recognizer import DEFAULT_K
from index.shelf import StoreShelf
from index.voting import DEFAULT_RULE

BATCH = 8192
REPEATS = 7


def make(path: Path, size: int) -> dict[str, float]:
    """Enrol all references, through the gallery."""
    return enrol_synthetic(path, size, BATCH)


# -- the steps, each in a process of its own ---------------------------------------------------------------------------


@contextmanager
def opened(path: Path) -> Iterator[Gallery]:
    """The gallery with its references in memory."""
    with Gallery.open(path, device="cpu") as gallery:
        gallery.shelf(KIND)
        yield gallery


def open_anew(path: Path, size: int) -> dict[str, float]:
    """Open from the gallery file alone, then write the files beside it."""
    began = time.perf_counter()
    with Gallery.open(path, device="cpu") as gallery:
        shelf = StoreShelf(gallery.store, KIND, "cpu")
        read = time.perf_counter()
        told = {"seconds": read - began}
        assert len(shelf) == size and shelf.snapshot is None
        shelf.keep()
        assert shelf.snapshot is not None or size < 20_000
        return told | {"keep_seconds": time.perf_counter() - read}


def open_again(path: Path, size: int) -> dict[str, float]:
    """Open with the files beside it."""
    began = time.perf_counter()
    with opened(path) as gallery:
        seconds = time.perf_counter() - began
        assert len(gallery.shelf(KIND)) == size
        return {"seconds": seconds}


def search(path: Path, size: int) -> dict[str, float]:
    """The neighbours of one query, and of 256."""
    asked = queries(256, of=size)
    with opened(path) as gallery:
        return {
            "one": median(lambda turn: gallery.search(asked[turn : turn + 1], DEFAULT_K)),
            "many": median(lambda _: gallery.search(asked, DEFAULT_K)),
        }


def calibrate(path: Path, size: int) -> dict[str, float]:
    """The first calibration, and then an answer."""
    asked = queries(256, of=size)
    with opened(path) as gallery:
        seconds, _ = timed(calibrated, gallery)
        return {"seconds": seconds, "answer": median(lambda turn: gallery.recognize(asked[turn : turn + 1]))}


def add_one(path: Path, size: int) -> dict[str, float]:
    """Enrol one reference of somebody, look for the like of it, ask, and bring the calibration up to date."""
    asked = queries(256, of=size)
    told: dict[str, list[float]] = {"write": [], "alike": [], "ask": [], "calibrate": []}
    with opened(path) as gallery:
        crop = gallery.crop(1)
        calibrated(gallery)
        for turn in range(REPEATS):
            vector = asked[turn : turn + 1]
            new = [new_reference(10 * size + turn, vector[0], crop)]
            seconds, (added,) = timed(gallery.enroll, new, STAMP)
            told["write"].append(seconds)
            told["alike"].append(timed(gallery.near_duplicates, [added.reference])[0])
            seconds, found = timed(gallery.search, vector, DEFAULT_K)
            told["ask"].append(seconds)
            assert found.references[0, 0] == added.reference
            told["calibrate"].append(timed(calibrated, gallery)[0])
    return {what: statistics.median(seconds) for what, seconds in told.items()}


def remove_one(path: Path, size: int) -> dict[str, float]:
    """Remove an identity, and ask; bring it back, and ask."""
    asked = queries(1, of=size)
    told: dict[str, list[float]] = {"remove": [], "ask": [], "undo": [], "ask_again": []}
    with opened(path) as gallery:
        for turn in range(REPEATS):
            name = f"identity {(turn + 1) * (size // EACH) // (REPEATS + 2):06}"
            told["remove"].append(timed(gallery.remove, [name])[0])
            told["ask"].append(timed(gallery.search, asked, DEFAULT_K)[0])
            assert len(gallery.shelf(KIND)) < len(gallery.shelf(KIND).references)
            told["undo"].append(timed(gallery.undo)[0])
            told["ask_again"].append(timed(gallery.search, asked, DEFAULT_K)[0])
    return {what: statistics.median(seconds) for what, seconds in told.items()}


def come_back(path: Path, size: int) -> dict[str, float]:
    """Undo a removal that another process did before this one opened the gallery, and ask."""
    asked = queries(1, of=size)
    with Gallery.open(path, device="cpu") as gallery:
        gallery.remove([f"identity {size // EACH // 2:06}"])
        snapshots = path.with_name(f"{path.name}.search")
        shutil.rmtree(snapshots, ignore_errors=True)  # so that the shelf does not know of what was removed
    with opened(path) as gallery:
        gallery.search(asked, DEFAULT_K)
        gallery.undo()
        return {"ask": timed(gallery.search, asked, DEFAULT_K)[0]}


def check(path: Path, size: int) -> dict[str, float]:
    """Read the whole file."""
    with Gallery.open(path, device="cpu") as gallery:
        seconds, problems = timed(gallery.check)
        assert not problems, problems[:3]
        return {"seconds": seconds}


STEPS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    of.__name__: of for of in (make, open_anew, open_again, search, calibrate, add_one, remove_one, come_back, check)
}


def calibrated(gallery: Gallery) -> None:
    """All that an answer needs of the calibration."""
    gallery.calibrator(KIND).promise(DEFAULT_FPIR, DEFAULT_MISIDENTIFICATION, k=DEFAULT_K, rule=DEFAULT_RULE)


def timed(what: Callable, *arguments: object) -> tuple[float, Any]:
    """Seconds of one call, and what it gave."""
    began = time.perf_counter()
    given = what(*arguments)
    return time.perf_counter() - began, given


def median(what: Callable[[int], object]) -> float:
    """Seconds of the middle one of some calls, after one that does not count."""
    what(REPEATS)
    return statistics.median(timed(what, turn)[0] for turn in range(REPEATS))


# -- all of it ---------------------------------------------------------------------------------------------------------


def forget(path: Path) -> None:
    """Let the system drop what it keeps of the gallery's files in memory."""
    for file in [path, *path.parent.glob(f"{path.name}.search/*/*")]:
        opened_file = os.open(file, os.O_RDONLY)
        try:
            os.fsync(opened_file)
            os.posix_fadvise(opened_file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(opened_file)


def run(step: str, path: Path, size: int) -> dict[str, float]:
    """A step in a process of its own."""
    typed = [sys.executable, __file__, "--step", step, "--folder", str(path.parent), "--size", str(size)]
    told = json.loads(subprocess.run(typed, check=True, stdout=subprocess.PIPE, text=True).stdout)
    print(f"{step}: {json.dumps(told)}", file=sys.stderr, flush=True)
    return told


def measure(path: Path, size: int) -> dict[str, dict[str, float]]:
    """All steps, in an order in which none disturbs the next."""
    told = {"make": run("make", path, size)}
    told["make"]["file_bytes"] = path.stat().st_size
    beside = path.with_name(f"{path.name}.search")
    for cold in ("cold", "warm"):
        shutil.rmtree(beside, ignore_errors=True)
        if cold == "cold":
            forget(path)
        told[f"open_anew_{cold}"] = run("open_anew", path, size)
    told["beside"] = {"bytes": float(sum(file.stat().st_size for file in beside.glob("*/*")))}
    for cold in ("cold", "warm"):
        if cold == "cold":
            forget(path)
        told[f"open_again_{cold}"] = run("open_again", path, size)
    for step in ("search", "calibrate", "add_one", "remove_one", "come_back", "check"):
        told[step] = run(step, path, size)
    return told


def as_table(told: dict[str, dict[str, float]], size: int) -> str:
    """The figures in markdown."""
    vectors = 2 * DIMENSION * size

    def row(what: str, seconds: float, step: str = "") -> str:
        figure = (
            f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
        )
        peak = told[step]["peak_bytes"] if step else 0
        return f"| {what} | {figure} | {f'{peak / 1e6:,.0f} MB, {peak / vectors:.2f} x vectors' if step else ''} |"

    made = told["make"]
    return "\n".join(
        [
            f"| {size:,} x {DIMENSION}, {size // EACH:,} identities | time | peak memory |",
            "|---|---|---|",
            f"| the file: {made['file_bytes'] / 1e9:.2f} GB (crops of {made['crop_bytes']:,.0f} bytes), "
            f"beside it {told['beside']['bytes'] / 1e6:,.0f} MB | | |",
            row(f"enrolling all of it, {made['per_second']:,.0f} a second", made["seconds"], "make"),
            row("opening from the file alone, cold", told["open_anew_cold"]["seconds"], "open_anew_cold"),
            row("the same, warm", told["open_anew_warm"]["seconds"], "open_anew_warm"),
            row("writing the files beside it, once", told["open_anew_warm"]["keep_seconds"]),
            row("opening with these, cold", told["open_again_cold"]["seconds"], "open_again_cold"),
            row("the same, warm", told["open_again_warm"]["seconds"], "open_again_warm"),
            row(f"{DEFAULT_K} neighbours of one query", told["search"]["one"], "search"),
            row("of 256 queries", told["search"]["many"]),
            row("the first calibration", told["calibrate"]["seconds"], "calibrate"),
            row("an answer after that", told["calibrate"]["answer"]),
            row("adding one: writing it", told["add_one"]["write"], "add_one"),
            row("its near-duplicates, which takes it into memory", told["add_one"]["alike"]),
            row("the next query", told["add_one"]["ask"]),
            row("bringing the calibration up to date", told["add_one"]["calibrate"]),
            row("removing an identity", told["remove_one"]["remove"], "remove_one"),
            row("the next query", told["remove_one"]["ask"]),
            row("undoing that", told["remove_one"]["undo"]),
            row("the next query", told["remove_one"]["ask_again"]),
            row("the next query when what comes back was not in memory", told["come_back"]["ask"], "come_back"),
            row("`gallery check`", told["check"]["seconds"], "check"),
        ]
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the gallery is made; by default a temporary one")
    parser.add_argument("--keep", action="store_true", help="leave the gallery there")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        figures = STEPS[options.step](options.folder / "million.kaodex", options.size)
        figures["peak_bytes"] = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps(figures))
        return
    folder = options.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "million.kaodex"
    if path.exists():
        parser.error(f"{path} exists: name another --folder")
    try:
        told = measure(path, options.size)
    finally:
        if not options.keep:
            for left in folder.glob(f"{path.name}*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            if not options.folder:
                folder.rmdir()
    print(as_table(told, options.size))
    if options.json:
        options.json.write_text(json.dumps({"size": options.size, "dimension": DIMENSION, **told}, indent=1))


if __name__ == "__main__":
    main()
