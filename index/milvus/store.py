"""A gallery on a Milvus server."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from data.errors import GalleryError
from index.milvus.entry import NOBODY
from index.milvus.numbers import ascending_numbers, face_number, identity_number
from index.milvus.place import DESCRIPTION
from index.milvus.reading import MilvusReader, crop_key
from index.milvus.rows import FIELDS, as_new_reference, as_row
from index.milvus.served import ServedReferences
from index.milvus.shelf import ServedShelf
from index.records import (
    STRANGERS_OF,
    Command,
    EncoderStamp,
    Enrolled,
    NewReference,
    Outcome,
    proper_kind,
    proper_name,
)
from index.same_face import SAME_FACE, HeldReference, way_in

_CHECKED_AT_ONCE = 256

MOST_IN_MEMORY = 2_000_000
"""References of a kind up to which a client reads them all and searches them itself, where its address leaves it open.

With encodings of 256 numbers these are 1.1 GB.
"""


class MilvusStore(MilvusReader):
    """References, identities and the journal of one gallery on a Milvus server: see `index.store.Store`."""

    def stamp(self, kind: str, encoder: EncoderStamp) -> None:
        """Note which encoder makes this kind's encodings. Raises GalleryMismatch where another one does already."""
        proper_kind(kind)
        if self.encoder(kind) is None:
            self._connection.create(self._rows(kind), DESCRIPTION, "id", FIELDS, ("encoding", encoder.dimension))
            self._commit(0, stamps={kind: encoder})
        self.check_stamp(kind, encoder)

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
        """Enrol references in one entry of the journal, and tell for each what became of it.

        As in a file; but what another client enrols in the same moment is not seen. The same face is then enrolled once
        all the same: the other's, where its entry comes first. Raises GalleryMismatch.
        """
        with self.snapshot():
            self.check_stamp(kind, encoder)
            pictures = [new.sha256 for new in references]
            held: dict[bytes, dict[int, HeldReference]] = {}
            for row in self._of_pictures(kind, pictures, ["encoding"]):
                one = as_new_reference(row, "-", b"")
                whose = self._who(row["id"])[1] if self._kind_of(row["id"]) else None
                encoding = one.encoding.astype("<f2").tobytes()
                held.setdefault(one.sha256, {})[row["id"]] = HeldReference(row["id"], whose, one.box, encoding)
            numbers = iter(ascending_numbers(len(references), self._journal.newest()))
            rows, crops, outcomes = [], {}, []
            moves: list[tuple[int, int, int, int]] = []
            names: dict[int, tuple[str, str]] = {}
            faces: set[int] = set()
            for new in references:
                of_picture = held.setdefault(new.sha256, {})
                way = way_in(new, list(of_picture.values()), allow_conflicts=allow_conflicts, same_face=same_face)
                if isinstance(way, Enrolled):
                    outcomes.append(way)
                    continue
                identity = identity_number(kind, new.identity)
                names[identity] = kind, new.identity
                if way is None:
                    reference = next(numbers)
                    face = face_number(kind, new.sha256, new.box)
                    if self._journal.face_taken(face) or face in faces:
                        face = face_number(kind, new.sha256, new.box, str(reference))
                    faces.add(face)
                    rows.append(as_row(reference, new))
                    crops[crop_key(reference)] = new.crop
                    moves.append((reference, NOBODY, identity, face))
                else:
                    reference = way
                    moves.append((reference, NOBODY, identity, 0))
                encoding = new.encoding.astype("<f2").tobytes()
                of_picture[reference] = HeldReference(reference, new.identity, new.box, encoding)
                outcomes.append(Enrolled(Outcome.ADDED, reference, new.identity))
            added = {new.sha256 for new, one in zip(references, outcomes, strict=True) if one.outcome is Outcome.ADDED}
            if kind in STRANGERS_OF:  # who is enrolled is no stranger any more
                strangers = self.holders(STRANGERS_OF[kind], sorted(added))
                for stranger in (one.id for found in strangers.values() for one in found):
                    moves.append((stranger, self._journal.owner(stranger) or 0, NOBODY, 0))
            if moves:
                self._blobs.keep(crops)
                self._connection.insert(self._rows(kind), rows)
                self._commit(self._still_open(command), moves, stamps={kind: encoder}, names=names)
        return outcomes

    def move(self, kind: str, names: Sequence[str], target: str | None, words: str) -> int:
        """Move all references of these identities to another (None: out of the gallery); how many were moved.

        Raises UnknownIdentity, and then changes nothing.
        """
        with self.snapshot():
            after = NOBODY if target is None else identity_number(kind, proper_name(target))
            moves = []
            for name in dict.fromkeys(map(proper_name, names)):
                before = self.identity(kind, name)
                if before != after:
                    moves += [(reference, before, after, 0) for reference in self._journal.members(before)]
            if moves:
                self._commit(self.begin(words), moves, names={after: (kind, proper_name(target))} if target else None)
            return len(moves)

    def remove_references(self, references: Sequence[int], words: str) -> int:
        """Take single references out of the gallery; how many. Raises GalleryError for one that is not enrolled."""
        with self.snapshot():
            moves = []
            for reference in dict.fromkeys(references):
                owner = self._journal.owner(reference)
                if owner is None or owner == NOBODY:
                    raise GalleryError(f"{self.path} holds no reference {reference}: see `kaodex gallery show NAME`")
                moves.append((reference, owner, NOBODY, 0))
            if moves:
                self._commit(self.begin(words), moves)
            return len(moves)

    def undo(self) -> Command:
        """Walk the last command back that is not undone yet. Raises GalleryError where there is none."""
        with self.snapshot():
            last = self._journal.last_standing()
            if last is None:
                raise GalleryError(f"there is nothing to undo in {self.path}")
            now: dict[int, int | None] = {}
            moves = []
            for reference, before, after in self._journal.moves_of(last.id):
                whose = now.get(reference, self._journal.owner(reference))
                if whose == after:  # what a later command of another client moved on is left where it is
                    moves.append((reference, after, before, 0))
                    now[reference] = before
            self._commit(self.begin(f"undo: {last.words}"), moves, undoes=last.id)
            return Command(last.id, last.at, last.words, len(moves))

    def shelf(self, kind: str, device: str) -> ServedShelf | None:
        """A shelf that the server searches, where the address says so, or leaves it open and the gallery is large."""
        return ServedShelf(self, kind, partial(self._served, kind), device) if self._serves(kind) else None

    def searched_by(self, kind: str) -> str:
        """Who searches this kind, and which guarantee that lowers, in words; empty where it is searched in memory."""
        if not self._serves(kind) or self.encoder(kind) is None:
            return ""
        index = self._connection.index(self._rows(kind), "encoding") or "none"
        if index == "FLAT":
            return "by the server, exactly (index FLAT)"
        return f"by the server, approximately (index {index}): nearest references may be missed"

    def _serves(self, kind: str) -> bool:
        if self.path.search == "auto":
            return self.count(kind) > MOST_IN_MEMORY
        return self.path.search == "server"

    def _served(self, kind: str, before: ServedReferences | None) -> ServedReferences:
        read = partial(self._vectors_of, kind)
        return ServedReferences(self._connection, self._rows(kind), *self._journal.enrolled(kind), read, before)

    def check(self) -> list[str]:
        """What is wrong with the gallery, in words; nothing, if all is well. Reads all that is enrolled."""
        problems = []
        with self.snapshot():
            for kind in self.kinds():
                enrolled = self._journal.enrolled(kind)[0].tolist()
                for start in range(0, len(enrolled), _CHECKED_AT_ONCE):
                    problems += self._problems_of(kind, enrolled[start : start + _CHECKED_AT_ONCE])
        return problems

    def _problems_of(self, kind: str, references: Sequence[int]) -> list[str]:
        rows = self._connection.find_among(self._loaded_rows(kind), "id", references, ["id", "encoding"])
        encodings = {row["id"]: row["encoding"] for row in rows}
        crops = self._blobs.read(map(crop_key, references))
        return [
            *(f"reference {one} has lost its row" for one in references if one not in encodings),
            *(f"reference {one} has lost its crop" for one in references if crop_key(one) not in crops),
            *(
                f"the encoding of reference {one} is no unit vector"
                for one, encoding in sorted(encodings.items())
                if abs(float(np.linalg.norm(encoding)) - 1) >= 0.01
            ),
        ]

    def export(self, target: Path) -> None:
        """Copy the gallery into one file. Raises GalleryError where the target exists."""
        from index.copying import copy_to_file

        copy_to_file(self, target)
