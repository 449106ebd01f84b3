"""A copy of the vectors on one GPU or several, which proposes neighbours; the CPU's copy ranks them.

FAISS on a GPU can neither take vectors out nor leave some out of a search. So what was removed is asked for and
dropped, and when that has become much the copy is made anew without it. Where float16 does not fit, an inverted file in
8 bits may take its place, if its recall is enough.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int64

from data.errors import MissingDependency
from index.search.candidates import Candidates, float32_bound, live, rank, settle
from index.search.library import count_gpus, faiss_library
from index.search.product import all_similarities, nearest_by_product

MOST_ON_GPU = 2048
"""The k that FAISS allows on a GPU."""

MOST_REMOVED = 512
"""Removed vectors that the copy may hold; they make every search that much deeper."""

WORTH_A_GPU = 100_000
"""Vectors from which `auto` goes to the GPU: below, the CPU answers before the GPU is ready."""

TEMPORARY_BYTES = 512 << 20

LEAST_RECALL, AIM = 0.99, 0.995
"""Recall@10 below which an inverted file is not used, and at which it looks no farther."""

WIDER = 4
"""An inverted file in 8 bits proposes so many times k, because it rounds."""

_ASKED, _NEAREST = 256, 10
_STEP = 262_144
_TRAINED_BY = 64  # vectors for each list

log = logging.getLogger(__name__)


class GpuVectors:
    """Copies of the vectors' pieces on GPUs, each piece on one of them."""

    def __init__(self, dimension: int, numbers: list[int], least: int = 0) -> None:
        """Below `least` vectors nothing is copied, and `usable` is False."""
        self._dimension = dimension
        self._numbers = numbers
        self._least = least
        self._indexes: list[Any] = []
        self._positions: list[list[Int64[np.ndarray, " some"]]] = []
        self._known = 0
        self._left_out = np.zeros(0, np.int64)
        self._removed_here = 0
        self._inverted = False
        self._probes = 0
        self._failed = False

    @property
    def usable(self) -> bool:
        """Whether the copies stand and can be asked."""
        return bool(self._indexes) and not self._failed

    def device(self, count: int) -> str:
        """Where so many vectors are searched: `cuda:0`, or several with commas; `cpu` for few, or where that failed."""
        if self._failed or count < self._least:
            return "cpu"
        return ",".join(f"cuda:{number}" for number in self._numbers)

    def follow(
        self,
        vectors: Float16[np.ndarray, "vectors dim"],
        removed: Bool[np.ndarray, " vectors"] | None,
        approximate_beyond: int | None = None,
    ) -> None:
        """Copy what came since, or all anew where much of the copy is removed; give the GPU up where that fails.

        Of more than `approximate_beyond` vectors that do not fit in float16 an inverted file is tried.
        """
        if self._failed or len(vectors) < self._least:
            return
        try:
            self._copy(vectors, removed)
        except RuntimeError as error:  # FAISS: out of memory, or a CUDA error
            self._indexes = []
            may = approximate_beyond is not None and len(vectors) > approximate_beyond and not self._inverted
            why = self._invert(vectors, removed) if may else ""
            if not self._indexes:
                self._failed = True
                first = why or (str(error).strip().splitlines() or [type(error).__name__])[0]
                log.warning("searching on the CPU: the GPU cannot hold %s vectors (%s)", f"{len(vectors):,}", first)

    def _copy(self, vectors: Float16[np.ndarray, "vectors dim"], removed: Bool[np.ndarray, " vectors"] | None) -> None:
        self._removed_here = 0
        if removed is not None and self._indexes:
            held = np.concatenate([of for pieces in self._positions for of in pieces])
            self._removed_here = int(np.count_nonzero(removed[held]))
        if not self._indexes or len(vectors) < self._known or self._removed_here > MOST_REMOVED:
            self._start(vectors)
            self._removed_here = 0
        wanted = np.concatenate([self._left_out, np.arange(self._known, len(vectors))])
        out = removed[wanted] if removed is not None else np.zeros(len(wanted), bool)
        wanted, self._left_out = wanted[~out], wanted[out]  # what was left out may come back
        for start in range(0, len(wanted), _STEP):
            some = wanted[start : start + _STEP]
            least = int(np.argmin([index.ntotal for index in self._indexes]))
            self._indexes[least].add(vectors[some].astype(np.float32))
            self._positions[least].append(some)
        self._known = len(vectors)

    def _invert(self, vectors: Float16[np.ndarray, "vectors dim"], removed: Bool[np.ndarray, " vectors"] | None) -> str:
        """Copy all into inverted files and see that they find enough; why not, where nothing came of it."""
        self._inverted = True
        try:
            self._copy(vectors, removed)
            probes, recall = self._widen(vectors, removed)
        except RuntimeError as error:
            self._indexes = []
            return (str(error).strip().splitlines() or [type(error).__name__])[0]
        if recall < LEAST_RECALL:
            self._indexes = []
            return f"and an inverted file there finds only {recall:.3f} of the {_NEAREST} nearest"
        log.warning(
            "the GPU cannot hold %s vectors in float16: an inverted file in 8 bits takes their place (recall@%d %.3f, "
            "%d lists looked into)", f"{len(vectors):,}", _NEAREST, recall, probes,
        )  # fmt: skip
        return ""

    def _widen(
        self, vectors: Float16[np.ndarray, "vectors dim"], removed: Bool[np.ndarray, " vectors"] | None
    ) -> tuple[int, float]:
        """Look into more lists until enough is found of the nearest of some of the vectors; how many, and how much."""
        enrolled = np.flatnonzero(~removed) if removed is not None else np.arange(len(vectors))
        asked = np.random.default_rng(0).permutation(enrolled)[:_ASKED]
        queries = vectors[asked].astype(np.float32)
        _, exact = nearest_by_product(vectors, queries, _NEAREST + 1, removed)
        probes, recall = 4, 0.0
        lists = min(index.nlist for index in self._indexes)
        while recall < AIM and probes < min(lists, MOST_ON_GPU):
            probes = min(2 * probes, lists, MOST_ON_GPU)
            for index in self._indexes:
                index.nprobe = probes
            found = rank(vectors, queries, self.candidates(vectors, queries, _NEAREST + 1, removed), _NEAREST + 1)[1]
            shares = [
                np.isin(one[one != own], other[other != own]).mean()
                for one, other, own in zip(exact, found, asked, strict=True)
            ]
            recall = float(np.mean(shares))
        self._probes = probes
        return probes, recall

    def candidates(
        self,
        vectors: Float16[np.ndarray, "vectors dim"],
        queries: Float32[np.ndarray, "queries dim"],
        k: int,
        removed: Bool[np.ndarray, " vectors"] | None,
    ) -> Candidates:
        """All positions that can be among the k nearest of each query, by what the GPUs propose.

        From inverted files, those of them that were found.
        """
        count, most = live(removed, len(vectors)), MOST_ON_GPU - self._removed_here
        if self._inverted:
            _, positions = self._propose(queries, min(WIDER * k, most), removed=removed)
            row, column = np.nonzero(positions >= 0)
            return Candidates(row.astype(np.int64), positions[row, column])
        # both factors rounded to float16, the products summed in float32: u = 2^-11 twice, and float32's own bound
        bound = 2.1 * 2.0**-11 + float32_bound(self._dimension)
        everything = partial(all_similarities, vectors, removed=removed)
        return settle(partial(self._propose, removed=removed), everything, queries, k, bound, count, most)

    def _propose(
        self, queries: Float32[np.ndarray, "queries dim"], k: int, removed: Bool[np.ndarray, " vectors"] | None
    ) -> tuple[Float32[np.ndarray, "queries found"], Int64[np.ndarray, "queries found"]]:
        deep = min(k + self._removed_here, MOST_ON_GPU)
        with ThreadPoolExecutor(len(self._indexes)) as pool:
            found = list(pool.map(lambda index: index.search(queries, deep), self._indexes))
        near, where = [], []
        for (similarities, places), pieces in zip(found, self._positions, strict=True):
            positions = np.where(places >= 0, np.append(np.concatenate(pieces), -1)[places], -1)
            gone = positions < 0 if removed is None else (positions < 0) | removed[positions]
            near.append(np.where(gone, np.float32(-np.inf), similarities))
            where.append(np.where(gone, -1, positions))
        similarities, positions = np.concatenate(near, axis=1), np.concatenate(where, axis=1)
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(similarities, order, 1), np.take_along_axis(positions, order, 1)

    def _start(self, vectors: Float16[np.ndarray, "vectors dim"]) -> None:
        """Empty indexes on all devices; inverted files learn their lists from a sample of the vectors."""
        faiss = faiss_library()
        self._indexes, self._positions, self._known, self._left_out = [], [], 0, np.zeros(0, np.int64)
        for number in self._numbers:
            resources = faiss.StandardGpuResources()
            resources.setTempMemory(TEMPORARY_BYTES)
            if self._inverted:
                lists = max(1, int(4 * np.sqrt(len(vectors) / len(self._numbers))))
                settings = faiss.GpuIndexIVFScalarQuantizerConfig()
                settings.device = number
                index = faiss.GpuIndexIVFScalarQuantizer(
                    resources, self._dimension, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, True,
                    settings,
                )  # fmt: skip
                sample = np.random.default_rng(0).choice(
                    len(vectors), min(len(vectors), _TRAINED_BY * lists), replace=False
                )
                index.train(vectors[np.sort(sample)].astype(np.float32))
                index.nprobe = min(self._probes or lists, lists, MOST_ON_GPU)
            else:
                settings = faiss.GpuIndexFlatConfig()
                settings.useFloat16 = True
                settings.device = number
                index = faiss.GpuIndexFlatIP(resources, self._dimension, settings)
            self._indexes.append(index)
            self._positions.append([np.zeros(0, np.int64)])


def gpu_vectors(dimension: int, device: str) -> GpuVectors | None:
    """Copies on the GPU that was asked for, or with `auto` on all, if there are any; None for the CPU.

    Raises MissingDependency where FAISS does not see the GPU that was asked for.
    """
    if device == "cpu":
        return None
    seen = count_gpus()
    if device == "auto":
        return GpuVectors(dimension, list(range(seen)), WORTH_A_GPU) if seen else None
    number = int(device.partition(":")[2] or 0)
    if number >= seen:
        raise MissingDependency(
            f"FAISS sees {seen or 'no'} GPU{'s' if seen > 1 else ''}, not the one of device {device!r}: install "
            "kaodex[gpu] on a machine that has it, or use --device cpu"
        )
    return GpuVectors(dimension, [number])
