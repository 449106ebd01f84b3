"""A gallery in one SQLite file: every change is a transaction, every transaction is journalled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from jaxtyping import Float16

from data.errors import GalleryError
from index.records import (
    STRANGERS_OF,
    Command,
    EncoderStamp,
    Enrolled,
    NewReference,
    Outcome,
    proper_kind,
    proper_name,
)
from index.same_face import SAME_FACE, HeldReference, way_in
from index.sqlite.reading import GalleryReader
from index.sqlite.soundness import problems


class SQLiteStore(GalleryReader):
    """References, identities and the journal of one gallery file."""

    def stamp(self, kind: str, encoder: EncoderStamp) -> None:
        """Note which encoder makes this kind's encodings. Raises GalleryMismatch where another one does already."""
        proper_kind(kind)
        if self.encoder(kind) is not None:
            return self.check_stamp(kind, encoder)
        with self.transaction():
            self._connection.execute(
                "INSERT OR IGNORE INTO encoder (kind, name, fingerprint, dimension) VALUES (?, ?, ?, ?)",
                (kind, encoder.name, encoder.fingerprint, encoder.dimension),
            )
        self.check_stamp(kind, encoder)

    def keep_calibration(
        self, kind: str, key: str, journal: int, value: bytes, encoder: EncoderStamp | None = None
    ) -> None:
        """Keep what can be computed again, stamped with the journal's row that it knows of.

        With `encoder`, nothing is kept where the kind's encodings are another encoder's by now.
        """
        with self.transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO calibration (kind, key, journal, value) "
                "SELECT kind, ?, ?, ? FROM encoder WHERE kind = ? AND fingerprint = coalesce(?, fingerprint)",
                (key, journal, value, kind, encoder.fingerprint if encoder else None),
            )

    def begin(self, words: str) -> int:
        """Note that a command begins; its changes are undone together."""
        with self.transaction():
            return self.begin_inside(words)

    def begin_inside(self, words: str, undoes: int | None = None) -> int:
        """As `begin`, inside the caller's transaction."""
        cursor = self._connection.execute(
            "INSERT INTO command (at, words, undoes) VALUES (?, ?, ?)",
            (datetime.now(UTC).isoformat(timespec="seconds"), words, undoes),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def add(
        self,
        kind: str,
        references: Sequence[NewReference],
        encoder: EncoderStamp,
        command: int,
        *,
        allow_conflicts: bool = False,
        same_face: float = SAME_FACE,
    ) -> list[Enrolled]:
        """Enrol references in one transaction, and tell for each what became of it.

        The same face of the same picture file under the same name is a duplicate; under another name it is a conflict,
        enrolled only where `allow_conflicts`. A reference that was removed earlier comes back as itself. Raises
        GalleryMismatch where another encoder makes this kind's encodings: asked for inside the transaction, because
        another process may move the gallery over at any moment.
        """
        with self.transaction():
            self.check_stamp(kind, encoder)
            command = self._still_open(command)
            return [self._add(kind, reference, command, allow_conflicts, same_face) for reference in references]

    def _still_open(self, command: int) -> int:
        """The command itself, or a new one of the same words where it was undone meanwhile or others came after it."""
        undone_by, words, last = self._connection.execute(
            "SELECT undone_by, words, (SELECT max(command) FROM journal) FROM command WHERE id = ?", (command,)
        ).fetchone()
        return command if undone_by is None and (last is None or last <= command) else self.begin_inside(words)

    def _add(self, kind: str, new: NewReference, command: int, allow_conflicts: bool, same_face: float) -> Enrolled:
        identity = self._identity(kind, new.identity)
        held = [
            HeldReference(number, name, (x0, y0, x1, y1), encoding)
            for number, name, encoding, x0, y0, x1, y1 in self._connection.execute(
                "SELECT reference.id, name, encoding, x0, y0, x1, y1 FROM reference "
                "LEFT JOIN identity ON identity.id = identity WHERE sha256 = ? AND reference.kind = ? "
                "ORDER BY reference.id",
                (new.sha256, kind),
            )
        ]
        removed = way_in(new, held, allow_conflicts=allow_conflicts, same_face=same_face)
        if isinstance(removed, Enrolled):
            return removed
        if removed is None:
            cursor = self._connection.execute(
                "INSERT INTO reference "
                "(kind, identity, sha256, source, x0, y0, x1, y1, region, detection, hash, encoding) "
                "VALUES (?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    kind,
                    new.sha256,
                    new.source,
                    *new.box,
                    new.region,
                    new.detection,
                    int(np.uint64(new.hash).astype(np.int64)),
                    _as_blob(new.encoding),
                ),
            )
            assert cursor.lastrowid is not None
            removed = cursor.lastrowid
            self._connection.execute("INSERT INTO crop (reference, picture) VALUES (?, ?)", (removed, new.crop))
        self.move_inside(command, removed, None, identity)
        if kind in STRANGERS_OF:  # who is enrolled is no stranger any more
            for stranger, whose in self._connection.execute(
                "SELECT id, identity FROM reference WHERE sha256 = ? AND kind = ? AND identity IS NOT NULL",
                (new.sha256, STRANGERS_OF[kind]),
            ).fetchall():
                self.move_inside(command, stranger, whose, None)
        return Enrolled(Outcome.ADDED, removed, new.identity)

    def _identity(self, kind: str, name: str) -> int:
        self._connection.execute("INSERT OR IGNORE INTO identity (kind, name) VALUES (?, ?)", (kind, name))
        return self._connection.execute("SELECT id FROM identity WHERE kind = ? AND name = ?", (kind, name)).fetchone()[
            0
        ]

    def move_inside(self, command: int, reference: int, before: int | None, after: int | None) -> None:
        """Move one reference and journal it, inside the caller's transaction."""
        self._connection.execute("UPDATE reference SET identity = ? WHERE id = ?", (after, reference))
        self._connection.execute(
            "INSERT INTO journal (command, reference, before, after) VALUES (?, ?, ?, ?)",
            (command, reference, before, after),
        )

    def move(self, kind: str, names: Sequence[str], target: str | None, words: str) -> int:
        """Move all references of these identities to another (None: out of the gallery); how many were moved.

        Raises UnknownIdentity, and then changes nothing.
        """
        with self.transaction():
            command = self.begin_inside(words)
            moved = 0
            for name in names:
                held = self._held(kind, name)
                if not held:
                    raise self._nobody(kind, name)
                after = self._identity(kind, proper_name(target)) if target is not None else None
                for reference, before in held:
                    if before != after:
                        self.move_inside(command, reference, before, after)
                        moved += 1
            return moved

    def remove_references(self, references: Sequence[int], words: str) -> int:
        """Take single references out of the gallery; how many. Raises GalleryError for one that is not enrolled."""
        with self.transaction():
            command = self.begin_inside(words)
            for reference in dict.fromkeys(references):
                row = self._connection.execute("SELECT identity FROM reference WHERE id = ?", (reference,)).fetchone()
                if row is None or row[0] is None:
                    raise GalleryError(f"{self.path} holds no reference {reference}: see `kaodex gallery show NAME`")
                self.move_inside(command, reference, row[0], None)
            return len(set(references))

    def _held(self, kind: str, name: str) -> list[tuple[int, int]]:
        return self._connection.execute(
            "SELECT reference.id, identity FROM reference JOIN identity ON identity.id = identity "
            "WHERE identity.kind = ? AND name = ? ORDER BY reference.id",
            (kind, proper_name(name)),
        ).fetchall()

    def undo(self) -> Command:
        """Walk the last command back that is not undone yet. Raises GalleryError where there is none.

        A reference whose crop was lost before a re-encoding has no encoding any more, and stays out of the gallery.
        """
        with self.transaction():
            row = self._connection.execute(
                "SELECT id, at, words FROM command WHERE undone_by IS NULL AND undoes IS NULL "
                "AND EXISTS (SELECT 1 FROM journal WHERE journal.command = command.id) ORDER BY id DESC LIMIT 1"
            ).fetchone()
            if row is None:
                raise GalleryError(f"there is nothing to undo in {self.path}")
            undone, at, words = row
            rows = self._connection.execute(
                "SELECT reference, before, after FROM journal WHERE command = ? ORDER BY id DESC", (undone,)
            ).fetchall()
            command = self.begin_inside(f"undo: {words}", undoes=undone)
            moved = lost = 0
            for reference, before, after in rows:
                now, encoded = self._connection.execute(
                    "SELECT identity, encoding <> zeroblob(length(encoding)) FROM reference WHERE id = ?", (reference,)
                ).fetchone()
                if before is not None and not encoded:
                    lost += 1
                elif now == after:  # what a later command of another process moved on is left where it is
                    self.move_inside(command, reference, after, before)
                    moved += 1
            self._connection.execute("UPDATE command SET undone_by = ? WHERE id = ?", (command, undone))
            return Command(undone, at, words, moved, lost=lost)

    def check(self) -> list[str]:
        """What is wrong with the gallery, in words; nothing, if all is well. Reads every page of the file."""
        with self.snapshot():
            return problems(self)


def _as_blob(encoding: Float16[np.ndarray, " dim"]) -> bytes:
    return encoding.astype("<f2").tobytes()
