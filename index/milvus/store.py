"""A gallery in collections of a Milvus server.

`NAME_journal` holds what was done, and is the truth about who is enrolled: see `index.milvus.journal`. The references
of a kind (`NAME_character` …) and their crops (`NAME_blobs`) are written before the entry that enrols them, so a writer
that is stopped in between leaves rows that nobody counts, and the picture can be enrolled again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from data.errors import GalleryDamaged, GalleryError, GalleryMismatch, GalleryMissing, UnknownIdentity
from data.gallery_place import MilvusAddress
from index.milvus.blobs import Blobs
from index.milvus.connection import Connection
from index.milvus.journal import NOBODY, Entry, Journal
from index.milvus.numbers import ascending_numbers, face_number, identity_number
from index.milvus.rows import FIELDS, as_new_reference, as_reference, as_row, as_vectors
from index.records import (
    KINDS,
    STRANGERS_OF,
    Change,
    Command,
    EncoderStamp,
    Enrolled,
    IdentityCount,
    NewReference,
    Outcome,
    Reference,
    Vectors,
    proper_kind,
    proper_name,
)
from index.same_face import SAME_FACE, HeldReference, way_in
from index.store import nobody_named, refusal

FORMAT = 1
_DESCRIPTION = "Kaodex gallery, format"

_LATE = 512
"""How many numbers before the last one are looked through for entries of slower writers."""
_WINDOW = 4096
_PART = 60_000
_VECTORS_AT_ONCE = 8192


class MilvusStore:
    """References, identities and the journal of one gallery on a Milvus server.

    Clients never wait for each other. Each call sees what was written before it, by whatever client; what a call has
    written is kept by the server when it returns. See `docs/scale.md` for what is weaker than in a file.
    """

    def __init__(self, address: MilvusAddress) -> None:
        """Open an existing gallery. Raises GalleryMissing, GalleryDamaged, GalleryMismatch, GalleryError."""
        self.path = address
        self._journal_rows = f"{address.collection}_journal"
        self._connection = Connection(address)
        self._blobs = Blobs(self._connection, f"{address.collection}_blobs")
        self._journal = Journal()
        self._words: dict[int, str] = {}
        self._loaded: set[str] = set()
        self._frozen = 0
        try:
            self._recognise()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, address: MilvusAddress) -> MilvusStore:
        """Open the gallery at this address, making an empty one where there is none."""
        connection = Connection(address)
        try:
            if connection.description(f"{address.collection}_journal") is None:
                described = f"{_DESCRIPTION} {FORMAT}"
                Blobs(connection, f"{address.collection}_blobs").create(described)
                fields = {"key": (str, 64), "number": (int, 0), "parts": (int, 0), "body": (str, 0)}
                connection.create(f"{address.collection}_journal", described, "key", fields, ("nothing", 2))
        finally:
            connection.close()
        return cls(address)

    def _recognise(self) -> None:
        described = self._connection.description(self._journal_rows)
        if described is None:
            raise GalleryMissing(f"there is no gallery at {self.path}")
        words, _, number = described.rpartition(" ")
        if words != _DESCRIPTION or not number.isdigit():
            raise GalleryDamaged(f"the collections of {self.path} are no gallery of Kaodex: name another collection")
        if int(number) > FORMAT:
            raise GalleryMismatch(
                f"{self.path} has format {number}, this Kaodex reads up to {FORMAT}: install a newer Kaodex to open it"
            )
        for collection in (self._journal_rows, f"{self.path.collection}_blobs"):
            self._connection.load(collection)

    def close(self) -> None:
        """Let go of the server; the object is of no use afterwards."""
        self._connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read inside is of one moment, whatever others write meanwhile; one inside another is the same."""
        self._refresh()
        self._frozen += 1
        try:
            yield
        finally:
            self._frozen -= 1

    # -- the journal ---------------------------------------------------------------------------------------------------

    def _refresh(self) -> Journal:
        """The journal up to now; inside a snapshot, up to its beginning."""
        if self._frozen:
            return self._journal
        start = max(0, self._journal.last - _LATE)
        while True:
            condition = f"number > {start} and number <= {start + _WINDOW}"
            rows = self._connection.find(self._journal_rows, condition, ["key", "number", "parts"])
            self._take(rows)
            if not any(row["number"] > start + _WINDOW - _LATE for row in rows):
                return self._journal
            start += _WINDOW - _LATE

    def _take(self, rows: list[dict]) -> None:
        keys: dict[tuple[int, str], list[str]] = {}
        for row in rows:
            number, token, _ = row["key"].split("-")
            order = int(number), token
            if not self._journal.seen(order):
                keys[order] = [f"{number}-{token}-{part}" for part in range(row["parts"])]
        wanted = [key for parts in keys.values() for key in parts]
        bodies = {
            row["key"]: row["body"]
            for row in self._connection.find_among(self._journal_rows, "key", wanted, ["key", "body"])
        }
        self._journal.take(
            Entry.unpacked(*order, "".join(bodies[key] for key in parts))
            for order, parts in keys.items()
            if all(key in bodies for key in parts)  # else somebody is writing it
        )

    def _commit(
        self,
        command: int,
        moves: Sequence[tuple[int, int, int, int]] = (),
        *,
        undoes: int = 0,
        stamps: Mapping[str, EncoderStamp] | None = None,
        names: Mapping[int, tuple[str, str]] | None = None,
    ) -> None:
        """Append an entry to the journal: at once, or not at all."""
        named = {**self._journal.names, **(names or {})}
        entry = Entry(
            self._journal.last + 1,
            secrets.token_hex(4),
            datetime.now(UTC).isoformat(timespec="seconds"),
            command,
            self._words.get(command, ""),
            undoes,
            dict(stamps or {}),
            {who: named[who] for move in moves for who in move[1:3] if who != NOBODY},
            np.array(moves, np.int64).reshape(-1, 4),
        )
        body = entry.packed()
        parts = [body[start : start + _PART] for start in range(0, len(body), _PART)]
        self._connection.insert(
            self._journal_rows,
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
        self._journal.take([entry])

    def begin(self, words: str) -> int:
        """Note that a command begins; its changes are undone together. Nothing is written until there is a change."""
        (command,) = ascending_numbers(1, max(self._words, default=0))
        self._words[command] = words
        return command

    def _still_open(self, command: int) -> int:
        """The command itself, or a new one of the same words where it was undone meanwhile or others came after it."""
        return command if self._journal.is_open(command) else self.begin(self._words[command])

    # -- what made the encodings ---------------------------------------------------------------------------------------

    def encoder(self, kind: str) -> EncoderStamp | None:
        """Which encoder made this kind's encodings; None while the gallery holds nothing of the kind."""
        return self._journal.stamps.get(kind) or self._refresh().stamps.get(kind)  # once there, it stays

    def stamp(self, kind: str, encoder: EncoderStamp) -> None:
        """Note which encoder makes this kind's encodings. Raises GalleryMismatch where another one does already."""
        proper_kind(kind)
        if self.encoder(kind) is None:
            self._connection.create(
                self._rows(kind), f"{_DESCRIPTION} {FORMAT}", "id", FIELDS, ("encoding", encoder.dimension)
            )
            self._commit(0, stamps={kind: encoder})
        self.check_stamp(kind, encoder)

    def check_stamp(self, kind: str, encoder: EncoderStamp) -> None:
        """Raises GalleryMismatch where another encoder makes this kind's encodings."""
        held = self.encoder(kind)
        if held is not None and held.fingerprint != encoder.fingerprint:
            raise refusal(self.path, kind, held, encoder)

    def _rows(self, kind: str) -> str:
        """The collection of a kind's references."""
        return f"{self.path.collection}_{kind.replace(' ', '_')}"

    def _loaded_rows(self, kind: str) -> str:
        collection = self._rows(kind)
        if collection not in self._loaded:
            self._connection.load(collection)
            self._loaded.add(collection)
        return collection

    # -- reading -------------------------------------------------------------------------------------------------------

    def kinds(self) -> list[str]:
        """The kinds of which at least one reference is enrolled, banks of strangers last."""
        held = {who.kind for who in self.identities()}
        return [kind for kind in (*KINDS, *STRANGERS_OF.values()) if kind in held]

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
        identity = identity_number(kind, proper_name(name))
        if not self._refresh().members(identity):
            raise self._nobody(kind, name)
        return identity

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
            rows = self._connection.find_among(self._loaded_rows(kind), "id", wanted, ["id", *fields])
            found.update({row["id"]: row for row in rows})
            missing = [reference for reference in wanted if reference not in found]
            if missing:
                raise GalleryDamaged(f"{self.path} has lost reference {missing[0]}: see `kaodex gallery check`")
        return found

    def vectors(self, kind: str, references: Sequence[int] | None = None) -> Vectors:
        """All enrolled references of a kind, or those of the given ones that are enrolled. Raises GalleryDamaged."""
        with self.snapshot():
            if references is None:
                wanted = list(self._journal.enrolled(kind))
            else:
                wanted = [one for one in sorted(references) if self._kind_of(one) == kind]
            encoder = self.encoder(kind)
            rows = self._rows_of(wanted, ["sha256", "hash", "encoding"])
            return as_vectors(
                [rows[one] for one in wanted],
                [self._journal.owner(one) or 0 for one in wanted],
                encoder.dimension if encoder else 0,
            )

    def vectors_in_batches(self, kind: str) -> Iterator[Vectors]:
        """What `vectors` gives of all, in the same order, in parts. Raises GalleryDamaged."""
        with self.snapshot():
            wanted = list(self._journal.enrolled(kind))
            for start in range(0, len(wanted), _VECTORS_AT_ONCE):
                yield self.vectors(kind, wanted[start : start + _VECTORS_AT_ONCE])

    def count(self, kind: str | None = None) -> int:
        """How many references are enrolled, of a kind or of all."""
        return sum(who.references for who in self.identities(kind))

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
        found = self._blobs.read([_crop(reference)]) if known else {}
        if not found:
            raise GalleryError(f"{self.path} holds no reference {reference}")
        return found[_crop(reference)]

    def contents(self, kind: str, batch: int = 256) -> Iterator[list[NewReference]]:
        """All enrolled references of a kind with their crops, as they would be enrolled elsewhere, in batches.

        Those that are enrolled when it begins, without those that are removed meanwhile. Raises GalleryDamaged.
        """
        with self.snapshot():
            wanted = list(self._journal.enrolled(kind))
        for start in range(0, len(wanted), batch):
            with self.snapshot():
                some = [one for one in wanted[start : start + batch] if self._kind_of(one) == kind]
                rows = self._rows_of(some, [*FIELDS, "encoding"])
                crops = self._blobs.read(map(_crop, some))
                lost = [one for one in some if _crop(one) not in crops]
                if lost:
                    raise GalleryDamaged(f"{self.path} has lost the crop of reference {lost[0]}: remove the reference")
                yield [as_new_reference(rows[one], self._who(one)[1], crops[_crop(one)]) for one in some]

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

    # -- changing ------------------------------------------------------------------------------------------------------

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
                    crops[_crop(reference)] = new.crop
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

    def commands(self, most: int = 20) -> list[Command]:
        """The last commands that changed something, newest first."""
        self._refresh()
        return self._journal.commands()[::-1][:most]

    # -- the place itself ----------------------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """What is wrong with the gallery, in words; nothing, if all is well. Reads all that is enrolled."""
        problems = []
        with self.snapshot():
            for kind in self.kinds():
                enrolled = list(self._journal.enrolled(kind))
                rows = {
                    row["id"]: row["encoding"]
                    for row in self._connection.find_among(self._loaded_rows(kind), "id", enrolled, ["id", "encoding"])
                }
                problems += [f"reference {one} has lost its row" for one in enrolled if one not in rows]
                for start in range(0, len(enrolled), 256):
                    some = enrolled[start : start + 256]
                    crops = self._blobs.read(map(_crop, some))
                    problems += [f"reference {one} has lost its crop" for one in some if _crop(one) not in crops]
                for one, encoding in rows.items():
                    if abs(float(np.linalg.norm(encoding)) - 1) >= 0.01:
                        problems.append(f"the encoding of reference {one} is no unit vector")
        return problems

    def export(self, target: Path) -> None:
        """Copy the gallery into one file. Raises GalleryError where the target exists."""
        from index.copying import copy_to_file

        copy_to_file(self, target)


def _crop(reference: int) -> str:
    return f"crop {reference}"


def _calibration(kind: str, key: str) -> str:
    return f"calibration {kind} {key}"
