"""A gallery on a Milvus server as its clients see it: opening it, the journal up to now, snapshots.

`NAME_journal` holds what was done, and is the truth about who is enrolled: see `index.milvus.journal`. The references
of a kind (`NAME_character` …) and their crops (`NAME_blobs`) are written before the entry that enrols them, so a writer
that is stopped in between leaves rows that nobody counts, and the picture can be enrolled again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np

from data.errors import GalleryDamaged, GalleryMismatch, GalleryMissing
from data.gallery_place import MilvusAddress
from index.milvus.blobs import Blobs
from index.milvus.connection import Connection
from index.milvus.entry import NOBODY, Entry
from index.milvus.journal import Journal
from index.milvus.numbers import ascending_numbers
from index.milvus.written_journal import WrittenJournal
from index.records import EncoderStamp

FORMAT = 1
_DESCRIPTION = "Kaodex gallery, format"
DESCRIPTION = f"{_DESCRIPTION} {FORMAT}"
"""What each collection of a gallery says of itself."""

Place = TypeVar("Place", bound="MilvusPlace")


class MilvusPlace:
    """An open gallery on a Milvus server.

    Clients never wait for each other. Each call sees what was written before it, by whatever client; what a call has
    written is kept by the server when it returns. See `docs/scale.md` for what is weaker than in a file.
    """

    def __init__(self, address: MilvusAddress) -> None:
        """Open an existing gallery. Raises GalleryMissing, GalleryDamaged, GalleryMismatch, GalleryError."""
        self.path = address
        self._connection = Connection(address)
        self._blobs = Blobs(self._connection, _blobs(address))
        self._written = WrittenJournal(self._connection, _journal(address))
        self._journal = Journal()
        self._words: dict[int, str] = {}
        self._loaded: set[str] = set()
        self._frozen = 0
        try:
            self._recognise()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls: type[Place], address: MilvusAddress) -> Place:
        """Open the gallery at this address, making an empty one where there is none."""
        connection = Connection(address)
        try:
            if connection.description(_journal(address)) is None:
                Blobs(connection, _blobs(address)).create(DESCRIPTION)
                WrittenJournal(connection, _journal(address)).create(DESCRIPTION)
        finally:
            connection.close()
        return cls(address)

    def _recognise(self) -> None:
        described = self._connection.description(self._written.collection)
        if described is None:
            raise GalleryMissing(f"there is no gallery at {self.path}")
        words, _, number = described.rpartition(" ")
        if words != _DESCRIPTION or not number.isdigit():
            raise GalleryDamaged(f"the collections of {self.path} are no gallery of Kaodex: name another collection")
        if int(number) > FORMAT:
            raise GalleryMismatch(
                f"{self.path} has format {number}, this Kaodex reads up to {FORMAT}: install a newer Kaodex to open it"
            )
        for collection in (self._written.collection, _blobs(self.path)):
            self._connection.load(collection)

    def close(self) -> None:
        """Let go of the server; the object is of no use afterwards."""
        self._connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read inside is of one moment, whatever others write meanwhile; one inside another is the same."""
        self._refresh()
        self._frozen += 1
        try:
            yield
        finally:
            self._frozen -= 1

    def _refresh(self) -> Journal:
        """The journal up to now; inside a snapshot, up to its beginning."""
        if not self._frozen:
            self._written.read_into(self._journal)
        return self._journal

    def _commit(
        self,
        command: int,
        moves: Sequence[tuple[int, int, int, int]] = (),
        *,
        undoes: int = 0,
        stamps: Mapping[str, EncoderStamp] | None = None,
        names: Mapping[int, tuple[str, str]] | None = None,
    ) -> None:
        """Append an entry to the journal: at once, or not at all."""
        whom = {who for move in moves for who in move[1:3] if who != NOBODY}
        entry = Entry(
            self._journal.last + 1,
            secrets.token_hex(4),
            datetime.now(UTC).isoformat(timespec="seconds"),
            command,
            self._words.get(command, ""),
            undoes,
            dict(stamps or {}),
            {who: (names or {}).get(who) or self._journal.names[who] for who in whom},
            np.array(moves, np.int64).reshape(-1, 4),
        )
        self._written.append(entry)
        self._journal.take([entry])

    def begin(self, words: str) -> int:
        """Note that a command begins; its changes are undone together. Nothing is written until there is a change."""
        (command,) = ascending_numbers(1, max(self._words, default=0))
        self._words[command] = words
        return command

    def _still_open(self, command: int) -> int:
        """The command itself, or a new one of the same words where it was undone meanwhile or others came after it."""
        return command if self._journal.is_open(command) else self.begin(self._words[command])

    def _rows(self, kind: str) -> str:
        """The collection of a kind's references."""
        return f"{self.path.collection}_{kind.replace(' ', '_')}"

    def _loaded_rows(self, kind: str) -> str:
        collection = self._rows(kind)
        if collection not in self._loaded:
            self._connection.load(collection)
            self._loaded.add(collection)
        return collection


def _journal(address: MilvusAddress) -> str:
    return f"{address.collection}_journal"


def _blobs(address: MilvusAddress) -> str:
    return f"{address.collection}_blobs"
