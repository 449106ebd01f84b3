"""Vectors in short codes, sorted into lists: FAISS finds near ones by looking into a few of the lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16, Float32, Int64

from index.search.library import faiss_library

ROUNDS = 8
"""Of k-means; more move the lists' centres hardly."""

_A_LIST = 32
_SAMPLE = 65_536


def number_of_lists(count: int) -> int:
    """About twice the root of the number of vectors, a power of two: choosing lists then costs as much as reading them.

    >>> number_of_lists(100_000), number_of_lists(1_000_000)
    (512, 2048)
    """
    return int(2 ** round(np.log2(2 * np.sqrt(max(count, 1)))))


def sample_size(count: int) -> int:
    """Of so many vectors, how many the lists and codes are learnt from: 32 for a list, and 65,536 at least."""
    return min(count, max(_SAMPLE, _A_LIST * number_of_lists(count)))


class VectorLists:
    """An inverted file with product quantisation over rows 0, 1, 2 …

    Each vector lies in the list whose centre is nearest, as a code of 4 bits for two numbers of its difference from the
    centre (Jégou, Douze, Schmid 2011, doi:10.1109/TPAMI.2010.57); codes are compared 32 at a time, in registers (André,
    Kermarrec, Le Scouarnec 2015, doi:10.14778/2856318.2856324). The codes' similarities are rough: the caller ranks
    many proposals again on the stored numbers.

    Chosen by `benchmarks/approximate.py`: on vectors like real encodings as fast as graphs or faster, built in a small
    part of their time, and with 93 bytes for a vector where they take 400 to 1,200.
    """

    def __init__(self, index: Any) -> None:
        self._index = index

    @classmethod
    def learn(
        cls,
        sample: Float32[np.ndarray, "sample dim"],
        count: int,
        between: Callable[[], object] = lambda: None,
    ) -> VectorLists:
        """Empty lists for `count` vectors like those of the sample; `between` is called between rounds of k-means.

        Raises MissingDependency without FAISS, ValueError for fewer than 16 vectors.
        """
        if len(sample) < 16:
            raise ValueError(f"codes of 4 bits are learnt from 16 vectors or more, not {len(sample)}")
        faiss = faiss_library()
        sample = _even(sample)
        dimension, lists = sample.shape[1], min(number_of_lists(count), len(sample))
        centres = None
        for _ in range(ROUNDS):
            between()
            clustering = faiss.Clustering(dimension, lists)
            clustering.niter, clustering.spherical, clustering.min_points_per_centroid = 1, True, 1
            if centres is not None:
                faiss.copy_array_to_vector(centres, clustering.centroids)
            clustering.train(sample, faiss.IndexFlatIP(dimension))
            centres = faiss.vector_to_array(clustering.centroids)
        between()
        quantizer = faiss.IndexFlatIP(dimension)
        assert centres is not None
        quantizer.add(centres.reshape(lists, dimension))
        index = faiss.IndexIVFPQFastScan(quantizer, dimension, lists, dimension // 2, 4, faiss.METRIC_INNER_PRODUCT)
        index.own_fields = True
        quantizer.this.disown()  # the index frees it
        index.pq.cp.min_points_per_centroid = 1
        index.train(sample[:: max(1, len(sample) // _SAMPLE)])
        return cls(index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def lists(self) -> int:
        """How many there are."""
        return int(self._index.nlist)

    @property
    def dimension(self) -> int:
        """Numbers of a vector, rounded up to an even number."""
        return int(self._index.d)

    def add(self, vectors: Float16[np.ndarray, "vectors dim"]) -> None:
        """Append vectors, each to its list."""
        self._index.add(_even(vectors.astype(np.float32)))

    def propose(
        self, queries: Float32[np.ndarray, "queries dim"], width: int, count: int
    ) -> Int64[np.ndarray, "queries count"]:
        """`count` rows of the `width` nearest lists, roughly the nearest of them first, -1 past the last."""
        self._index.nprobe = min(width, self.lists)
        return self._index.search(_even(np.ascontiguousarray(queries)), count)[1]

    def write(self, path: Path) -> None:
        """Write them to a file. Raises OSError."""
        try:
            faiss_library().write_index(self._index, str(path))
        except RuntimeError as error:  # FAISS's word for a full disk
            raise OSError(str(error)) from error

    @classmethod
    def read(cls, path: Path) -> VectorLists:
        """Read a file that `write` made. Raises ValueError for any other that FAISS can read, RuntimeError else."""
        faiss = faiss_library()
        index = faiss.read_index(str(path))
        if not isinstance(index, faiss.IndexIVFPQFastScan):
            raise ValueError(f"{path} holds another kind of index: {type(index).__name__}")
        return cls(index)


def _even(vectors: Float32[np.ndarray, "vectors dim"]) -> Float32[np.ndarray, "vectors even"]:
    """With a zero more where their dimension is odd: codes take numbers in pairs."""
    return np.pad(vectors, ((0, 0), (0, 1))) if vectors.shape[1] % 2 else vectors
