"""The journal's entries as rows of a collection."""

from __future__ import annotations

from index.milvus.connection import Connection
from index.milvus.entry import Entry
from index.milvus.journal import Journal

_LATE = 512
"""How many numbers before the last one are looked through for entries of slower writers."""
_WINDOW = 4096
_PART = 60_000


class WrittenJournal:
    """Entries in a collection, cut in parts that fit a field; what is not whole is not there."""

    def __init__(self, connection: Connection, collection: str) -> None:
        self.collection = collection
        self._connection = connection

    def create(self, description: str) -> None:
        """Make the collection."""
        fields = {"key": (str, 64), "number": (int, 0), "parts": (int, 0), "body": (str, 0)}
        self._connection.create(self.collection, description, "key", fields, ("nothing", 2))

    def read_into(self, journal: Journal) -> None:
        """Read what a journal was not told yet."""
        start = max(0, journal.last - _LATE)
        while True:
            condition = f"number > {start} and number <= {start + _WINDOW}"
            rows = self._connection.find(self.collection, condition, ["key", "number", "parts"])
            journal.take(self._entries(rows, journal))
            if not any(row["number"] > start + _WINDOW - _LATE for row in rows):
                return
            start += _WINDOW - _LATE

    def _entries(self, rows: list[dict], journal: Journal) -> list[Entry]:
        keys: dict[tuple[int, str], list[str]] = {}
        for row in rows:
            number, token, _ = row["key"].split("-")
            order = int(number), token
            if not journal.seen(order):
                keys[order] = [f"{number}-{token}-{part}" for part in range(row["parts"])]
        wanted = [key for parts in keys.values() for key in parts]
        bodies = {
            row["key"]: row["body"]
            for row in self._connection.find_among(self.collection, "key", wanted, ["key", "body"])
        }
        return [
            Entry.unpacked(*order, "".join(bodies[key] for key in parts))
            for order, parts in keys.items()
            if all(key in bodies for key in parts)  # else somebody is writing it
        ]

    def append(self, entry: Entry) -> None:
        """Write an entry: at once, or not at all."""
        body = entry.packed()
        parts = [body[start : start + _PART] for start in range(0, len(body), _PART)]
        self._connection.insert(
            self.collection,
            [
                {
                    "key": f"{entry.number:012}-{entry.token}-{part}",
                    "number": entry.number,
                    "parts": len(parts),
                    "body": text,
                    "nothing": [0.0, 0.0],
                }
                for part, text in enumerate(parts)
            ],
        )
