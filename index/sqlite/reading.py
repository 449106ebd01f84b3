"""What a gallery file tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from data.errors import GalleryDamaged, GalleryError, GalleryMismatch, UnknownIdentity
from index.records import (
    KINDS,
    STRANGERS_OF,
    Change,
    Command,
    EncoderStamp,
    IdentityCount,
    NewReference,
    Reference,
    Vectors,
    empty_vectors,
    proper_name,
)
from index.sqlite.file import GalleryFile, told
from index.store import nobody_named, refusal

_MOST_VARIABLES = 500

_AT_ONCE = 8192
"""Rows as Python objects at a time: a million of them at once would take three times the memory of their encodings."""

_VECTORS = (
    "SELECT id, identity, substr(sha256, 1, 8), hash, encoding FROM reference WHERE kind = ? AND identity IS NOT NULL"
)


class GalleryReader(GalleryFile):
    """The reading half of a store in a file: see `index.store.Store`."""

    def encoder(self, kind: str) -> EncoderStamp | None:
        """Which encoder made this kind's encodings; None while the gallery holds nothing of the kind."""
        rows = self.rows("SELECT name, fingerprint, dimension FROM encoder WHERE kind = ?", (kind,))
        return EncoderStamp(*rows[0]) if rows else None

    def check_stamp(self, kind: str, encoder: EncoderStamp) -> None:
        """Raises GalleryMismatch where another encoder makes this kind's encodings."""
        held = self.encoder(kind)
        if held is not None and held.fingerprint != encoder.fingerprint:
            raise refusal(self.path, kind, held, encoder)

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

    def count(self, kind: str | None = None) -> int:
        """How many references are enrolled, of a kind or of all."""
        which, parameters = ("kind = ? AND", (kind,)) if kind else ("", ())
        return int(self.rows(f"SELECT count(*) FROM reference WHERE {which} identity IS NOT NULL", parameters)[0][0])

    def vectors(self, kind: str, references: Sequence[int] | None = None) -> Vectors:
        """All enrolled references of a kind, or those of the given ones that are enrolled.

        Raises GalleryDamaged where an encoding has another length than its encoder's.
        """
        dimension = self._dimension(kind)
        if references is None:
            with self.snapshot():
                held = empty_vectors(self.count(kind), dimension)
                first = 0
                for batch in self.vectors_in_batches(kind):
                    rows_of_batch = slice(first, first := first + len(batch.references))
                    for name, column in vars(batch).items():
                        getattr(held, name)[rows_of_batch] = column
                return held
        wanted = sorted(references)
        rows: list[tuple] = []
        for start in range(0, len(wanted), _MOST_VARIABLES):
            some = wanted[start : start + _MOST_VARIABLES]
            rows += self.rows(f"{_VECTORS} AND id IN ({_marks(some)}) ORDER BY id", (kind, *some))
        return self._as_vectors(rows, dimension)

    def vectors_in_batches(self, kind: str, batch: int = _AT_ONCE) -> Iterator[Vectors]:
        """What `vectors` gives of all, in the same order, in parts of at most `batch` references.

        To be read to its end inside one `snapshot`. Raises GalleryDamaged.
        """
        dimension = self._dimension(kind)
        with told(self.path):
            cursor = self._connection.execute(f"{_VECTORS} ORDER BY id", (kind,))
            while rows := cursor.fetchmany(batch):
                yield self._as_vectors(rows, dimension)

    def shelf(self, kind: str, device: str) -> None:
        """None: references of a file are read into memory."""

    def searched_by(self, kind: str) -> str:
        """Nobody but who opens the file."""
        return ""

    def _dimension(self, kind: str) -> int:
        encoder = self.encoder(kind)
        return encoder.dimension if encoder else 0

    def _as_vectors(self, rows: Sequence[tuple], dimension: int) -> Vectors:
        references, identities, pictures, hashes, encodings = zip(*rows, strict=True) if rows else ((),) * 5
        length = 2 * dimension
        if any(of != length for of in set(map(len, encodings))):
            bad = next(at for at, encoding in zip(references, encodings, strict=True) if len(encoding) != length)
            raise GalleryDamaged(f"reference {bad} of {self.path} has a damaged encoding: see `kaodex gallery check`")
        return Vectors(
            references=np.array(references, np.int64),
            identities=np.array(identities, np.int64),
            pictures=np.frombuffer(b"".join(pictures), ">u8").astype(np.uint64),
            hashes=np.array(hashes, np.int64).view(np.uint64),
            encodings=np.frombuffer(b"".join(encodings), "<f2")
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
        identity = self.identity_named(kind, name)
        if identity is None:
            raise self._nobody(kind, name)
        return identity

    def identity_named(self, kind: str, name: str) -> int | None:
        """The id of an enrolled identity; None where nobody has this name."""
        rows = self.rows(
            "SELECT id FROM identity WHERE kind = ? AND name = ? "
            "AND EXISTS (SELECT 1 FROM reference WHERE reference.identity = identity.id)",
            (kind, proper_name(name)),
        )
        return rows[0][0] if rows else None

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

    def _nobody(self, kind: str, name: str) -> UnknownIdentity:
        return nobody_named(self.path, kind, name, [identity.name for identity in self.identities(kind)])


def _marks(values: Sequence) -> str:
    return ", ".join("?" * len(values))
