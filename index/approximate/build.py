"""Building an approximate index from a snapshot, and measuring what it finds before anybody relies on it."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
from jaxtyping import Bool, Float16, Float64, Int64

from index.approximate.files import AboutIndex, IndexFiles, Recall
from index.search import nearest
from index.search.approximate import MEASURED_K, ApproximateSearch
from index.search.approximate_graph import BUILD_WIDTH, LINKS, VectorGraph
from index.search.library import faiss_library
from index.shelf_files import Snapshot
from measure.interval import mean_per_identity, share_interval

AIM = 0.995
"""Recall@10 on held-out references at which no more candidates are looked at."""

WIDTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
"""Candidates that a query may look at: the first that reaches AIM is taken, or the last."""

HELD_OUT = 1000
"""References that are asked with, of either sort; never more than a twentieth of all."""

METHOD = f"HNSW with {LINKS} links in 8 bits, ranked again in float16"

_PIECE = 8192
_SAMPLE = 65_536
_ASKED_AT_ONCE = 64
_SEED = 0


class BuildStopped(Exception):
    """Somebody asked the building to stop; nothing is left of it."""


def build_index(
    snapshot: Snapshot,
    files: IndexFiles,
    *,
    advance: Callable[[int], object] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> AboutIndex | None:
    """Build, measure and write the index of a snapshot; None where another process is building one.

    `advance` is told of references as they are linked, `stop` asked between pieces. What is held in memory is the
    index, about 400 bytes for a reference of 256 numbers; the vectors stay on the disk. Raises BuildStopped, and
    OSError where it cannot be written.
    """
    with files.building() as mine:
        return _build(snapshot, files, advance, stop) if mine else None


def _build(
    snapshot: Snapshot, files: IndexFiles, advance: Callable[[int], object], stop: Callable[[], bool]
) -> AboutIndex:
    begun = perf_counter()
    vectors = snapshot.vectors()
    references, identities = np.array(snapshot.column("references")), np.array(snapshot.column("identities"))
    mated, strangers = hold_out(identities)
    asking = np.concatenate([mated, strangers])
    out = np.zeros(len(references), bool)
    out[asking] = True
    order = np.concatenate([np.flatnonzero(~out), asking])
    known = len(order) - len(asking)

    graph = VectorGraph(snapshot.stamp.dimension)
    sample = np.random.default_rng(_SEED).choice(order[:known], min(known, _SAMPLE), replace=False)
    graph.fit(vectors[np.sort(sample)])
    _add(graph, vectors, order[:known], advance, stop)
    exact = _ask_exactly(vectors, asking, out, stop)
    search = ApproximateSearch(graph, references[order[:known]], WIDTHS[0])
    search.follow(references, out)
    recall, width = None, WIDTHS[0]
    for width in WIDTHS:
        search.width = width
        recalls = _recalls(search, vectors, asking, out, exact, stop)
        recall = _summary(recalls[: len(mated)], identities[mated])
        if recall is None or recall.recall >= AIM:
            break
    _add(graph, vectors, order[known:], advance, stop)
    return files.write(
        graph,
        references[order],
        {
            "method": METHOD,
            "width": width,
            "encoder": snapshot.stamp.encoder,
            "dimension": snapshot.stamp.dimension,
            "count": len(order),
            "revision": snapshot.stamp.revision,
            "witness": snapshot.stamp.witness,
            "faiss": f"{faiss_library().__version__}, efConstruction {BUILD_WIDTH}",
            "seconds": round(perf_counter() - begun, 1),
            "recall": recall,
            "strangers": _summary(recalls[len(mated) :], identities[strangers]),
        },
    )


def hold_out(
    identities: Int64[np.ndarray, " references"], most: int = HELD_OUT
) -> tuple[Int64[np.ndarray, " mated"], Int64[np.ndarray, " strangers"]]:
    """Positions of references to ask with, which the graph does not hold when it is measured.

    A vector that is in a graph leads to its own neighbours, so that asking with it would find more than asking with a
    new picture does. The first are references whose identity stays, the second all those of some identities, as
    strangers are; each at most `most`, and at most a twentieth of all. Large identities are not held out whole.
    """
    random = np.random.default_rng(_SEED)
    most = min(most, len(identities) // 20)
    _, whose, counts = np.unique(identities, return_inverse=True, return_counts=True)
    people = random.permutation(np.flatnonzero(counts <= max(1, most // 2)))
    chosen = people[np.cumsum(counts[people]) <= most]
    strangers = np.flatnonzero(np.isin(whose, chosen))
    others = np.flatnonzero(~np.isin(whose, chosen))
    mated = np.sort(random.choice(others, min(most, len(others)), replace=False))
    return mated, strangers


def _add(
    graph: VectorGraph,
    vectors: Float16[np.ndarray, "references dim"],
    positions: Int64[np.ndarray, " some"],
    advance: Callable[[int], object],
    stop: Callable[[], bool],
) -> None:
    for start in range(0, len(positions), _PIECE):
        if stop():
            raise BuildStopped
        piece = positions[start : start + _PIECE]
        graph.add(vectors[piece])
        advance(len(piece))


def _ask_exactly(
    vectors: Float16[np.ndarray, "references dim"],
    asking: Int64[np.ndarray, " queries"],
    out: Bool[np.ndarray, " references"],
    stop: Callable[[], bool],
) -> Int64[np.ndarray, "queries k"]:
    found = [np.zeros((0, MEASURED_K), np.int64)]
    for start in range(0, len(asking), _ASKED_AT_ONCE):
        if stop():
            raise BuildStopped
        queries = vectors[asking[start : start + _ASKED_AT_ONCE]].astype(np.float32)
        found.append(nearest(vectors, queries, min(MEASURED_K, len(vectors)), out)[1])
    return np.concatenate(found)


def _recalls(search, vectors, asking, out, exact, stop) -> Float64[np.ndarray, " queries"]:
    recalls = np.zeros(len(asking))
    for start in range(0, len(asking), _ASKED_AT_ONCE):
        if stop():
            raise BuildStopped
        some = slice(start, start + _ASKED_AT_ONCE)
        _, found = search.search(vectors, vectors[asking[some]].astype(np.float32), MEASURED_K, out)
        recalls[some] = recall_at(found, exact[some])
    return recalls


def recall_at(
    found: Int64[np.ndarray, "queries k"], exact: Int64[np.ndarray, "queries k"]
) -> Float64[np.ndarray, " queries"]:
    """Of each query's exact neighbours, the share that was found; -1 is none, and a query without any has 1.

    >>> recall_at(np.int64([[3, 1], [7, 5]]), np.int64([[1, 2], [7, -1]])).tolist()
    [0.5, 1.0]
    """
    there = exact >= 0
    hit = (exact[:, :, None] == found[:, None, :]).any(axis=2) & there
    return np.where(there.any(axis=1), hit.sum(axis=1) / np.maximum(1, there.sum(axis=1)), 1.0)


def _summary(recalls: Float64[np.ndarray, " queries"], identities: Int64[np.ndarray, " queries"]) -> Recall | None:
    people, whose = np.unique(identities, return_inverse=True)
    if len(people) < 2:
        return None
    values = mean_per_identity(recalls, whose.astype(np.int64), len(people))
    low, high = share_interval(values)
    return Recall(float(values.mean()), low, high, len(recalls))
