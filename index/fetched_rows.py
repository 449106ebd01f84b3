"""Rows of numbers that are elsewhere, and read when somebody asks for some of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Int64


class FetchedRows:
    """Stands in for an array of which only parts are asked for: `rows[positions]` is an array of those rows.

    >>> squares = FetchedRows((1_000_000, 1), lambda positions: positions[:, None] ** 2)
    >>> squares[np.array([3, 999_999])].tolist(), squares[2:4].tolist()
    ([[9], [999998000001]], [[4], [9]])
    """

    def __init__(self, shape: tuple[int, ...], read: Callable[[Int64[np.ndarray, " wanted"]], np.ndarray]) -> None:
        """`read` gives the rows at some positions, in their order."""
        self.shape = shape
        self._read = read

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: int | slice | np.ndarray) -> np.ndarray:
        if isinstance(which, slice):
            return self._read(np.arange(*which.indices(len(self))))
        if isinstance(which, np.ndarray) and which.dtype == bool:
            return self._read(np.flatnonzero(which))
        found = self._read(np.atleast_1d(np.asarray(which, np.int64)))
        return found[0] if np.ndim(which) == 0 else found
