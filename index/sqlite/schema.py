"""The tables of a gallery file, and the way from an older format to today's.

A reference belongs to one identity, or to none (removed; undo can bring it back). Every change of that is one row of
the journal, grouped by the command that made it: enrolling, removing, renaming, merging and undoing are all *moves* of
references. So undo walks the rows of a command back, and what is kept in memory follows by replaying the rows it has
not seen.

Encodings are no part of the journal: they are what an encoder makes of the crops. So moving a gallery to another
encoder changes no row of the journal, commands from before it can be undone after it, and the references that come back
have the new encodings. The file's format stays the same across it, and on the way there too: the new encodings wait in
two tables of their own, which a Kaodex that does not know them leaves alone.
"""

from __future__ import annotations

import sqlite3

from data.errors import GalleryMismatch

FORMAT = 1
"""`PRAGMA user_version` of a file that this program writes."""

APPLICATION = 0x4B616F78
"""`PRAGMA application_id`: the letters Kaox, so that `file` and others know a gallery from any SQLite file."""

_TABLES = (
    """CREATE TABLE encoder (
        kind TEXT PRIMARY KEY CHECK (kind IN ('character', 'artist', 'character stranger', 'artist stranger')),
        name TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        dimension INTEGER NOT NULL CHECK (dimension > 0)
    ) STRICT""",
    """CREATE TABLE identity (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL REFERENCES encoder (kind),
        name TEXT NOT NULL,
        UNIQUE (kind, name)
    ) STRICT""",
    """CREATE TABLE reference (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL REFERENCES encoder (kind),
        identity INTEGER REFERENCES identity (id),
        sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
        source TEXT NOT NULL,
        x0 INTEGER NOT NULL, y0 INTEGER NOT NULL, x1 INTEGER NOT NULL, y1 INTEGER NOT NULL,
        region TEXT NOT NULL CHECK (region IN ('face', 'whole')),
        detection REAL NOT NULL,
        hash INTEGER NOT NULL,
        encoding BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX reference_sha256 ON reference (sha256)",
    "CREATE INDEX reference_identity ON reference (identity)",
    "CREATE INDEX reference_kind ON reference (kind) WHERE identity IS NOT NULL",
    """CREATE TABLE crop (
        reference INTEGER PRIMARY KEY REFERENCES reference (id) ON DELETE CASCADE,
        picture BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE command (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at TEXT NOT NULL,
        words TEXT NOT NULL,
        undone_by INTEGER REFERENCES command (id),
        undoes INTEGER REFERENCES command (id)
    ) STRICT""",
    """CREATE TABLE journal (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        command INTEGER NOT NULL REFERENCES command (id),
        reference INTEGER NOT NULL REFERENCES reference (id),
        before INTEGER REFERENCES identity (id),
        after INTEGER REFERENCES identity (id)
    ) STRICT""",
    "CREATE INDEX journal_command ON journal (command)",
    "CREATE INDEX journal_reference ON journal (reference)",
    """CREATE TABLE calibration (
        kind TEXT NOT NULL REFERENCES encoder (kind),
        key TEXT NOT NULL,
        journal INTEGER NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT""",
)

STAGED = (
    """CREATE TABLE IF NOT EXISTS reencoding (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        name TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        dimension INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS reencoded (
        id INTEGER PRIMARY KEY REFERENCES reference (id),
        encoding BLOB NOT NULL
    ) STRICT""",
)
"""While a gallery moves to another encoder: which one, and the encodings that it made so far, by reference."""

DROP_STAGED = ("DROP TABLE IF EXISTS reencoded", "DROP TABLE IF EXISTS reencoding")

_MIGRATIONS: dict[int, tuple[str, ...]] = {0: _TABLES}
"""What takes a file of a format to the next one; an empty file is format 0."""


def format_of(connection: sqlite3.Connection) -> int:
    """The format of an open file; 0 is an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to today's format, inside the caller's transaction: all of the way or not at all.

    Raises GalleryMismatch for a file of a newer Kaodex.
    """
    found = format_of(connection)
    if found > FORMAT:
        raise GalleryMismatch(
            f"the gallery has format {found}, this Kaodex reads up to {FORMAT}: install a newer Kaodex to open it"
        )
    for older in range(found, FORMAT):
        for statement in _MIGRATIONS[older]:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
