"""Exact search by inner product with FAISS, on the CPU or on a GPU."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float16, Float32, Int64

from data.errors import MissingDependency

MOST_NEIGHBOURS = 2048
"""The k that FAISS allows on a GPU; one bound for all devices keeps answers the same everywhere."""


class ExactSearch:
    """Float16 vectors under positions 0, 1, 2 …, searched without approximation.

    The similarities are those of the stored float16 values with the float32 query. Vectors can be added, not removed:
    who owns the search masks removed positions and builds a new one when they become many.
    """

    def __init__(self, dimension: int, device: str = "auto") -> None:
        """`device` is `auto` (a GPU where FAISS sees one), `cpu`, or `cuda:N`.

        Raises MissingDependency without FAISS, or without the GPU that was asked for.
        """
        faiss = _faiss()
        self.dimension = dimension
        self.device = "cpu"
        self._resources = None
        devices = count_gpus()
        if device != "cpu" and devices:
            number = int(device.partition(":")[2] or 0)
            configuration = faiss.GpuIndexFlatConfig()
            configuration.useFloat16 = True
            configuration.device = number
            self._resources = faiss.StandardGpuResources()
            self._index = faiss.GpuIndexFlatIP(self._resources, dimension, configuration)
            self.device = f"cuda:{number}"
        elif device.startswith("cuda"):
            raise MissingDependency(
                f"FAISS sees no GPU for device {device!r}: install kaodex[gpu] on a machine that has one, "
                "or use --device cpu"
            )
        else:
            # one query over 100,000 x 256 takes a fifth of IndexFlatIP's time, a batch half of it
            self._index = faiss.IndexScalarQuantizer(
                dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
            )

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, vectors: Float16[np.ndarray, "vectors dim"]) -> None:
        """Append vectors; their positions go on from `len(self)`. Raises ValueError for another dimension."""
        if vectors.shape[1] != self.dimension:
            raise ValueError(f"vectors of {vectors.shape[1]} numbers do not fit a search over {self.dimension}")
        step = 65536  # FAISS takes float32: convert piece by piece, so that a million references need no second copy
        for start in range(0, len(vectors), step):
            self._index.add(np.ascontiguousarray(vectors[start : start + step], np.float32))

    def vectors(self) -> Float16[np.ndarray, "vectors dim"]:
        """All vectors by position: on the CPU a view of the index's own memory, valid until the next `add`."""
        if not len(self):
            return np.empty((0, self.dimension), np.float16)
        if self.device != "cpu":
            return self._index.reconstruct_n(0, len(self)).astype(np.float16)
        codes = _faiss().rev_swig_ptr(self._index.codes.data(), self._index.codes.size())
        return codes.view(np.float16).reshape(len(self), self.dimension)

    def search(
        self, queries: Float32[np.ndarray, "queries dim"], k: int
    ) -> tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]:
        """The k nearest positions of each query, best first, with their similarities; past the last: -inf and -1."""
        if queries.shape[1] != self.dimension:
            raise ValueError(f"queries of {queries.shape[1]} numbers do not fit a search over {self.dimension}")
        if not 1 <= k <= MOST_NEIGHBOURS:
            raise ValueError(f"k must be between 1 and {MOST_NEIGHBOURS}, not {k}")
        if not len(queries) or not len(self):
            return np.full((len(queries), k), -np.inf, np.float32), np.full((len(queries), k), -1, np.int64)
        similarities, positions = self._index.search(np.ascontiguousarray(queries, np.float32), k)
        return np.where(positions >= 0, similarities, -np.inf).astype(np.float32), positions.astype(np.int64)


def count_gpus() -> int:
    """How many GPUs FAISS can search on. Raises MissingDependency without FAISS."""
    return int(getattr(_faiss(), "get_num_gpus", lambda: 0)())


def _faiss():
    try:
        import faiss
    except ImportError as error:
        raise MissingDependency(
            'FAISS is missing: pip install "kaodex[cpu]", or "kaodex[gpu]" on a machine with an NVIDIA GPU '
            "(one of the two: they overwrite each other)"
        ) from error
    return faiss
