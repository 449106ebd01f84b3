"""Approximate search: Kaodex's index beside other ways of FAISS, hnswlib and usearch, all at the same recall.

    python benchmarks/approximate.py [--count N]... [--systems WORDS] [--json FILE]

All are given the same vectors (`vectors.py`) in one process. Of each system's widths the narrowest is taken that finds
99 % of the exact ten nearest of 1,000 new pictures of enrolled identities; recall is then told on 1,000 others, and on
1,000 pictures of nobody who is enrolled. The systems take turns in being timed, so that other work on the machine meets
all of them alike; what counts is the ratio to the best graph of the same round.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from search_systems import Hnswlib, Positions, Queries, System, UsearchGraph, VectorFile, versions
from vectors import DIMENSION, EACH, SyntheticEncodings, references

K = 10
ENOUGH = 0.99
ASKED = 1000
BATCHES = (1, 32, 256)
WIDTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
PROBES = (8, 16, 32, 64, 128, 192, 256, 384, 512, 768, 1024)
SECONDS = 1.0
RIVALS = ("hnswlib", "usearch")

talk = Console(stderr=True, highlight=False)


class KaodexIndex(System):
    """The index of `index.search.approximate`: a graph in 8 bits, ranked again on the float16 numbers."""

    name = "Kaodex, approximate"
    packages = ("kaodex", "faiss-cpu|faiss-gpu")
    exact = False
    widths = WIDTHS

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Block by block, as from a snapshot."""
        from index.search.approximate import ApproximateSearch
        from index.search.approximate_graph import VectorGraph

        graph = VectorGraph(DIMENSION)
        self._vectors = np.fromfile(vectors.path, np.float16).reshape(vectors.count, DIMENSION)
        graph.fit(self._vectors)
        for block in vectors.blocks():
            graph.add(block)
        ids = np.arange(vectors.count)
        self._search = ApproximateSearch(graph, ids, WIDTHS[0])
        self._search.follow(ids, None)
        graph.write(folder / "graph")
        self.bytes_per_vector = (folder / "graph").stat().st_size / vectors.count + 2 * DIMENSION

    def widen(self, width: int) -> None:
        """Candidates while searching."""
        self._search.width = width

    def search(self, queries: Queries, k: int) -> Positions:
        """As a shelf asks."""
        return self._search.search(self._vectors, queries, k)[1]


class Ranked(System):
    """An index of FAISS that proposes, ranked again on the float16 numbers."""

    packages = ("faiss-cpu|faiss-gpu",)
    exact = False
    _proposed = 120

    def build(self, vectors: VectorFile, folder: Path) -> None:
        """Trained on a sample of 64 for each list, or 65,536."""
        import faiss

        self._vectors = np.fromfile(vectors.path, np.float16).reshape(vectors.count, DIMENSION)
        lists = 2 ** round(np.log2(2 * np.sqrt(vectors.count)))
        self._index = self._make(faiss, lists)
        step = max(1, vectors.count // max(64 * lists, 65_536))
        self._index.train(self._vectors[::step].astype(np.float32))
        for block in vectors.blocks():
            self._index.add(block.astype(np.float32))
        faiss.write_index(self._index, str(folder / "index"))
        self.bytes_per_vector = (folder / "index").stat().st_size / vectors.count + 2 * DIMENSION

    def _make(self, faiss: Any, lists: int) -> Any:
        raise NotImplementedError

    def search(self, queries: Queries, k: int) -> Positions:
        """Propose, and rank."""
        rows = self._index.search(queries, self._proposed)[1]
        near = np.matmul(self._vectors[rows].astype(np.float32), queries[:, :, None])[:, :, 0]
        near[rows < 0] = -np.inf
        return np.take_along_axis(rows, np.argsort(-near, axis=1)[:, :k], 1)


class Lists(Ranked):
    """An inverted file: about twice the root of the vectors' number in lists."""

    widths = PROBES

    def widen(self, width: int) -> None:
        """Lists that are looked into."""
        self._index.nprobe = min(width, self._index.nlist)

    def _quantizer(self, faiss: Any) -> Any:
        self._kept = faiss.IndexFlatIP(DIMENSION)  # FAISS keeps no reference of its own
        return self._kept


class ListsRaBitQ(Lists):
    """One bit for a number, scanned in registers."""

    name = "FAISS IVF, RaBitQ fast scan"

    def _make(self, faiss: Any, lists: int) -> Any:
        return faiss.IndexIVFRaBitQFastScan(self._quantizer(faiss), DIMENSION, lists, faiss.METRIC_INNER_PRODUCT)


class ListsProduct(Lists):
    """Product quantisation: four bits for two numbers, scanned in registers."""

    name = "FAISS IVF, PQ 128x4 fast scan"

    def _make(self, faiss: Any, lists: int) -> Any:
        quantizer, metric = self._quantizer(faiss), faiss.METRIC_INNER_PRODUCT
        return faiss.IndexIVFPQFastScan(quantizer, DIMENSION, lists, DIMENSION // 2, 4, metric)


class ListsScalar(Lists):
    """Eight bits for a number."""

    name = "FAISS IVF, 8 bits"
    _proposed = 20

    def _make(self, faiss: Any, lists: int) -> Any:
        kind, metric = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        return faiss.IndexIVFScalarQuantizer(self._quantizer(faiss), DIMENSION, lists, kind, metric, True)


class HalfGraph(Ranked):
    """The graph of Kaodex's index over float16 numbers."""

    name = "FAISS HNSW, float16"
    widths = WIDTHS
    _proposed = K

    def _make(self, faiss: Any, lists: int) -> Any:
        index = faiss.IndexHNSWSQ(DIMENSION, faiss.ScalarQuantizer.QT_fp16, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 80
        return index

    def widen(self, width: int) -> None:
        """Candidates while searching."""
        self._index.hnsw.efSearch = width


class WideHnswlib(Hnswlib):
    """hnswlib from the narrowest search on."""

    widths = WIDTHS


class WideUsearch(UsearchGraph):
    """usearch likewise."""

    widths = WIDTHS


SYSTEMS: dict[str, Callable[[], System]] = {
    "kaodex": KaodexIndex,
    "hnswlib": WideHnswlib,
    "usearch": WideUsearch,
    "hnsw-fp16": HalfGraph,
    "ivf-rabitq": ListsRaBitQ,
    "ivf-pq": ListsProduct,
    "ivf-sq8": ListsScalar,
}


@dataclass
class Measured:
    """One system at one size."""

    system: str
    name: str
    packages: list[str]
    build_seconds: float
    bytes_per_vector: float
    width: int = 0
    recall: float = 0
    strangers: float = 0
    rounds: dict[int, list[float]] = field(default_factory=dict)
    """Seconds by batch: of each round the median."""


@dataclass(frozen=True)
class Questions:
    """New pictures, and the exact ten nearest of each."""

    queries: Queries
    exact: Positions

    def recall(self, system: System) -> float:
        """The share of the exact nearest that a system finds."""
        found = system.search(self.queries, K)
        return float((self.exact[:, :, None] == found[:, None, :]).any(axis=2).mean())


def ask_exactly(vectors: VectorFile, queries: Queries) -> Questions:
    """Questions with their answers, by Kaodex's exact search."""
    from index.search import VectorSearch

    search = VectorSearch(DIMENSION, "cpu")
    for block in vectors.blocks():
        search.add(block)
    return Questions(queries, search.search(queries, K)[1])


def draw_queries(count: int) -> tuple[NDArray[np.float32], ...]:
    """For tuning and for telling: new pictures of the enrolled; and pictures of others."""
    people = SyntheticEncodings(2 * (count // EACH + 1))
    random = np.random.default_rng(2)
    enrolled = random.integers(0, count // EACH, 2 * ASKED)
    strangers = random.integers(len(people) // 2, len(people), ASKED)
    asked = people.pictures(np.concatenate([enrolled, strangers]), 0)
    return asked[:ASKED], asked[ASKED : 2 * ASKED], asked[2 * ASKED :]


def measure(count: int, names: list[str], rounds: int, folder: Path) -> list[Measured]:
    """Build, tune and time every system at one size."""
    with (folder / "vectors.f16").open("wb") as file:
        for block in references(count):
            block.tofile(file)
    vectors = VectorFile(folder / "vectors.f16", count)
    tuning, telling, strangers = (ask_exactly(vectors, queries) for queries in draw_queries(count))
    told: list[Measured] = []
    systems: dict[str, System] = {}
    for name in names:
        system = SYSTEMS[name]()
        packages = versions(system)
        if packages is None:
            talk.print(f"{system.name} is not installed: {', '.join(system.packages)}")
            continue
        talk.print(f"{count:,}: building {system.name}")
        (folder / name).mkdir()
        begun = time.perf_counter()
        system.build(vectors, folder / name)
        one = Measured(name, system.name, packages, time.perf_counter() - begun, system.bytes_per_vector)
        for one.width in system.widths:
            system.widen(one.width)
            if one.width >= (K if system.widths is WIDTHS else 1) and tuning.recall(system) >= ENOUGH:
                break
        one.recall, one.strangers = telling.recall(system), strangers.recall(system)
        told.append(one)
        systems[name] = system
    for number in range(rounds):
        turn = number % max(1, len(told))
        for batch in BATCHES:
            for one in told[turn:] + told[:turn]:
                one.rounds.setdefault(batch, []).append(_time(systems[one.system], telling.queries, batch))
    return told


def _time(system: System, queries: Queries, batch: int) -> float:
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(taken) < 3:
        start = (len(taken) * batch) % (len(queries) - batch)
        some = queries[start : start + batch]
        begun = time.perf_counter()
        system.search(some, K)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def ratio(told: list[Measured], batch: int) -> float:
    """Kaodex's time over the best graph's of the same round, in the median over rounds."""
    by_name = {one.system: one for one in told}
    rivals = [
        by_name[name].rounds[batch] for name in RIVALS if name in by_name and by_name[name].recall >= ENOUGH - 0.01
    ]
    ours = by_name["kaodex"].rounds[batch]
    best = [min(times) for times in zip(*rivals, strict=True)]
    return statistics.median(mine / theirs for mine, theirs in zip(ours, best, strict=True))


def table(count: int, told: list[Measured]) -> str:
    """One size as a table in Markdown."""
    heads = [
        "system",
        "width",
        "recall@10",
        "strangers",
        *(f"{batch}, ms" for batch in BATCHES),
        "build, s",
        "bytes each",
    ]
    lines = [f"**{count:,} vectors**", "", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for one in told:
        times = [f"{1000 * statistics.median(one.rounds[batch]):.3g}" for batch in BATCHES]
        cells = [one.name, str(one.width), f"{one.recall:.4f}", f"{one.strangers:.3f}", *times]
        lines.append("| " + " | ".join([*cells, f"{one.build_seconds:,.0f}", f"{one.bytes_per_vector:,.0f}"]) + " |")
    names = {one.system for one in told}
    if "kaodex" in names and names & set(RIVALS):
        over = ", ".join(f"{ratio(told, batch):.2f} for {batch}" for batch in BATCHES)
        lines += ["", f"Kaodex over the best graph of the same round: {over} (aim: at most 1.1)"]
    return "\n".join(lines)


def main() -> None:
    """Measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, action="append", help="vectors; may be given several times [100000]")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help=f"with commas, of {','.join(SYSTEMS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    results = {}
    for count in options.count or [100_000]:
        with tempfile.TemporaryDirectory() as folder:
            told = measure(count, options.systems.split(","), options.rounds, Path(folder))
        results[count] = [asdict(one) for one in told]
        print(table(count, told), end="\n\n", flush=True)
        print("; ".join(sorted({package for one in told for package in one.packages})), end="\n\n")
        if options.json:
            options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
