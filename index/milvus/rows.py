"""References as rows of a collection, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64

from data.errors import GalleryDamaged
from index.records import NewReference, Reference, Vectors

FIELDS: dict[str, tuple[type, int]] = {
    "id": (int, 0),
    "sha256": (str, 64),
    "source": (str, 0),
    "x0": (int, 0),
    "y0": (int, 0),
    "x1": (int, 0),
    "y1": (int, 0),
    "region": (str, 16),
    "detection": (float, 0),
    "hash": (int, 0),
}
"""All but the encoding: of what type each field is, and how many bytes a text has at most (0: as many as there can be).

Encodings are float32, which every server knows; they hold float16 values.
"""


def as_row(reference: int, new: NewReference) -> dict[str, Any]:
    """The row of a reference."""
    x0, y0, x1, y1 = new.box
    return {
        "id": reference,
        "sha256": new.sha256.hex(),
        "source": new.source,
        "x0": int(x0),
        "y0": int(y0),
        "x1": int(x1),
        "y1": int(y1),
        "region": new.region,
        "detection": float(new.detection),
        "hash": int(np.uint64(new.hash).astype(np.int64)),
        "encoding": new.encoding.astype(np.float32).tolist(),
    }


def as_reference(row: dict[str, Any], kind: str, identity: str) -> Reference:
    """What is told of a reference."""
    box = row["x0"], row["y0"], row["x1"], row["y1"]
    return Reference(row["id"], identity, kind, row["source"], box, row["region"], bytes.fromhex(row["sha256"]))


def as_new_reference(row: dict[str, Any], identity: str, crop: bytes) -> NewReference:
    """The reference as it would be enrolled elsewhere."""
    return NewReference(
        identity=identity,
        sha256=bytes.fromhex(row["sha256"]),
        source=row["source"],
        box=(row["x0"], row["y0"], row["x1"], row["y1"]),
        region=row["region"],
        detection=row["detection"],
        hash=int(np.int64(row["hash"]).astype(np.uint64)),
        encoding=np.array(row["encoding"], np.float16),
        crop=crop,
    )


def as_vectors(rows: Sequence[dict[str, Any]], identities: Int64[np.ndarray, " rows"], dimension: int) -> Vectors:
    """Rows as arrays. Raises GalleryDamaged where an encoding has another length than `dimension`."""
    encodings = np.empty((len(rows), dimension), np.float16)
    for position, row in enumerate(rows):
        if len(row["encoding"]) != dimension:
            raise GalleryDamaged(f"reference {row['id']} has an encoding of {len(row['encoding'])} numbers")
        encodings[position] = row["encoding"]
    return Vectors(
        references=np.array([row["id"] for row in rows], np.int64),
        identities=identities,
        pictures=np.array([int(row["sha256"][:16], 16) for row in rows], np.uint64),
        hashes=np.array([row["hash"] for row in rows], np.int64).view(np.uint64),
        encodings=encodings,
    )
