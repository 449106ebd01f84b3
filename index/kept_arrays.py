"""Arrays that can be computed again, kept in a gallery beside the revision that they know of."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from zipfile import BadZipFile

import numpy as np

from data.errors import GalleryError
from index.shelf import Shelf
from index.store import Store


def keep(store: Store, shelf: Shelf, key: str, arrays: dict[str, np.ndarray]) -> None:
    """Keep arrays as of the shelf's revision. A gallery that cannot be written is left as it is."""
    file = io.BytesIO()
    narrowed: dict[str, Any] = {name: _narrowed(array) for name, array in arrays.items()}
    np.savez(file, **narrowed)
    with suppress(GalleryError):
        store.keep_calibration(shelf.kind, key, shelf.revision, file.getvalue(), shelf.encoder)


def kept(store: Store, shelf: Shelf, key: str, names: Iterable[str]) -> tuple[int, dict[str, np.ndarray]] | None:
    """The revision and the arrays of these names that were kept under a key; None where they were not, or are damaged.

    Also None where it knows of more than the shelf does. Integers come back with 64 bits.
    """
    found = store.calibration(shelf.kind, key, shelf.encoder)
    if found is None or found[0] > shelf.revision:
        return None
    try:
        with np.load(io.BytesIO(found[1]), allow_pickle=False) as arrays:
            return found[0], {name: _widened(arrays[name]) for name in names}
    except (BadZipFile, EOFError, KeyError, OSError, ValueError):
        return None


def _narrowed(array: np.ndarray) -> np.ndarray:
    """Ids of a file fit 32 bits; those that a Milvus server's clients draw do not."""
    small = np.iinfo(np.int32)
    if array.dtype == np.int64 and array.min(initial=0) >= small.min and array.max(initial=0) <= small.max:
        return array.astype(np.int32)
    return array


def _widened(array: np.ndarray) -> np.ndarray:
    return array.astype(np.int64) if array.dtype == np.int32 else array
