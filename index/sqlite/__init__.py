"""A gallery in one SQLite file."""

from index.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
