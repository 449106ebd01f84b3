"""Encodings by another encoder, kept aside in a gallery's file until all of them can take their places at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from data.errors import GalleryMismatch
from index.records import STRANGERS_OF, EncoderStamp
from index.sqlite import SQLiteStore
from index.sqlite.schema import DROP_STAGED, STAGED

_MOVING = "kind IN (?, ?)"
"""An identity's kind, and that of its strangers: they are compared, so they move together."""
_UNSTAGED = "NOT EXISTS (SELECT 1 FROM reencoded WHERE reencoded.id = reference.id)"
_LOST = "(identity IS NULL AND encoding = zeroblob(length(encoding)))"
"""References that an earlier re-encoding gave up."""


@dataclass(frozen=True)
class WaitingCrop:
    """A reference that is not re-encoded yet, with what is told of it; `picture` is empty where its crop is missing."""

    id: int
    identity: str | None
    """None for a removed one."""
    source: str
    picture: bytes


class StagedEncodings:
    """The new encodings of all references of a kind and of its strangers, on their way to another encoder.

    Removed references take part too. Nothing that others read changes before `switch`.
    """

    def __init__(self, store: SQLiteStore, kind: str, target: EncoderStamp) -> None:
        """Begin, or take up what an interrupted move to the same target left; what was made for another is dropped."""
        self._store = store
        self._kinds = (kind, STRANGERS_OF[kind])
        self._target = target
        with store.transaction() as connection:
            for statement in STAGED:
                connection.execute(statement)
            row = connection.execute("SELECT fingerprint FROM reencoding").fetchone()
            if row is None or row[0] != target.fingerprint:
                for statement in (*DROP_STAGED, *STAGED):
                    connection.execute(statement)
                connection.execute(
                    "INSERT INTO reencoding (only, name, fingerprint, dimension) VALUES (1, ?, ?, ?)",
                    (target.name, target.fingerprint, target.dimension),
                )

    @staticmethod
    def drop(store: SQLiteStore) -> str | None:
        """Give an unfinished move up; which encoder it went to, or None where there is none."""
        if not store.rows("SELECT 1 FROM sqlite_schema WHERE name = 'reencoding'"):
            return None
        with store.transaction() as connection:
            row = connection.execute("SELECT name FROM reencoding").fetchone()
            for statement in DROP_STAGED:
                connection.execute(statement)
        return row[0] if row else None

    def counts(self) -> tuple[int, int]:
        """How many references move, and how many of them are staged."""
        with self._store.snapshot():
            self._check()
            moving = self._store.rows(f"SELECT count(*) FROM reference WHERE {_MOVING} AND NOT {_LOST}", self._kinds)
            staged = self._store.rows(
                f"SELECT count(*) FROM reencoded JOIN reference USING (id) WHERE {_MOVING}", self._kinds
            )
        return moving[0][0], staged[0][0]

    def waiting(self, batch: int) -> Iterator[list[WaitingCrop]]:
        """The references that are not staged, oldest first, a batch at a time."""
        last = 0
        while True:
            with self._store.snapshot():
                self._check()
                rows = self._store.rows(
                    "SELECT reference.id, name, source, coalesce(picture, x'') FROM reference "
                    "LEFT JOIN crop ON crop.reference = reference.id LEFT JOIN identity ON identity.id = identity "
                    f"WHERE reference.id > ? AND reference.{_MOVING} AND {_UNSTAGED} AND NOT {_LOST} "
                    "ORDER BY reference.id LIMIT ?",
                    (last, *self._kinds, batch),
                )
            if not rows:
                return
            last = rows[-1][0]
            yield [WaitingCrop(*row) for row in rows]

    def keep(self, references: Sequence[int], encodings: Float32[np.ndarray, "references dim"]) -> None:
        """Keep new encodings aside, in one transaction. Raises GalleryMismatch where another command took over."""
        blobs = encodings.astype("<f2")
        with self._store.transaction() as connection:
            self._check()
            connection.executemany(
                "INSERT OR REPLACE INTO reencoded (id, encoding) VALUES (?, ?)",
                [(reference, row.tobytes()) for reference, row in zip(references, blobs, strict=True)],
            )

    def switch(self, given_up: Collection[int], words: str) -> bool:
        """Put all new encodings in their places, in one transaction; False where some reference is not staged yet.

        References of `given_up` need no encoding: those enrolled are removed by a command of these words, and a zero
        vector marks each as one that cannot come back. Calibrations of the old encodings go in the same transaction.
        """
        kinds, target = self._kinds, self._target
        with self._store.transaction() as connection:
            self._check()
            connection.execute(
                "INSERT INTO reencoded SELECT id, zeroblob(?) FROM reference "
                f"WHERE {_MOVING} AND {_UNSTAGED} AND {_LOST}",
                (2 * target.dimension, *kinds),
            )
            missing = connection.execute(
                f"SELECT id, identity FROM reference WHERE {_MOVING} AND {_UNSTAGED} ORDER BY id LIMIT ?",
                (*kinds, len(given_up) + 1),
            ).fetchall()
            if any(reference not in given_up for reference, _ in missing):
                return False
            command = self._store.begin_inside(words) if any(whose is not None for _, whose in missing) else None
            for reference, whose in missing:
                if whose is not None and command is not None:
                    self._store.move_inside(command, reference, whose, None)
                connection.execute(
                    "INSERT INTO reencoded (id, encoding) VALUES (?, zeroblob(?))", (reference, 2 * target.dimension)
                )
            connection.execute(
                "UPDATE reference SET encoding = (SELECT encoding FROM reencoded WHERE reencoded.id = reference.id) "
                f"WHERE {_MOVING}",
                kinds,
            )
            connection.execute(f"DELETE FROM calibration WHERE {_MOVING}", kinds)
            connection.execute(
                f"UPDATE encoder SET name = ?, fingerprint = ?, dimension = ? WHERE {_MOVING}",
                (target.name, target.fingerprint, target.dimension, *kinds),
            )
            for statement in DROP_STAGED:
                connection.execute(statement)
            return True

    def _check(self) -> None:
        """Raises GalleryMismatch where another command finished this move, or began one to another encoder."""
        there = self._store.rows("SELECT 1 FROM sqlite_schema WHERE name = 'reencoding'")
        if not there or self._store.rows("SELECT fingerprint FROM reencoding") != [(self._target.fingerprint,)]:
            raise GalleryMismatch(
                f"another command finished this re-encoding of {self._store.path}, or began one to another encoder: "
                "see `kaodex gallery show`"
            )
