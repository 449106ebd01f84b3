"""What a gallery on a Milvus server tells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int64

from data.errors import GalleryDamaged, GalleryError, UnknownIdentity
from index.milvus.entry import NOBODY
from index.milvus.numbers import identity_number
from index.milvus.place import MilvusPlace
from index.milvus.rows import FIELDS, as_new_reference, as_reference, as_vectors
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
from index.store import nobody_named, refusal

_AT_ONCE = 8192
"""Rows as Python objects at a time: a million of them at once would take ten times the memory of their encodings."""


class MilvusReader(MilvusPlace):
    """The reading half of a store on a Milvus server: see `index.store.Store`."""

    def encoder(self, kind: str) -> EncoderStamp | None:
        """Which encoder made this kind's encodings; None while the gallery holds nothing of the kind."""
        return self._journal.stamps.get(kind) or self._refresh().stamps.get(kind)  # once there, it stays

    def check_stamp(self, kind: str, encoder: EncoderStamp) -> None:
        """Raises GalleryMismatch where another encoder makes this kind's encodings."""
        held = self.encoder(kind)
        if held is not None and held.fingerprint != encoder.fingerprint:
            raise refusal(self.path, kind, held, encoder)

    def kinds(self) -> list[str]:
        """The kinds of which at least one reference is enrolled, banks of strangers last."""
        journal = self._refresh()
        return [kind for kind in (*KINDS, *STRANGERS_OF.values()) if journal.count(kind)]

    def revision(self) -> int:
        """How many moves the journal holds; 0 for a gallery that never held anything."""
        return self._refresh().revision

    def changes(self, since: int, kind: str) -> list[Change]:
        """What moved references of this kind after the revision `since`, in order."""
        return self._refresh().changes(since, kind)

    def identities(self, kind: str | None = None) -> list[IdentityCount]:
        """Who is enrolled, by kind and name, with the number of references."""
        journal = self._refresh()
        found = [
            IdentityCount(identity, *journal.names[identity], count) for identity, count in journal.counts().items()
        ]
        return sorted((who for who in found if kind in (None, who.kind)), key=lambda who: (who.kind, who.name))

    def names(self, identities: Sequence[int]) -> dict[int, str]:
        """The names of identities, by id."""
        return {who: self._journal.names[who][1] for who in identities if who in self._journal.names}

    def identity(self, kind: str, name: str) -> int:
        """The id of an enrolled identity. Raises UnknownIdentity, with names that are near."""
        identity = self.identity_named(kind, name)
        if identity is None:
            raise self._nobody(kind, name)
        return identity

    def identity_named(self, kind: str, name: str) -> int | None:
        """The id of an enrolled identity; None where nobody has this name."""
        identity = identity_number(kind, proper_name(name))
        return identity if self._refresh().members(identity) else None

    def _nobody(self, kind: str, name: str) -> UnknownIdentity:
        with self.snapshot():
            return nobody_named(self.path, kind, name, [who.name for who in self.identities(kind)])

    def _kind_of(self, reference: int) -> str | None:
        """The kind of an enrolled reference; None for one that is not enrolled."""
        owner = self._journal.owner(reference)
        return None if owner in (None, NOBODY) else self._journal.names[owner][0]

    def _rows_of(self, references: Sequence[int], fields: Sequence[str]) -> dict[int, dict]:
        """The rows of enrolled references, by id. Raises GalleryDamaged where one is missing."""
        by_kind: dict[str, list[int]] = {}
        for reference in references:
            if kind := self._kind_of(reference):
                by_kind.setdefault(kind, []).append(reference)
        found = {}
        for kind, wanted in by_kind.items():
            found.update(self._rows_in(kind, wanted, fields))
        return found

    def _rows_in(
        self, kind: str, wanted: Sequence[int], fields: Sequence[str], *, fresh: bool = True
    ) -> dict[int, dict]:
        """The rows of references of one kind, by id. Raises GalleryDamaged where one is missing."""
        collection = self._loaded_rows(kind)
        rows = self._connection.find_among(collection, "id", wanted, ["id", *fields], fresh=fresh)
        found = {row["id"]: row for row in rows}
        missing = [reference for reference in wanted if reference not in found]
        if missing and fresh:
            raise GalleryDamaged(f"{self.path} has lost reference {missing[0]}: see `kaodex gallery check`")
        return {**found, **self._rows_in(kind, missing, fields)} if missing else found

    def count(self, kind: str | None = None) -> int:
        """How many references are enrolled, of a kind or of all."""
        journal = self._refresh()
        return sum(journal.count(one) for one in ([kind] if kind else journal.stamps))

    def vectors(self, kind: str, references: Sequence[int] | None = None) -> Vectors:
        """All enrolled references of a kind, or those of the given ones that are enrolled. Raises GalleryDamaged."""
        with self.snapshot():
            if references is None:
                return self._vectors_of(kind, *self._journal.enrolled(kind))
            ids = np.unique(np.fromiter(references, np.int64, len(references)))
            identities = self._journal.owners(ids)
            enrolled = np.array([who >= 0 and self._journal.names[who][0] == kind for who in identities.tolist()], bool)
            return self._vectors_of(kind, ids[enrolled], identities[enrolled])

    def vectors_in_batches(self, kind: str, batch: int = _AT_ONCE) -> Iterator[Vectors]:
        """What `vectors` gives of all, in the same order, in parts of at most `batch` references.

        To be read to its end inside one `snapshot`. Raises GalleryDamaged.
        """
        ids, identities = self._refresh().enrolled(kind)
        for start in range(0, len(ids), batch):
            yield self._vectors_of(kind, ids[start : start + batch], identities[start : start + batch])

    def _vectors_of(
        self, kind: str, ids: Int64[np.ndarray, " wanted"], identities: Int64[np.ndarray, " wanted"]
    ) -> Vectors:
        """References, with whose they are. Raises GalleryDamaged where one is missing."""
        encoder = self.encoder(kind)
        held = empty_vectors(len(ids), encoder.dimension if encoder else 0)
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE].tolist()
            rows = self._rows_in(kind, some, ["sha256", "hash", "encoding"], fresh=False)
            part = as_vectors(
                [rows[one] for one in some], identities[start : start + _AT_ONCE], held.encodings.shape[1]
            )
            for name, column in vars(part).items():
                getattr(held, name)[start : start + _AT_ONCE] = column
        return held

    def references(self, wanted: Sequence[int]) -> dict[int, Reference]:
        """What is told of these references, by id; removed ones are left out."""
        with self.snapshot():
            rows = self._rows_of(sorted(set(wanted)), [name for name in FIELDS if name != "id"])
            return {one: as_reference(rows[one], *self._who(one)) for one in rows}

    def _who(self, reference: int) -> tuple[str, str]:
        """Kind and name of an enrolled reference's identity."""
        owner = self._journal.owner(reference)
        assert owner is not None
        return self._journal.names[owner]

    def references_of(self, identity: int) -> list[Reference]:
        """All references of one identity, oldest first."""
        with self.snapshot():
            found = self.references(self._journal.members(identity))
            return [found[one] for one in sorted(found)]

    def holders(self, kind: str, pictures: Sequence[bytes]) -> dict[bytes, list[Reference]]:
        """Which enrolled references came from picture files of these SHA-256 sums."""
        held: dict[bytes, list[Reference]] = {}
        with self.snapshot():
            for row in self._of_pictures(kind, pictures, []):
                if self._kind_of(row["id"]) == kind:
                    reference = as_reference(row, *self._who(row["id"]))
                    held.setdefault(reference.sha256, []).append(reference)
        return held

    def _of_pictures(self, kind: str, pictures: Sequence[bytes], more: Sequence[str]) -> list[dict]:
        """The rows of all references of these picture files, by id, among them removed ones."""
        if not pictures or kind not in self._journal.stamps:
            return []
        sums = [picture.hex() for picture in pictures]
        rows = self._connection.find_among(self._loaded_rows(kind), "sha256", sums, [*FIELDS, *more])
        return sorted(
            (row for row in rows if self._journal.owner(row["id"]) is not None), key=lambda row: int(row["id"])
        )

    def crop(self, reference: int) -> bytes:
        """The stored crop of a reference as an encoded picture file. Raises GalleryError where there is none."""
        known = self._refresh().owner(reference) is not None
        found = self._blobs.read([crop_key(reference)]) if known else {}
        if not found:
            raise GalleryError(f"{self.path} holds no reference {reference}")
        return found[crop_key(reference)]

    def contents(self, kind: str, batch: int = 256) -> Iterator[list[NewReference]]:
        """All enrolled references of a kind with their crops, as they would be enrolled elsewhere, in batches.

        Those that are enrolled when it begins, without those that are removed meanwhile. Raises GalleryDamaged.
        """
        with self.snapshot():
            wanted = self._journal.enrolled(kind)[0].tolist()
        for start in range(0, len(wanted), batch):
            with self.snapshot():
                some = [one for one in wanted[start : start + batch] if self._kind_of(one) == kind]
                rows = self._rows_of(some, [*FIELDS, "encoding"])
                crops = self._blobs.read(map(crop_key, some))
                lost = [one for one in some if crop_key(one) not in crops]
                if lost:
                    raise GalleryDamaged(f"{self.path} has lost the crop of reference {lost[0]}: remove the reference")
                yield [as_new_reference(rows[one], self._who(one)[1], crops[crop_key(one)]) for one in some]

    def calibration(self, kind: str, key: str, encoder: EncoderStamp | None = None) -> tuple[int, bytes] | None:
        """What was kept under this key, and the revision at that time; None where nothing was.

        None also where the kind's encodings are another encoder's than then, or than `encoder`'s.
        """
        held = self._refresh().stamps.get(kind)
        kept = self._blobs.read([_calibration(kind, key)]).get(_calibration(kind, key))
        if kept is None or held is None or (encoder and encoder.fingerprint != held.fingerprint):
            return None
        head, _, value = kept.partition(b"\n")
        fingerprint, *mark = json.loads(head)
        revision = self._journal.revision_of(mark)
        return None if revision is None or fingerprint != held.fingerprint else (revision, value)

    def keep_calibration(
        self, kind: str, key: str, journal: int, value: bytes, encoder: EncoderStamp | None = None
    ) -> None:
        """Keep what can be computed again, stamped with the revision that it knows of.

        With `encoder`, nothing is kept where the kind's encodings are another encoder's.
        """
        held = self.encoder(kind)
        if held is None or (encoder and encoder.fingerprint != held.fingerprint):
            return
        head = json.dumps([held.fingerprint, *self._journal.mark(journal)]).encode()
        self._blobs.keep({_calibration(kind, key): head + b"\n" + value})

    def commands(self, most: int = 20) -> list[Command]:
        """The last commands that changed something, newest first."""
        self._refresh()
        return self._journal.commands()[::-1][:most]


def crop_key(reference: int) -> str:
    """Under which key the crop of a reference is kept."""
    return f"crop {reference}"


def _calibration(kind: str, key: str) -> str:
    return f"calibration {kind} {key}"
