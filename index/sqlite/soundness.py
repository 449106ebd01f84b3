"""Whether a gallery file is sound: every reference where the journal says, with its crop and a unit vector."""

from __future__ import annotations

import numpy as np

from index.sqlite.reading import GalleryReader


def problems(gallery: GalleryReader) -> list[str]:
    """What is wrong with the gallery, in words; nothing, if all is well. Reads every page of the file."""
    found = [f"SQLite: {row[0]}" for row in gallery.rows("PRAGMA integrity_check") if row[0] != "ok"]
    found += [
        f"a row of {table} refers to a row of {parent} that is not there"
        for table, _, parent, _ in gallery.rows("PRAGMA foreign_key_check")
    ]
    for reference, now, last in gallery.rows(
        "SELECT id, identity, after FROM reference LEFT JOIN "
        "(SELECT reference, after, max(id) FROM journal GROUP BY reference) AS last ON last.reference = id "
        "WHERE identity IS NOT after"
    ):
        found.append(f"reference {reference} belongs to identity {now}, the journal says {last}")
    for (reference,) in gallery.rows("SELECT id FROM reference WHERE id NOT IN (SELECT reference FROM crop)"):
        found.append(f"reference {reference} has lost its crop")
    for reference, length, dimension in gallery.rows(
        "SELECT id, length(encoding), dimension FROM reference JOIN encoder USING (kind) "
        "WHERE length(encoding) <> 2 * dimension"
    ):
        found.append(f"the encoding of reference {reference} has {length} bytes instead of {2 * dimension}")
    if not found:
        for kind in gallery.kinds():
            for held in gallery.vectors_in_batches(kind):
                lengths = np.linalg.norm(held.encodings.astype(np.float32), axis=1)
                for reference in held.references[~(np.abs(lengths - 1) < 0.01)]:
                    found.append(f"the encoding of reference {reference} is no unit vector")
    return found
