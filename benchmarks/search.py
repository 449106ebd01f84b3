"""Search by inner product: Kaodex beside what else there is, in one run.

    python benchmarks/search.py [--sizes 10000 100000 1000000] [--json FILE] [--markdown FILE]
    python benchmarks/search.py --real FOLDER     # encodings of pictures instead of synthetic ones
    python benchmarks/search.py --routes          # Kaodex's own exact routes against each other

Every system runs in a process of its own, gets the same vectors (256 numbers, float16, drawn as encodings lie: see
vectors.py) and answers the same queries, 1, 32 and 256 at once, for the 10 and the 50 nearest. The systems take turns,
so that a slow minute hits all alike; the others are stopped meanwhile. Told are the median and the best of milliseconds
per request, the share of the k nearest (by float64) that is found, seconds to build, bytes per vector (in memory, or on
the disk where the system keeps a file), and what the process held at most.

Graphs and inverted files are searched as widely as a recall of 0.99 needs, tried on other queries than those measured;
where the widest does not reach it, the widest is measured.

A system is left out, and said to be, where it is not installed; where a smaller size in the same run lets expect more
than --budget seconds (building and all searches, in proportion to the size) or more memory than is free; and where it
takes longer than twice the budget all the same.

Exits with 1 where `Gallery.search` from 100,000 vectors on costs more than 1.05 times the fastest exact system of the
run, or more than IndexFlatIP: medians over rounds of ratios within a round. With --routes, the fastest route of each
size and batch: index/search/routes.py takes its choice from there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from document_table import put_table
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from search_systems import ROUTES, SYSTEMS, VectorFile, missing, versions
from search_worker import Worker, WorkerFailed
from vectors import BLOCK, DIMENSION, queries, references

from data.errors import KaodexError, UnusableSource

BATCHES = (1, 32, 256)
ROUTE_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
KS = (10, 50)
ENOUGH = 0.99
"""Recall that graphs and inverted files are asked for."""
ASKED = {"test": 256, "tuning": 256}
SAME = 1e-6
"""Similarities that differ by less are equal: float32 products are not exact to the last bit."""
KAODEX = "gallery"
FLAT = "flat"
COSTS_AT_MOST = 1.05
FROM = 100_000

talk = Console(stderr=True, highlight=False)


@dataclass
class Measured:
    """One system at one size."""

    system: str
    name: str
    packages: list[str] = field(default_factory=list)
    exact: bool = True
    left_out: str = ""
    """Why; empty where it was measured."""
    build_seconds: float = 0
    bytes_per_vector: float = 0
    peak_bytes: int = 0
    before_bytes: int = 0
    """Held before the first vector: the program and its libraries."""
    widths: dict[int, int] = field(default_factory=dict)
    recall: dict[int, float] = field(default_factory=dict)
    """By k, as the widths are."""
    rounds: dict[int, dict[int, list[list[float]]]] = field(default_factory=dict)
    """Seconds by k, batch and round."""

    def seconds(self, k: int, batch: int) -> list[float]:
        """Of every search that was timed."""
        return [taken for one in self.rounds[k][batch] for taken in one]

    def spent(self) -> float:
        """Seconds for building and all searches, about."""
        return self.build_seconds + sum(
            2 * len(rounds) * statistics.median(self.seconds(k, batch))
            for k, of in self.rounds.items()
            for batch, rounds in of.items()
        )


# -- what is searched --------------------------------------------------------------------------------------------------


def write_vectors(folder: Path, blocks: Iterable[NDArray[np.float16]], asked: NDArray[np.float32]) -> VectorFile:
    """Files of vectors and queries as the workers read them; the first half of the queries is measured."""
    count = 0
    with (folder / "vectors.f16").open("wb") as file:
        for block in blocks:
            block.tofile(file)
            count += len(block)
    asked[: ASKED["test"]].tofile(folder / "test.f32")
    asked[ASKED["test"] :].tofile(folder / "tuning.f32")
    return VectorFile(folder / "vectors.f16", count)


def real_vectors(
    folder: Path, encoder_name: str | None, wanted: Sequence[int], noise: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], str]:
    """Encodings of all pictures below a folder, those of queries taken out, and what they are in words."""
    from data.folders import find_pictures
    from data.pictures import read_picture
    from data.prefetch import prefetch
    from embedder import Encoder

    encoder = Encoder.load(encoder_name, device="cpu")
    if encoder.dimension != DIMENSION:
        raise UnusableSource(f"{encoder.name} makes {encoder.dimension} numbers; this benchmark is about {DIMENSION}")
    paths = [picture.path for picture in find_pictures(folder).pictures]
    some = sum(ASKED.values())
    if len(paths) < 2 * some:
        raise UnusableSource(f"{folder} has {len(paths):,} pictures; at least {2 * some:,} are needed")
    crops = []
    for _, crop in prefetch(lambda path: encoder.fit(read_picture(path)), paths):
        if not isinstance(crop, KaodexError):
            crops.append(crop)
    random = np.random.default_rng(0)
    encodings = encoder.encode(crops)[random.permutation(len(crops))]
    asked, held = encodings[:some], encodings[some:]
    told = f"{len(held):,} encodings of pictures by {encoder.name}"
    if noise:
        copies = -(-max(wanted) // len(held))
        held = np.concatenate([held, *(noisy(held, noise, random) for _ in range(copies - 1))])[: max(wanted)]
        told += f", repeated with noise of length {noise}"
    return held, asked, told


def noisy(vectors: NDArray[np.float32], length: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Unit vectors beside those given, off by about that length in a random direction."""
    off = random.standard_normal(vectors.shape, np.float32)
    off *= np.float32(length) / np.linalg.norm(off, axis=1, keepdims=True)
    moved = vectors + off
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    return moved


class Truth:
    """The k-th best similarity of every query, by float64, for the k's that are asked for."""

    def __init__(self, vectors: VectorFile, folder: Path, ks: Sequence[int]) -> None:
        self._vectors = np.memmap(vectors.path, np.float16, "r", shape=(vectors.count, DIMENSION))
        self._queries = {
            name: np.fromfile(folder / f"{name}.f32", np.float32).reshape(-1, DIMENSION).astype(np.float64)
            for name in ASKED
        }
        self._worst: dict[str, dict[int, NDArray[np.float64]]] = {}
        for name, asked in self._queries.items():
            best = np.full((len(asked), 0), -np.inf)
            for start in range(0, vectors.count, BLOCK):
                near = asked @ np.asarray(self._vectors[start : start + BLOCK], np.float64).T
                best = np.concatenate([best, near], axis=1)
                best = -np.sort(-np.partition(best, -min(max(ks), best.shape[1]), axis=1)[:, -max(ks) :], axis=1)
            self._worst[name] = {k: best[:, min(k, best.shape[1]) - 1] for k in ks}

    def recall(self, name: str, k: int, positions: NDArray[np.int64]) -> float:
        """The share of the k nearest that is among the positions found; equally near ones count as well."""
        found = 0
        for row, query in enumerate(self._queries[name]):
            own = np.unique(positions[row][positions[row] >= 0])
            near = np.asarray(self._vectors[own], np.float64) @ query
            found += min(k, int((near >= self._worst[name][k][row] - SAME).sum()))
        return found / (k * len(positions))


# -- measuring ---------------------------------------------------------------------------------------------------------


class Size:
    """All systems over the same vectors."""

    def __init__(self, folder: Path, vectors: VectorFile, options: argparse.Namespace, say: Any) -> None:
        self._folder = folder
        self._vectors = vectors
        self._options = options
        self._say = say
        self._truth = Truth(vectors, folder, options.k)
        self._workers: dict[str, Worker] = {}
        self.told: dict[str, Measured] = {}

    def run(self, smaller: dict[int, dict[str, Measured]]) -> list[Measured]:
        """Build each, then let them take turns."""
        try:
            for name in self._options.systems:
                self._begin(name, smaller)
            self._take_turns()
            for name, worker in self._workers.items():
                self.told[name].peak_bytes = worker.ask({"do": "peak"}, 60)
        finally:
            for worker in self._workers.values():
                worker.close()
        return list(self.told.values())

    def _begin(self, name: str, smaller: dict[int, dict[str, Measured]]) -> None:
        system = SYSTEMS[name]()
        told = self.told[name] = Measured(name, system.name, versions(system) or [], system.exact)
        if lacking := missing(system):
            told.left_out = f"not installed: {', '.join(lacking)}"
            return
        told.left_out = too_much(name, self._vectors.count, smaller, self._options.budget, free_memory())
        if told.left_out:
            return
        self._say(f"{self._vectors.count:,} vectors: building {system.name}")
        (self._folder / name).mkdir(exist_ok=True)
        worker = self._workers[name] = Worker(name, self._folder / name, self._vectors.count)
        with self._or_left_out(name):
            built = worker.ask({"do": "build"}, 2 * self._options.budget)
            told.build_seconds, told.bytes_per_vector = built["seconds"], built["bytes_per_vector"]
            told.before_bytes = built["before"]
            for k in self._options.k:
                if system.widths:
                    told.widths[k] = self._wide_enough(name, worker, k, system.widths)
                told.recall[k] = self._recall(worker, "test", k)

    def _wide_enough(self, name: str, worker: Worker, k: int, widths: Sequence[int]) -> int:
        for width in widths:
            worker.ask({"do": "widen", "width": width}, 60)
            if width >= k and self._recall(worker, "tuning", k) >= ENOUGH:
                break
        return width

    def _recall(self, worker: Worker, name: str, k: int) -> float:
        worker.ask({"do": "answer", "queries": name, "k": k}, 2 * self._options.budget)
        return self._truth.recall(name, k, worker.positions())

    def _take_turns(self) -> None:
        for number in range(self._options.rounds):
            self._say(f"{self._vectors.count:,} vectors: round {number + 1} of {self._options.rounds}")
            for k in self._options.k:
                for batch in self._options.batches:
                    names = list(self._workers)
                    turn = number % max(1, len(names))
                    for name in names[turn:] + names[:turn]:
                        self._time(name, k, batch)

    def _time(self, name: str, k: int, batch: int) -> None:
        told, worker = self.told[name], self._workers[name]
        with self._or_left_out(name):
            if k in told.widths:
                worker.ask({"do": "widen", "width": told.widths[k]}, 60)
            request = {"do": "time", "batch": batch, "k": k, "seconds": self._options.seconds}
            taken = worker.ask(request, 2 * self._options.budget)
            told.rounds.setdefault(k, {}).setdefault(batch, []).append(taken)

    def _or_left_out(self, name: str) -> Any:
        return _LeftOut(self._workers, self.told[name])


class _LeftOut:
    """Where a worker fails, its system is left out and the others go on."""

    def __init__(self, workers: dict[str, Worker], told: Measured) -> None:
        self._workers, self._told = workers, told

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        if isinstance(error, WorkerFailed):
            self._told.left_out = str(error)
            self._workers.pop(self._told.system).close()
            return True
        return False


def too_much(name: str, count: int, smaller: dict[int, dict[str, Measured]], budget: float, free: float) -> str:
    """Why a system is not tried at a size, by what it took at the largest smaller one; empty if it is.

    Time and memory, less what the program itself holds, are taken to grow with the size: less than a graph's do.
    """
    known = [size for size in sorted(smaller) if size < count and name in smaller[size]]
    if not known:
        return ""
    told, times = smaller[known[-1]][name], count / known[-1]
    if told.left_out:  # what failed for another reason may do at this size: an index that wants more vectors, say
        too_slow = any(words in told.left_out for words in ("expected", "took more"))
        return f"left out at {known[-1]:,}: {told.left_out}" if too_slow else ""
    if (seconds := told.spent() * times) > budget:
        return f"about {seconds:,.0f} s expected, more than the budget of {budget:,.0f} s"
    need = told.before_bytes + (told.peak_bytes - told.before_bytes) * times
    if need > free:
        return f"about {need / 1e9:.1f} GB expected, more than the {free / 1e9:.1f} GB that are free"
    return ""


def free_memory() -> float:
    """Bytes that can still be taken; infinite where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return float("inf")


# -- telling -----------------------------------------------------------------------------------------------------------


def ratio(over: Measured, under: Measured, k: int, batch: int) -> float:
    """Median over rounds of one system's median over the other's of the same round."""
    rounds = zip(over.rounds[k][batch], under.rounds[k][batch], strict=True)
    return statistics.median(statistics.median(one) / statistics.median(other) for one, other in rounds)


@dataclass(frozen=True)
class Verdict:
    """What Kaodex costs beside the fastest exact system, and beside IndexFlatIP."""

    vectors: int
    k: int
    batch: int
    fastest: str
    over_fastest: float
    over_flat: float

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.over_fastest <= COSTS_AT_MOST and self.over_flat <= 1


def verdicts(count: int, told: Iterable[Measured], ks: Sequence[int], sizes: Sequence[int]) -> Iterator[Verdict]:
    """One for each k and batch, where both Kaodex and IndexFlatIP were measured and the vectors are many enough.

    The `sizes` are those of batches. Kaodex's own search without a gallery is no rival.
    """
    measured = {one.system: one for one in told if not one.left_out}
    if count < FROM or not {KAODEX, FLAT} <= set(measured):
        return
    ours = measured[KAODEX]
    rivals = [one for one in measured.values() if one.exact and "kaodex" not in one.packages[0]]
    for k in ks:
        for batch in sizes:
            best = min(rivals, key=lambda one: statistics.median(one.seconds(k, batch)))
            yield Verdict(
                count,
                k,
                batch,
                best.name,
                ratio(ours, best, k, batch),
                ratio(ours, measured[FLAT], k, batch),
            )


def table(count: int, told: Sequence[Measured], ks: Sequence[int], sizes: Sequence[int]) -> str:
    """One size as a table in Markdown, with a list of what was left out."""
    heads = ["system"]
    for k in ks:
        heads += [f"recall@{k}", *(f"{batch}, ms" for batch in sizes)]
    heads += ["build, s", "bytes each", "peak, MB"]
    lines = [f"**{count:,} vectors**", "", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for one in told:
        if one.left_out:
            continue
        cells = [one.name + ("" if one.exact else " *")]
        for k in ks:
            wide = f" ({one.widths[k]})" if k in one.widths else ""
            cells.append(f"{one.recall[k]:.4f}{wide}")
            for batch in sizes:
                taken = [1000 * seconds for seconds in one.seconds(k, batch)]
                cells.append(f"{short(statistics.median(taken))} ({short(min(taken))})")
        cells += [short(one.build_seconds), f"{one.bytes_per_vector:,.0f}", f"{one.peak_bytes / 1e6:,.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    left_out = [f"- {one.name}: {one.left_out}" for one in told if one.left_out]
    return "\n".join([*lines, *(["", "Left out:", "", *left_out] if left_out else [])])


def short(number: float) -> str:
    """Three digits that count.

    >>> short(0.12345), short(12.345), short(1234.5)
    ('0.123', '12.3', '1,234')
    """
    decimals = max(0, 2 - int(np.floor(np.log10(number)))) if number > 0 else 0
    return f"{number:,.{min(decimals, 3)}f}"


def verdict_lines(all_verdicts: Sequence[Verdict]) -> str:
    """The promise and whether it is kept, as a table in Markdown."""
    lines = [
        "`Gallery.search` over the fastest exact system of the run (at most 1.05), and over IndexFlatIP (at most 1):",
        "",
        "| vectors | k | queries | fastest exact | over it | over IndexFlatIP | |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in all_verdicts:
        lines.append(
            f"| {one.vectors:,} | {one.k} | {one.batch} | {one.fastest} | {one.over_fastest:.2f} | "
            f"{one.over_flat:.2f} | {'holds' if one.holds else 'does not hold'} |"
        )
    return "\n".join(lines)


def route_table(results: dict[int, list[Measured]], ks: Sequence[int], sizes: Sequence[int]) -> str:
    """Milliseconds of every route by size and batch, the fastest in bold."""
    names = [one.name for one in next(iter(results.values()))]
    lines = []
    for k in ks:
        lines += [
            f"**k {k}**",
            "",
            "| vectors | queries | " + " | ".join(names) + " |",
            "|---" * (len(names) + 2) + "|",
        ]
        for count, told in results.items():
            for batch in sizes:
                taken = [None if one.left_out else 1000 * statistics.median(one.seconds(k, batch)) for one in told]
                least = min(one for one in taken if one is not None)
                cells = ["–" if one is None else f"**{short(one)}**" if one == least else short(one) for one in taken]
                lines.append(f"| {count:,} | {batch} | " + " | ".join(cells) + " |")
        lines.append("")
    left_out = {f"- {one.name}: {one.left_out}" for told in results.values() for one in told if one.left_out}
    return "\n".join([*lines, *(["Left out:", "", *sorted(left_out)] if left_out else [])])


def protocol(options: argparse.Namespace, what: str, told: Iterable[Measured]) -> str:
    """What was measured, on what, with which versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = sorted({package for one in told for package in one.packages})
    note = f"; {options.note}" if options.note else ""
    return (
        f"{what}; {options.rounds} rounds, {cores} cores of {processor()}{note}. Milliseconds per request: "
        f"median (best). Python {sys.version.split()[0]}, {', '.join(packages)}."
    )


def processor() -> str:
    """The processor's own name, where it can be read."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return "an unnamed processor"


# -- the command -------------------------------------------------------------------------------------------------------


def main() -> int:
    """Measure, print, write; the exit code says whether the promise is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], metavar="N")
    parser.add_argument("--batches", type=int, nargs="+", default=None, metavar="N", help="queries at once")
    parser.add_argument("--k", type=int, nargs="+", default=list(KS), metavar="N")
    parser.add_argument("--systems", nargs="+", choices=[*SYSTEMS], metavar="NAME", help=f"of {', '.join(SYSTEMS)}")
    parser.add_argument("--routes", action="store_true", help="Kaodex's exact routes against each other")
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="encodings of the pictures below a folder")
    parser.add_argument("--encoder", metavar="NAME|FOLDER", help="with --real; by default the shipped one")
    parser.add_argument("--noise", type=float, default=0.0, metavar="LENGTH",
                        help="with --real: repeat the encodings with noise up to the sizes")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="of one turn (%(default)s), one search at least")
    parser.add_argument("--budget", type=float, default=900.0, help="seconds for a system at a size (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--note", help="a word about the machine for the tables, such as `busy`")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="put the tables between this document's markers")
    parser.add_argument("--marker", metavar="NAME", help="by default `search`, `search-real` or `routes`")
    options = parser.parse_args()
    options.batches = options.batches or list(ROUTE_BATCHES if options.routes else BATCHES)
    options.systems = options.systems or [name for name in SYSTEMS if (name in ROUTES) == options.routes]
    options.marker = options.marker or ("routes" if options.routes else "search-real" if options.real else "search")
    try:
        return measure(options)
    except KaodexError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def measure(options: argparse.Namespace) -> int:
    """All sizes; the exit code."""
    results: dict[int, list[Measured]] = {}
    columns = [TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=talk, disable=not talk.is_terminal) as bar:
        task = bar.add_task("", total=len(options.sizes))

        def say(words: str) -> None:
            bar.update(task, description=words)
            if not talk.is_terminal:
                talk.print(words)

        held, asked, what = None, None, "synthetic encodings (benchmarks/vectors.py)"
        if options.real:
            say("encoding the pictures")
            held, asked, what = real_vectors(options.real, options.encoder, options.sizes, options.noise)
            options.sizes = [size for size in options.sizes if size <= len(held)] if options.noise else [len(held)]
        for count in sorted(options.sizes):
            say(f"{count:,} vectors: making them")
            with tempfile.TemporaryDirectory(prefix="kaodex-search-") as name:
                folder = Path(name)
                if held is not None and asked is not None:
                    vectors = write_vectors(folder, [held[:count].astype(np.float16)], asked)
                else:
                    new = queries(sum(ASKED.values()), count, options.seed)
                    vectors = write_vectors(folder, references(count, options.seed), new)
                known = {size: {one.system: one for one in told} for size, told in results.items()}
                results[count] = Size(folder, vectors, options, say).run(known)
            bar.advance(task)

    words = protocol(options, what, (one for told in results.values() for one in told))
    promised = [
        one for count, told in results.items() for one in verdicts(count, told, options.k, options.batches)
    ]  # fmt: skip
    if options.routes:
        tables = [route_table(results, options.k, options.batches)]
    else:
        tables = [table(count, told, options.k, options.batches) for count, told in results.items()]
        tables.append("\\* not exact; in brackets after the recall: how widely it was searched")
    if promised:
        tables.append(verdict_lines(promised))
    text = "\n\n".join([words, *tables])
    print(text)
    if options.markdown:
        put_table(options.markdown, options.marker, text)
    if options.json:
        figures = {
            "protocol": words,
            "sizes": {count: [asdict(one) for one in told] for count, told in results.items()},
            "verdicts": [asdict(one) for one in promised],
        }
        options.json.write_text(json.dumps(figures, indent=1))
    return 0 if all(one.holds for one in promised) else 1


if __name__ == "__main__":
    raise SystemExit(main())
