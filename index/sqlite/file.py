"""One gallery file as SQLite sees it: opening it, transactions, snapshots, a copy of the whole."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from data.errors import GalleryDamaged, GalleryError, GalleryMissing
from index.sqlite.schema import APPLICATION, DROP_STAGED, FORMAT, format_of, migrate

_BUSY_SECONDS = 30

File = TypeVar("File", bound="GalleryFile")


class GalleryFile:
    """An open gallery file.

    Readers never wait for a writer (WAL); writers take turns. What a call has returned is on the disk
    (`synchronous=FULL`), and a crash at any moment leaves the state after some whole transaction.
    """

    def __init__(self, path: Path, *, may_create: bool = False) -> None:
        """Open an existing file; see `create`. Raises GalleryMissing, GalleryDamaged, GalleryMismatch."""
        self.path = path
        self._may_create = may_create
        if not path.exists():
            raise GalleryMissing(f"there is no gallery at {path}")
        with told(path):
            self._connection = self._connect(path, writable=_writable(path))
        try:
            self._recognise()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls: type[File], path: Path) -> File:
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
        with told(self.path):
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
        with told(self.path):
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
        with told(self.path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("COMMIT")

    def rows(self, sql: str, parameters: Sequence = ()) -> list[tuple]:
        """What a query of this file's tables finds."""
        with told(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def export(self, target: Path) -> None:
        """Copy the gallery as it is at this moment into one file, also while others write to it.

        Through SQLite's backup interface, into a file beside the target that takes its name when it is whole.
        Raises GalleryError where the target exists.
        """
        if target.exists():
            raise GalleryError(f"{target} exists: name another file, or remove it first")
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
        try:
            with told(target):
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


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)


def _marks(values: Sequence) -> str:
    return ", ".join("?" * len(values))


@contextmanager
def told(path: Path) -> Iterator[None]:
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
