"""The vectors themselves, held by FAISS, and a scan over them: the fastest route for one query or two."""

from __future__ import annotations

from io import BufferedIOBase
from typing import Any

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int64

from data.errors import GalleryDamaged
from index.search.library import faiss_library

_READ = 1 << 24


class HeldVectors:
    """Float16 vectors in one piece of memory, which FAISS scans and others read without a copy."""

    def __init__(self, dimension: int) -> None:
        """Raises MissingDependency without FAISS."""
        faiss = faiss_library()
        self.dimension = dimension
        self._index: Any = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def reserve(self, count: int) -> None:
        """Make room for `count` vectors in all, so that adding up to then moves nothing."""
        held = self._index.codes.size()
        wanted = 2 * self.dimension * count
        if wanted > held:
            self._index.codes.resize(wanted)  # what was given back is still there
            self._index.codes.resize(held)

    def add(self, vectors: Float16[np.ndarray, "vectors dim"]) -> None:
        """Append vectors."""
        self._grow(len(vectors))[:] = vectors

    def read(self, file: BufferedIOBase, count: int) -> None:
        """Append `count` rows of a file of little-endian float16. Raises GalleryDamaged where it ends early."""
        before = len(self)
        room = self._grow(count).reshape(-1).view(np.uint8).data
        done = 0
        while done < len(room):
            got = file.readinto(room[done : done + _READ])
            if not got:
                self._shrink(before)
                raise GalleryDamaged(f"a file of vectors ends after {done:,} of {len(room):,} bytes")
            done += got

    def view(self) -> Float16[np.ndarray, "vectors dim"]:
        """All vectors: a view of FAISS's memory, valid until the next `add`, `read` or `reserve`."""
        if not len(self):
            return np.empty((0, self.dimension), np.float16)
        codes = faiss_library().rev_swig_ptr(self._index.codes.data(), self._index.codes.size())
        return codes.view("<f2").reshape(len(self), self.dimension)

    def scan(
        self, queries: Float32[np.ndarray, "queries dim"], k: int, removed: Bool[np.ndarray, " vectors"] | None
    ) -> tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]:
        """The k nearest positions, best first, by similarities summed in float32; past the last: -inf and -1."""
        faiss = faiss_library()
        parameters = None
        if removed is not None:
            kept = np.packbits(~removed, bitorder="little")
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(kept))
        similarities, positions = self._index.search(np.ascontiguousarray(queries), k, params=parameters)
        return np.where(positions >= 0, similarities, np.float32(-np.inf)), positions

    def _grow(self, more: int) -> Float16[np.ndarray, "more dim"]:
        """Room for so many more at the end, as an array to be filled."""
        before = len(self)
        self._index.codes.resize(2 * self.dimension * (before + more))
        self._index.ntotal = before + more
        return self.view()[before:]

    def _shrink(self, count: int) -> None:
        self._index.ntotal = count
        self._index.codes.resize(2 * self.dimension * count)
