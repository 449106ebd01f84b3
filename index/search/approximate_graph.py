"""A graph over vectors shortened to 8 bits, in which FAISS finds near ones without looking at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16, Float32, Int64

from index.search.library import faiss_library

LINKS = 16
"""Links of a vector to others (twice as many in the lowest layer)."""

BUILD_WIDTH = 80
"""Candidates kept while a vector's links are chosen."""

_FITTING = 65_536


class VectorGraph:
    """An HNSW graph (Malkov and Yashunin 2018, doi:10.1109/TPAMI.2018.2889473) over rows 0, 1, 2 …

    Chosen by `benchmarks/approximate.py`: of a million vectors like real encodings, an inverted file (IVF; PQ with fast
    scan) has to look into more than a quarter of its lists for a recall of 0.99, because near pictures fall into many.
    Eight bits for a number, on one scale for all of them, are a quarter of what the usual graphs read at every step;
    what the rounding misplaces, the caller ranks again on the stored numbers.
    """

    def __init__(self, dimension: int) -> None:
        """Raises MissingDependency without FAISS."""
        faiss = faiss_library()
        index = faiss.IndexHNSWSQ(dimension, faiss.ScalarQuantizer.QT_8bit_uniform, LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = BUILD_WIDTH
        index.keep_max_size_level0 = True  # all links are used: 128 candidates then find what else takes 180
        self._index: Any = index

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""
        return int(self._index.d)

    def fit(self, vectors: Float16[np.ndarray, "vectors dim"]) -> None:
        """Learn the scale of the 8 bits from vectors like those that will be added (at most 65,536 are looked at)."""
        step = -(-len(vectors) // _FITTING)
        self._index.train(np.ascontiguousarray(vectors[::step], np.float32))

    def add(self, vectors: Float16[np.ndarray, "vectors dim"]) -> None:
        """Append vectors, and link each to its nearest."""
        self._index.add(np.ascontiguousarray(vectors, np.float32))

    def propose(self, queries: Float32[np.ndarray, "queries dim"], width: int) -> Int64[np.ndarray, "queries width"]:
        """Rows near each query, roughly best first, -1 past the last; a larger `width` misses less."""
        self._index.hnsw.efSearch = width
        return self._index.search(np.ascontiguousarray(queries), width)[1]

    def write(self, path: Path) -> None:
        """Write it to a file. Raises OSError."""
        try:
            faiss_library().write_index(self._index, str(path))
        except RuntimeError as error:  # FAISS's word for a full disk
            raise OSError(str(error)) from error

    @classmethod
    def read(cls, path: Path) -> VectorGraph:
        """Read a file that `write` made. Raises ValueError for any other that FAISS can read, RuntimeError else."""
        faiss = faiss_library()
        index = faiss.read_index(str(path))
        if not isinstance(index, faiss.IndexHNSWSQ):
            raise ValueError(f"{path} holds another kind of index: {type(index).__name__}")
        graph = cls.__new__(cls)
        graph._index = index
        return graph
