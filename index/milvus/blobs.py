"""Bytes under a name, in a collection of texts: Milvus has no field for bytes, and none longer than 64 kB."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256

from index.milvus.connection import Connection

_PART = 48_000
_NO_VECTOR = [0.0, 0.0]
"""Every collection of an older server must have vectors."""


class Blobs:
    """Bytes under names, cut in parts that fit, with a checksum: what is not whole is not there."""

    def __init__(self, connection: Connection, collection: str) -> None:
        self._connection = connection
        self._collection = collection

    def create(self, description: str) -> None:
        """Make the collection."""
        fields = {"key": (str, 1024), "head": (str, 256), "body": (str, 0)}
        self._connection.create(self._collection, description, "key", fields, ("nothing", len(_NO_VECTOR)))

    def keep(self, blobs: Mapping[str, bytes]) -> None:
        """Keep bytes under names, in place of what was there."""
        rows = []
        for name, content in blobs.items():
            parts = max(1, -(-len(content) // _PART))
            head = json.dumps([parts, sha256(content).hexdigest()])
            for part in range(parts):
                body = b64encode(content[part * _PART : (part + 1) * _PART]).decode()
                rows.append({"key": f"{name}/{part}", "head": head, "body": body, "nothing": _NO_VECTOR})
        self._connection.replace(self._collection, rows)

    def read(self, names: Iterable[str]) -> dict[str, bytes]:
        """The bytes of these names; what is missing or not whole is left out."""
        wanted = list(dict.fromkeys(names))
        rows = self._rows(f"{name}/0" for name in wanted)
        heads = {name: json.loads(rows[f"{name}/0"]["head"]) for name in wanted if f"{name}/0" in rows}
        rows |= self._rows(f"{name}/{part}" for name, (parts, _) in heads.items() for part in range(1, parts))
        found = {}
        for name, (parts, checksum) in heads.items():
            pieces = [rows.get(f"{name}/{part}", {}).get("body", "") for part in range(parts)]
            content = b"".join(map(b64decode, pieces))
            if sha256(content).hexdigest() == checksum:
                found[name] = content
        return found

    def _rows(self, keys: Iterable[str]) -> dict[str, dict]:
        found = self._connection.find_among(self._collection, "key", keys, ["key", "head", "body"])
        return {row["key"]: row for row in found}
