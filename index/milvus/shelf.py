"""References of one kind that stay on the server, behind what a shelf in memory offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32, Int64

from data.near_duplicates import hamming
from index.fetched_rows import FetchedRows
from index.milvus.served import ServedReferences
from index.records import Vectors
from index.shelf import StoreShelf
from index.store import Store


class ServedShelf(StoreShelf):
    """All references of a kind, searched by the server; in memory are their ids and identities alone.

    `encodings`, `pictures` and `hashes` are read from the server where some are asked for. Removed references are not
    on it. What `only` gives is in memory, as it is mostly little.
    """

    def __init__(
        self,
        store: Store,
        kind: str,
        served: Callable[[ServedReferences | None], ServedReferences],
        device: str = "auto",
    ) -> None:
        """`served` gives the references that are enrolled now, and is told what it gave before."""
        self._serve = served
        self._served: ServedReferences | None = None
        super().__init__(store, kind, device)

    def _read(self) -> None:
        self._empty(None, self._store.revision())
        self.encoder = self._store.encoder(self.kind)
        self._served = self._serve(self._served)

    def _refresh(self) -> None:
        if self.outdated or self._store.revision() != self.revision:
            self._read()

    def __len__(self) -> int:
        """How many references are enrolled."""
        return len(self.references)

    @property
    def served(self) -> ServedReferences:
        """The references as of the shelf's revision."""
        assert self._served is not None
        return self._served

    @property
    def references(self) -> Int64[np.ndarray, " references"]:
        """Ids, ascending."""
        return self.served.references

    @property
    def identities(self) -> Int64[np.ndarray, " references"]:
        """Whose each reference is."""
        return self.served.identities

    @property
    def pictures(self) -> FetchedRows:  # type: ignore[override]  # rows of it are arrays
        """The first 64 bits of the picture file's SHA-256: faces of one picture share it."""
        return self.served.rows("pictures")

    @property
    def hashes(self) -> FetchedRows:  # type: ignore[override]  # rows of it are arrays
        """Perceptual hashes of the crops."""
        return self.served.rows("hashes")

    @property
    def encodings(self) -> FetchedRows:  # type: ignore[override]  # rows of it are arrays
        """Encodings in the order of `references`."""
        return self.served.rows("encodings")

    def vectors(self) -> Vectors:
        """The references as arrays, of which encodings, pictures and hashes are read when they are asked for."""
        return self.served.vectors()

    @property
    def device(self) -> str:
        """Where the search runs."""
        return "server"

    def alike(self, references: Sequence[int], within: int) -> list[list[int]]:
        """For each reference here, the earlier ones of its identity whose hashes differ in at most `within` bits."""
        positions = np.searchsorted(self.references, np.array(references, np.int64))
        family = np.flatnonzero(np.isin(self.identities, np.unique(self.identities[positions])))
        whose, hashes = self.identities[family], self.hashes[family]
        alike = []
        for position in positions.tolist():
            earlier = (whose == self.identities[position]) & (family < position)
            near = earlier & (hamming(hashes, hashes[np.searchsorted(family, position)]) <= within)
            alike.append(self.references[family[near]].tolist())
        return alike

    def _nearest(
        self, queries: Float32[np.ndarray, "queries dim"], k: int
    ) -> tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]:
        return self.served.nearest(queries, k)
