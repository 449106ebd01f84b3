"""A gallery in one SQLite file: every change is a transaction, every transaction is journalled."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from jaxtyping import Float16

from data.errors import GalleryDamaged, GalleryError, GalleryMismatch, GalleryMissing, UnknownIdentity
from index.records import (
    KINDS,
    STRANGERS_OF,
    Change,
    Command,
    EncoderStamp,
    Enrolled,
    IdentityCount,
    NewReference,
    Outcome,
    Reference,
    Vectors,
    proper_kind,
    proper_name,
)
from index.same_face import SAME_FACE, HeldReference, way_in
from index.schema import APPLICATION, DROP_STAGED, FORMAT, format_of, migrate
from index.store import nobody_named, refusal

_BUSY_SECONDS = 30
_MOST_VARIABLES = 500


class SQLiteStore:
    """References, identities and the journal of one gallery file.

    Readers never wait for a writer (WAL); writers take turns. What a call has returned is on the disk
    (`synchronous=FULL`), and a crash at any moment leaves the state after some whole transaction.
    """

    def __init__(self, path: Path, *, may_create: bool = False) -> None:
        """Open an existing file; see `create`. Raises GalleryMissing, GalleryDamaged, GalleryMismatch."""
        self.path = path
        self._may_create = may_create
        if not path.exists():
            raise GalleryMissing(f"there is no gallery at {path}")
        with _told(path):
            self._connection = self._connect(path, writable=_writable(path))
        try:
            self._recognise()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path) -> SQLiteStore:
        """Open the gallery at `path`, making an empty one where there is none (also after an interrupted making)."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=True)
        except OSError as error:
            raise GalleryError(f"cannot make a gallery at {path}: {error.strerror}") from error
        return cls(path, may_create=True)

    @staticmethod
    def _connect(path: Path, writable: bool) -> sqlite3.Connection:
        # where nothing can be written, nobody else writes either: SQLite then needs no lock and no -shm file
        mode = "mode=rw" if writable else "mode=ro&immutable=1"
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _recognise(self) -> None:
        """Refuse what is no gallery; make the tables of a new one; bring an older one to today's format."""
        with _told(self.path):
            found = format_of(self._connection)
            application = self._connection.execute("PRAGMA application_id").fetchone()[0]
            tables = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if tables and application != APPLICATION:
                raise GalleryDamaged(
                    f"{self.path} is an SQLite file, but no gallery of Kaodex: name another file with -g"
                )
            if not tables and not self._may_create:
                raise GalleryMissing(f"{self.path} is an empty file, no gallery")
            if found != FORMAT:
                self._connection.execute("PRAGMA journal_mode = WAL")
                with self.transaction():
                    migrate(self._connection)

    def close(self) -> None:
        """Let go of the file; the object is of no use afterwards."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is done inside is on the disk together at the end, or not at all."""
        with _told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read inside is of one moment, whatever others write meanwhile; one inside another is the same."""
        if self._connection.in_transaction:
            yield
            return
        with _told(self.path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("COMMIT")

    def rows(self, sql: str, parameters: Sequence = ()) -> list[tuple]:
        """What a query of this file's tables finds."""
        with _told(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    # -- what made the encodings ---------------------------------------------------------------------------------------

    def encoder(self, kind: str) -> EncoderStamp | None:
        """Which encoder made this kind's encodings; None while the gallery holds nothing of the kind."""
        rows = self.rows("SELECT name, fingerprint, dimension FROM encoder WHERE kind = ?", (kind,))
        return EncoderStamp(*rows[0]) if rows else None

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

    def check_stamp(self, kind: str, encoder: EncoderStamp) -> None:
        """Raises GalleryMismatch where another encoder makes this kind's encodings."""
        held = self.encoder(kind)
        if held is not None and held.fingerprint != encoder.fingerprint:
            raise refusal(self.path, kind, held, encoder)

    # -- reading -------------------------------------------------------------------------------------------------------

    def kinds(self) -> list[str]:
        """The kinds of which at least one reference is enrolled, banks of strangers last."""
        held = self.rows(
            "SELECT kind FROM encoder WHERE EXISTS (SELECT 1 FROM reference "
            "WHERE reference.kind = encoder.kind AND identity IS NOT NULL)"
        )
        return [kind for kind in (*KINDS, *STRANGERS_OF.values()) if (kind,) in held]

    def revision(self) -> int:
        """The journal's last row; 0 for a gallery that never held anything."""
        return int(self.rows("SELECT coalesce(max(id), 0) FROM journal")[0][0])

    def changes(self, since: int, kind: str) -> list[Change]:
        """The journal's rows after `since` that move references of this kind, in order."""
        return [
            Change(*row)
            for row in self.rows(
                "SELECT journal.id, reference, before, after FROM journal "
                "JOIN reference ON reference.id = journal.reference "
                "WHERE journal.id > ? AND kind = ? ORDER BY journal.id",
                (since, kind),
            )
        ]

    def vectors(self, kind: str, references: Sequence[int] | None = None) -> Vectors:
        """All enrolled references of a kind, or those of the given ones that are enrolled.

        Raises GalleryDamaged where an encoding has another length than its encoder's.
        """
        encoder = self.encoder(kind)
        dimension = encoder.dimension if encoder else 0
        sql = (
            "SELECT id, identity, substr(sha256, 1, 8), hash, encoding FROM reference "
            "WHERE kind = ? AND identity IS NOT NULL"
        )
        rows: list[tuple] = []
        if references is None:
            rows = self.rows(f"{sql} ORDER BY id", (kind,))
        else:
            wanted = sorted(references)
            for start in range(0, len(wanted), _MOST_VARIABLES):
                some = wanted[start : start + _MOST_VARIABLES]
                rows += self.rows(f"{sql} AND id IN ({_marks(some)}) ORDER BY id", (kind, *some))
        bad = [row[0] for row in rows if len(row[4]) != 2 * dimension]
        if bad:
            raise GalleryDamaged(
                f"reference {bad[0]} of {self.path} has a damaged encoding: see `kaodex gallery check`"
            )
        return Vectors(
            references=np.fromiter((row[0] for row in rows), np.int64, len(rows)),
            identities=np.fromiter((row[1] for row in rows), np.int64, len(rows)),
            pictures=np.frombuffer(b"".join(row[2] for row in rows), ">u8").astype(np.uint64),
            hashes=np.fromiter((row[3] for row in rows), np.int64, len(rows)).view(np.uint64),
            encodings=np.frombuffer(b"".join(row[4] for row in rows), "<f2")
            .astype(np.float16, copy=False)
            .reshape(len(rows), dimension),
        )

    def identities(self, kind: str | None = None) -> list[IdentityCount]:
        """Who is enrolled, by kind and name, with the number of references."""
        where, parameters = ("WHERE identity.kind = ?", (kind,)) if kind else ("", ())
        return [
            IdentityCount(*row)
            for row in self.rows(
                f"SELECT identity.id, identity.kind, name, count(*) FROM identity "
                f"JOIN reference ON reference.identity = identity.id {where} "
                f"GROUP BY identity.id ORDER BY identity.kind, name",
                parameters,
            )
        ]

    def names(self, identities: Sequence[int]) -> dict[int, str]:
        """The names of identities, by id."""
        wanted = list(dict.fromkeys(identities))
        found: dict[int, str] = {}
        for start in range(0, len(wanted), _MOST_VARIABLES):
            some = wanted[start : start + _MOST_VARIABLES]
            found.update(self.rows(f"SELECT id, name FROM identity WHERE id IN ({_marks(some)})", some))
        return found

    def identity(self, kind: str, name: str) -> int:
        """The id of an enrolled identity. Raises UnknownIdentity, with names that are near."""
        rows = self.rows(
            "SELECT id FROM identity WHERE kind = ? AND name = ? "
            "AND EXISTS (SELECT 1 FROM reference WHERE reference.identity = identity.id)",
            (kind, proper_name(name)),
        )
        if not rows:
            raise self._nobody(kind, name)
        return rows[0][0]

    def references(self, wanted: Sequence[int]) -> dict[int, Reference]:
        """What is told of these references, by id; removed ones are left out."""
        return self._references("reference.id", list(dict.fromkeys(wanted)))

    def references_of(self, identity: int) -> list[Reference]:
        """All references of one identity, oldest first."""
        return list(self._references("identity.id", [identity]).values())

    def _references(self, column: str, wanted: list) -> dict[int, Reference]:
        found: dict[int, Reference] = {}
        for start in range(0, len(wanted), _MOST_VARIABLES):
            some = wanted[start : start + _MOST_VARIABLES]
            for row in self.rows(
                "SELECT reference.id, name, reference.kind, source, x0, y0, x1, y1, region, sha256 FROM reference "
                f"JOIN identity ON identity.id = reference.identity WHERE {column} IN ({_marks(some)}) "
                "ORDER BY reference.id",
                some,
            ):
                number, name, kind, source, x0, y0, x1, y1, region, sha256 = row
                found[number] = Reference(number, name, kind, source, (x0, y0, x1, y1), region, sha256)
        return found

    def holders(self, kind: str, pictures: Sequence[bytes]) -> dict[bytes, list[Reference]]:
        """Which enrolled references came from picture files of these SHA-256 sums."""
        held: dict[bytes, list[Reference]] = {}
        for reference in self._references("sha256", list(dict.fromkeys(pictures))).values():
            if reference.kind == kind:
                held.setdefault(reference.sha256, []).append(reference)
        return held

    def crop(self, reference: int) -> bytes:
        """The stored crop of a reference as an encoded picture file. Raises GalleryError where there is none."""
        rows = self.rows("SELECT picture FROM crop WHERE reference = ?", (reference,))
        if not rows:
            raise GalleryError(f"{self.path} holds no reference {reference}")
        return rows[0][0]

    def calibration(self, kind: str, key: str, encoder: EncoderStamp | None = None) -> tuple[int, bytes] | None:
        """What was kept under this key, and the journal's last row at that time; None where nothing was.

        With `encoder`, None also where the kind's encodings are another encoder's by now.
        """
        rows = self.rows(
            "SELECT journal, value FROM calibration JOIN encoder USING (kind) "
            "WHERE kind = ? AND key = ? AND fingerprint = coalesce(?, fingerprint)",
            (kind, key, encoder.fingerprint if encoder else None),
        )
        return rows[0] if rows else None

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

    # -- changing ------------------------------------------------------------------------------------------------------

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

    def _nobody(self, kind: str, name: str) -> UnknownIdentity:
        return nobody_named(self.path, kind, name, [identity.name for identity in self.identities(kind)])

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

    def commands(self, most: int = 20) -> list[Command]:
        """The last commands that changed something, newest first."""
        return [
            Command(number, at, words, moved, undone=bool(undone))
            for number, at, words, moved, undone in self.rows(
                "SELECT command.id, at, words, count(*), undone_by IS NOT NULL FROM command "
                "JOIN journal ON journal.command = command.id "
                "GROUP BY command.id ORDER BY command.id DESC LIMIT ?",
                (most,),
            )
        ]

    # -- the file itself -----------------------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """What is wrong with the gallery, in words; nothing, if all is well. Reads every page of the file."""
        with self.snapshot():
            return self._check()

    def _check(self) -> list[str]:
        problems = [f"SQLite: {row[0]}" for row in self.rows("PRAGMA integrity_check") if row[0] != "ok"]
        problems += [
            f"a row of {table} refers to a row of {parent} that is not there"
            for table, _, parent, _ in self.rows("PRAGMA foreign_key_check")
        ]
        for reference, now, last in self.rows(
            "SELECT id, identity, after FROM reference LEFT JOIN "
            "(SELECT reference, after, max(id) FROM journal GROUP BY reference) AS last ON last.reference = id "
            "WHERE identity IS NOT after"
        ):
            problems.append(f"reference {reference} belongs to identity {now}, the journal says {last}")
        for (reference,) in self.rows("SELECT id FROM reference WHERE id NOT IN (SELECT reference FROM crop)"):
            problems.append(f"reference {reference} has lost its crop")
        for reference, length, dimension in self.rows(
            "SELECT id, length(encoding), dimension FROM reference JOIN encoder USING (kind) "
            "WHERE length(encoding) <> 2 * dimension"
        ):
            problems.append(f"the encoding of reference {reference} has {length} bytes instead of {2 * dimension}")
        if not problems:
            for kind in self.kinds():
                held = self.vectors(kind)
                lengths = np.linalg.norm(held.encodings.astype(np.float32), axis=1)
                for reference in held.references[~(np.abs(lengths - 1) < 0.01)]:
                    problems.append(f"the encoding of reference {reference} is no unit vector")
        return problems

    def export(self, target: Path) -> None:
        """Copy the gallery as it is at this moment into one file, also while others write to it.

        Through SQLite's backup interface, into a file beside the target that takes its name when it is whole.
        Raises GalleryError where the target exists.
        """
        if target.exists():
            raise GalleryError(f"{target} exists: name another file, or remove it first")
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
        try:
            with _told(target):
                copy = sqlite3.connect(unfinished, isolation_level=None)
                try:
                    self._connection.backup(copy)
                    copy.execute("PRAGMA journal_mode = DELETE")
                    if copy.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'reencoded'").fetchone()[0]:
                        for statement in DROP_STAGED:  # an unfinished move to another encoder stays at home
                            copy.execute(statement)
                        copy.execute("VACUUM")
                finally:
                    copy.close()
            unfinished.replace(target)
        except OSError as error:
            raise GalleryError(f"cannot write {target}: {error.strerror}") from error
        finally:
            unfinished.unlink(missing_ok=True)

    def contents(self, kind: str, batch: int = 256) -> Iterator[list[NewReference]]:
        """All enrolled references of a kind with their crops, as they would be enrolled elsewhere, in batches.

        Raises GalleryMismatch where another process moves the gallery to another encoder meanwhile.
        """
        last = 0
        encoder = self.encoder(kind)
        while True:
            with self.snapshot():
                if self.encoder(kind) != encoder:
                    raise GalleryMismatch(f"{self.path} was re-encoded meanwhile: type the command again")
                rows = self.rows(
                    "SELECT reference.id, name, sha256, source, x0, y0, x1, y1, region, detection, hash, encoding, "
                    "picture FROM reference JOIN identity ON identity.id = identity "
                    "JOIN crop ON crop.reference = reference.id "
                    "WHERE reference.kind = ? AND reference.id > ? ORDER BY reference.id LIMIT ?",
                    (kind, last, batch),
                )
            if not rows:
                return
            last = rows[-1][0]
            yield [
                NewReference(
                    identity=name,
                    sha256=sha256,
                    source=source,
                    box=(x0, y0, x1, y1),
                    region=region,
                    detection=detection,
                    hash=int(np.int64(hashed).astype(np.uint64)),
                    encoding=np.frombuffer(encoding, "<f2").astype(np.float16),
                    crop=picture,
                )
                for _, name, sha256, source, x0, y0, x1, y1, region, detection, hashed, encoding, picture in rows
            ]


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)


def _marks(values: Sequence) -> str:
    return ", ".join("?" * len(values))


def _as_blob(encoding: Float16[np.ndarray, " dim"]) -> bytes:
    return encoding.astype("<f2").tobytes()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """SQLite's complaints in the user's words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise GalleryError(
                f"{path} has been busy for {_BUSY_SECONDS} s: is another command writing to it?"
            ) from error
        if "readonly" in str(error) or "unable to open" in str(error):
            raise GalleryError(
                f"cannot use {path}: {error}; may this user write to the file and its folder?"
            ) from error
        if "full" in str(error):
            raise GalleryError(f"cannot write {path}: {error}; nothing that was enrolled is lost") from error
        raise GalleryError(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise GalleryDamaged(
            f"{path} is damaged or no gallery ({error}): bring back an export, or name another file with -g"
        ) from error
