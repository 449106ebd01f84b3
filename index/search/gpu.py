"""A copy of the vectors on one GPU or several, which proposes neighbours; the CPU's copy ranks them.

FAISS on a GPU can neither take vectors out nor leave some out of a search. So what was removed is asked for and
dropped, and when that has become much the copy is made anew without it.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int64

from data.errors import MissingDependency
from index.search.candidates import Candidates, float32_bound, live, settle
from index.search.library import count_gpus, faiss_library
from index.search.product import all_similarities

MOST_ON_GPU = 2048
"""The k that FAISS allows on a GPU."""

MOST_REMOVED = 512
"""Removed vectors that the copy may hold; they make every search that much deeper."""

WORTH_A_GPU = 100_000
"""Vectors from which `auto` goes to the GPU: below, the CPU answers before the GPU is ready."""

TEMPORARY_BYTES = 512 << 20
_STEP = 262_144

log = logging.getLogger(__name__)


class GpuVectors:
    """Float16 copies of the vectors' pieces on GPUs, each piece on one of them."""

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
        self._failed = False

    @property
    def usable(self) -> bool:
        """Whether the copies stand and can be asked."""
        return bool(self._indexes) and not self._failed

    @property
    def failed(self) -> bool:
        """Whether the GPU was given up, because it is full or broken."""
        return self._failed

    @property
    def device(self) -> str:
        """`cuda:0`, or several with commas; `cpu` where nothing is copied."""
        return ",".join(f"cuda:{number}" for number in self._numbers) if self.usable else "cpu"

    def follow(self, vectors: Float16[np.ndarray, "vectors dim"], removed: Bool[np.ndarray, " vectors"] | None) -> None:
        """Copy what came since, or all anew where much of the copy is removed; give the GPU up where that fails."""
        if self._failed or len(vectors) < self._least:
            return
        self._removed_here = 0
        if removed is not None and self._indexes:
            held = np.concatenate([of for pieces in self._positions for of in pieces])
            self._removed_here = int(np.count_nonzero(removed[held]))
        try:
            if not self._indexes or len(vectors) < self._known or self._removed_here > MOST_REMOVED:
                self._start()
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
        except RuntimeError as error:  # FAISS: out of memory, or a CUDA error
            self._indexes, self._positions, self._failed = [], [], True
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            log.warning("searching on the CPU: the GPU cannot hold %s vectors (%s)", f"{len(vectors):,}", first)

    def candidates(
        self,
        vectors: Float16[np.ndarray, "vectors dim"],
        queries: Float32[np.ndarray, "queries dim"],
        k: int,
        removed: Bool[np.ndarray, " vectors"] | None,
    ) -> Candidates:
        """All positions that can be among the k nearest of each query, by what the GPUs propose."""
        # both factors rounded to float16, the products summed in float32: u = 2^-11 twice, and float32's own bound
        bound = 2.1 * 2.0**-11 + float32_bound(self._dimension)
        everything = partial(all_similarities, vectors, removed=removed)
        count = live(removed, len(vectors))
        most = MOST_ON_GPU - self._removed_here
        return settle(partial(self._propose, removed=removed), everything, queries, k, bound, count, most)

    def _propose(
        self, queries: Float32[np.ndarray, "queries dim"], k: int, removed: Bool[np.ndarray, " vectors"] | None
    ) -> tuple[Float32[np.ndarray, "queries found"], Int64[np.ndarray, "queries found"]]:
        deep = k + self._removed_here
        with ThreadPoolExecutor(len(self._indexes)) as pool:
            found = list(pool.map(lambda index: index.search(queries, min(deep, MOST_ON_GPU)), self._indexes))
        near, where = [], []
        for (similarities, places), pieces in zip(found, self._positions, strict=True):
            positions = np.where(places >= 0, np.append(np.concatenate(pieces), -1)[places], -1)
            gone = positions < 0 if removed is None else (positions < 0) | removed[positions]
            near.append(np.where(gone, np.float32(-np.inf), similarities))
            where.append(np.where(gone, -1, positions))
        similarities, positions = np.concatenate(near, axis=1), np.concatenate(where, axis=1)
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(similarities, order, 1), np.take_along_axis(positions, order, 1)

    def _start(self) -> None:
        """Empty indexes on all devices."""
        faiss = faiss_library()
        self._indexes, self._positions, self._known, self._left_out = [], [], 0, np.zeros(0, np.int64)
        for number in self._numbers:
            resources = faiss.StandardGpuResources()
            resources.setTempMemory(TEMPORARY_BYTES)
            configuration = faiss.GpuIndexFlatConfig()
            configuration.useFloat16 = True
            configuration.device = number
            self._indexes.append(faiss.GpuIndexFlatIP(resources, self._dimension, configuration))
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
