"""The gallery: references in, answers out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from data.errors import GalleryError, GalleryMismatch, GalleryMissing
from data.gallery_place import GalleryPlace, gallery_place
from data.near_duplicates import NEAR_DUPLICATE_DISTANCE
from index.answers import Candidate, Neighbour, Recognition
from index.approximate import IndexKeeper, index_files, proper_search
from index.calibration import margins
from index.calibrator import Bank, Calibrator
from index.conformal import identities_needed
from index.decision import Status, decide
from index.records import (
    KINDS,
    STRANGERS_OF,
    Command,
    EncoderStamp,
    Enrolled,
    IdentityCount,
    NewReference,
    Outcome,
    Reference,
    proper_kind,
    proper_name,
)
from index.shelf import Neighbours, Shelf, StoreShelf
from index.shelf_files import shelf_files
from index.sqlite import SQLiteStore
from index.store import Store
from index.voting import DEFAULT_RULE, vote

if TYPE_CHECKING:
    from index.milvus import MilvusStore

DEFAULT_FPIR = 0.01
DEFAULT_MISIDENTIFICATION = 0.01

PATIENCE = 60.0
"""Seconds that a gallery is open before an index is built in the background: not for a single question."""


class Gallery:
    """All references of all identities, in one file or on a Milvus server, and the search over them.

    Make one with `create` or `open`. Changes are on the disk when a call returns; changes by other processes are seen
    by the next call.
    """

    def __init__(self, store: Store, device: str = "auto", *, exact_up_to: int | None = None) -> None:
        """Beyond `exact_up_to` references an approximate index may be used: see `index.approximate`."""
        self.store = store
        self._device = device
        self._exact_up_to = exact_up_to
        self._search = "auto"
        self._indexes: dict[str, IndexKeeper] = {}
        self._opened = monotonic()
        self._shelves: dict[str, StoreShelf] = {}
        self._calibrators: dict[tuple[str, tuple[int, ...] | None], Calibrator] = {}
        self._languages: dict[str, EncoderStamp] = {}

    def speak(self, encoder: EncoderStamp, kind: str = "character") -> None:
        """From now on this object is asked about a kind, and its strangers, with this encoder's encodings alone.

        Where another process moves the gallery to another encoder, what was read before goes on answering as it was;
        what was not read yet raises GalleryMismatch. Without this call the new encodings are read.
        """
        self._languages |= {kind: encoder, STRANGERS_OF[kind]: encoder}

    def choose_search(self, search: str) -> None:
        """Search `exact`, by the `approximate` index and no other way, or `auto`: by it only where that pays.

        Raises ValueError for another word, GalleryError where this gallery can have no index.
        """
        if proper_search(search) == "approximate" and shelf_files(self.store) is None:
            raise GalleryError(
                f"{self.path} is kept on a server, and --search approximate asks an index beside a gallery in a file: "
                "leave it out"
            )
        self._end_building()
        self._search = search
        for kind, shelf in self._shelves.items():
            shelf.index = self._index(kind)

    @classmethod
    def create(cls, place: str | GalleryPlace, *, device: str = "auto", exact_up_to: int | None = None) -> Gallery:
        """Open the gallery at a place, making an empty one where there is none: see `data.gallery_place`."""
        place = gallery_place(place)
        store = SQLiteStore.create(place) if isinstance(place, Path) else _milvus().create(place)
        return cls(store, device, exact_up_to=exact_up_to)

    @classmethod
    def open(cls, place: str | GalleryPlace, *, device: str = "auto", exact_up_to: int | None = None) -> Gallery:
        """Open an existing gallery.

        Raises GalleryMissing, GalleryDamaged (no gallery, or a broken one), GalleryMismatch (of a newer Kaodex).
        """
        place = gallery_place(place)
        try:
            store = SQLiteStore(place) if isinstance(place, Path) else _milvus()(place)
            return cls(store, device, exact_up_to=exact_up_to)
        except GalleryMissing as error:
            raise GalleryMissing(
                f"{error}: make one with `kaodex enroll FOLDER -g {place}`, or name yours with -g or KAODEX_GALLERY"
            ) from None

    def close(self) -> None:
        """Let go of the file; an index that is being built in the background is given up."""
        self._end_building()
        self.store.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        held = self.identities()
        return f"Gallery({str(self.path)!r}, {len(held)} identities, {sum(who.references for who in held)} references)"

    def __len__(self) -> int:
        """How many references are enrolled."""
        return self.store.count()

    @property
    def path(self) -> GalleryPlace:
        """Where it is."""
        return self.store.path

    # -- reading -------------------------------------------------------------------------------------------------------

    def identities(self, kind: str | None = None) -> list[IdentityCount]:
        """Who is enrolled, by kind and name, with the number of references."""
        return self.store.identities(kind)

    def kinds(self) -> list[str]:
        """The kinds of which at least one reference is enrolled."""
        return [kind for kind in self.store.kinds() if kind in KINDS]

    def references(self, name: str, kind: str = "character") -> list[Reference]:
        """All references of one identity, oldest first. Raises UnknownIdentity."""
        return self.store.references_of(self.store.identity(kind, name))

    def crop(self, reference: int) -> bytes:
        """The stored crop of a reference, as the bytes of a picture file. Raises GalleryError for an unknown one."""
        return self.store.crop(reference)

    def history(self, most: int = 20) -> list[Command]:
        """The last commands that changed something, newest first."""
        return self.store.commands(most)

    def shelf(self, kind: str) -> Shelf:
        """The references of a kind in memory, up to date. Raises GalleryMismatch: see `speak`."""
        with self.store.snapshot():
            shelf = self._shelves.get(proper_kind(kind))
            if shelf is not None and shelf.outdated:
                if self._speaks(shelf.encoder, kind):
                    return shelf
                self._shelves.clear()
                self._calibrators.clear()
                shelf = None
            if shelf is None:
                if language := self._languages.get(kind):
                    self.store.check_stamp(kind, language)
                shelf = self.store.shelf(kind, self._device)
                if shelf is None:
                    shelf = StoreShelf(self.store, kind, self._device)
                shelf.index = self._index(kind)
                self._shelves[kind] = shelf
                shelf.keep()
            else:
                shelf.refresh()
        self._build_if_wanted(shelf)
        return shelf

    def _index(self, kind: str) -> IndexKeeper | None:
        files, snapshots = index_files(self.store, kind), shelf_files(self.store)
        if kind not in self._indexes and files is not None and snapshots is not None:
            self._indexes[kind] = IndexKeeper(kind, files, snapshots, self._search, self._exact_up_to)
        return self._indexes.get(kind)

    def _build_if_wanted(self, shelf: StoreShelf) -> None:
        """Have an index built in the background, one at a time, where a program goes on asking for a while."""
        if monotonic() - self._opened < PATIENCE or shelf.device != "cpu" or shelf.encoder is None:
            return
        if shelf.index is None or not shelf.index.wanted(len(shelf)):
            return
        if not any(index.building for index in self._indexes.values()):
            shelf.keep()
            shelf.index.build_in_background(shelf.encoder)

    def _end_building(self) -> None:
        for index in self._indexes.values():
            index.close()
        self._indexes.clear()

    def keep_shelves(self) -> None:
        """Write what is in memory to files beside a large gallery, so that it opens faster: see `index.shelf_files`."""
        for shelf in self._shelves.values():
            shelf.keep()

    def _speaks(self, encoder: EncoderStamp | None, kind: str) -> bool:
        language = self._languages.get(kind)
        return bool(language and encoder and language.fingerprint == encoder.fingerprint)

    def search(self, encodings: Float32[np.ndarray, "queries dim"], k: int = 5, kind: str = "character") -> Neighbours:
        """The k nearest references of each encoding, best first; exactly, as far as `choose_search` lets it."""
        return self.shelf(kind).search(encodings, k)

    def calibrator(self, kind: str, only: Sequence[str] | None = None) -> Calibrator:
        """What the gallery's own references tell about its answers, up to date; of these identities alone with `only`.

        Raises UnknownIdentity.
        """
        with self.store.snapshot():  # one moment for both: between two, the gallery may move to another encoder
            whole = self.shelf(kind)
            strangers = self.shelf(STRANGERS_OF[kind])
        wanted = None if only is None else tuple(sorted({self.store.identity(kind, name) for name in only}))
        known = self._calibrators.get((kind, wanted))
        if known is None or (wanted is not None and known.shelf.revision != whole.revision):
            for key in [key for key in self._calibrators if key[1] is not None]:
                del self._calibrators[key]  # one subset at a time is kept in memory
            shelf = whole if wanted is None else whole.only(wanted)
            subset = "" if wanted is None else f"only {sha256(str(wanted).encode()).hexdigest()}"
            known = self._calibrators[kind, wanted] = Calibrator(self.store, shelf, strangers, subset)
        return known

    def shortage(
        self, fpir: float, *, k: int, rule: str, kind: str, only: Sequence[str] | None = None, bank: Bank = ()
    ) -> int:
        """How many identities or strangers are missing before anybody can be named at this rate; mostly 0."""
        promise = self.calibrator(kind, only).promise(fpir, DEFAULT_MISIDENTIFICATION, k=k, rule=rule, bank=bank)
        return max(0, identities_needed(fpir, promise.null.typical_share) - promise.null.units)

    def recognize(
        self,
        encodings: Float32[np.ndarray, "queries dim"],
        *,
        fpir: float = DEFAULT_FPIR,
        misidentification: float = DEFAULT_MISIDENTIFICATION,
        k: int = 5,
        rule: str = DEFAULT_RULE,
        kind: str = "character",
        only: Sequence[str] | None = None,
        bank: Bank = (),
        regions: Sequence[str] | None = None,
    ) -> list[Recognition]:
        """Who each encoding is: the neighbours' vote, decided at a promised rate.

        Of strangers, at most a share `fpir` is named on average; of mated queries, about a share `misidentification`
        gets a wrong name. With `only` just these identities are candidates, and the rates are those of a gallery of
        them. `bank` is asked where the gallery's own identities are too few for the rate. `regions` says
        of each encoding whether it shows a `face` or the `whole` picture, for the answer to tell.

        Raises ValueError for a rate outside (0, 1], UnknownIdentity for a name in `only` that nobody has.
        """
        for rate in (fpir, misidentification):
            if not 0 < rate <= 1:
                raise ValueError(f"a rate lies above 0 and is at most 1, not {rate}")
        calibrator = self.calibrator(kind, only)
        promise = calibrator.promise(fpir, misidentification, k=k, rule=rule, bank=bank)
        shelf = calibrator.shelf
        neighbours = shelf.search(encodings, k)
        voters = neighbours if rule != "centroid" else shelf.neighbours(encodings, k, rule)
        votes = vote(voters.similarities, voters.identities, rule)
        p_values = promise.null.p_values(votes.scores[:, 0].astype(np.float64), votes.identities[:, 0])
        familiar, ambiguous = decide(p_values, margins(votes), fpir, promise.margin)
        held = self.store.references(neighbours.references[neighbours.references >= 0].tolist())
        names = self.store.names(votes.identities[votes.identities >= 0].tolist())
        answers = []
        for query in range(len(encodings)):
            candidates = tuple(
                Candidate(names[whose], float(score), int(count))
                for whose, score, count in zip(
                    votes.identities[query].tolist(), votes.scores[query], votes.votes[query], strict=True
                )
                if whose in names
            )
            near = tuple(
                Neighbour(held[reference].identity, reference, held[reference].source, float(similarity))
                for reference, similarity in zip(
                    neighbours.references[query].tolist(), neighbours.similarities[query], strict=True
                )
                if reference in held
            )
            status = Status.UNKNOWN
            if familiar[query] and candidates:
                status = Status.AMBIGUOUS if ambiguous[query] else Status.IDENTIFIED
            answers.append(
                Recognition(
                    status=status,
                    candidates=candidates,
                    neighbours=near,
                    region=regions[query] if regions else "whole",
                    p_value=float(p_values[query]),
                    fpir=fpir,
                    basis=promise.basis,
                )
            )
        return answers

    # -- changing ------------------------------------------------------------------------------------------------------

    def begin(self, words: str) -> int:
        """Note that a command begins; all that is enrolled under its number is undone together."""
        return self.store.begin(words)

    def enroll(
        self,
        references: Sequence[NewReference],
        encoder: EncoderStamp,
        *,
        kind: str = "character",
        allow_conflicts: bool = False,
        command: int | None = None,
    ) -> list[Enrolled]:
        """Enrol references in one transaction; what became of each.

        The same face under the same name is a duplicate and skipped; under another name it is a conflict, which is
        enrolled only with `allow_conflicts`. Raises GalleryMismatch where another encoder made the gallery, ValueError
        where an encoding has another dimension than the encoder's; then nothing is changed.
        """
        for reference in references:
            if reference.encoding.shape != (encoder.dimension,):
                raise ValueError(
                    f"{reference.source}: an encoding of shape {reference.encoding.shape}, but {encoder.name} makes "
                    f"({encoder.dimension},)"
                )
        self.store.stamp(kind, encoder)
        command = self.begin("enroll") if command is None else command
        return self.store.add(kind, references, encoder, command, allow_conflicts=allow_conflicts)

    def near_duplicates(self, references: Sequence[int], kind: str = "character") -> list[list[int]]:
        """For each enrolled reference, the earlier ones of its identity that look like the same drawing."""
        return self.shelf(kind).alike(references, NEAR_DUPLICATE_DISTANCE)

    def remove(self, names: Sequence[str], kind: str = "character") -> int:
        """Take identities out, with all their references; how many references. Raises UnknownIdentity."""
        return self.store.move(proper_kind(kind), names, None, f"remove {', '.join(names)}")

    def remove_references(self, references: Sequence[int]) -> int:
        """Take single references out by their ids; how many. Raises GalleryError for one that is not enrolled."""
        return self.store.remove_references(references, f"remove references {', '.join(map(str, references))}")

    def rename(self, name: str, new_name: str, kind: str = "character") -> int:
        """Give an identity another name; how many references it has.

        Raises UnknownIdentity, or GalleryError where the new name is taken: two of one name are merged, not renamed.
        """
        wanted = proper_name(new_name)
        if self.store.identity_named(proper_kind(kind), wanted) is not None:
            raise GalleryError(f"{self.path} holds a {kind} named {wanted} already: `kaodex gallery merge` joins two")
        return self.store.move(kind, [name], wanted, f"rename {name} to {wanted}")

    def merge(self, names: Sequence[str], target: str, kind: str = "character") -> int:
        """Make one identity of several; how many references moved. Raises UnknownIdentity."""
        for name in names:
            self.store.identity(proper_kind(kind), name)  # also the target's own name must be somebody's
        moving = [name for name in names if proper_name(name) != proper_name(target)]
        return self.store.move(proper_kind(kind), moving, target, f"merge {', '.join(moving)} into {target}")

    def undo(self) -> Command:
        """Walk the last command back that is not undone yet, and tell what it was. Raises GalleryError for none."""
        return self.store.undo()

    # -- the file ------------------------------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """What is wrong with the file, in words; nothing, if all is well."""
        return self.store.check()

    def export(self, target: str | Path) -> None:
        """Copy the gallery as it is at this moment into one file, also while others write to it."""
        self.store.export(Path(target))

    def absorb(
        self,
        other: Gallery,
        *,
        allow_conflicts: bool = False,
        on_progress: Callable[[int], None] | None = None,
        on_conflict: Callable[[NewReference, str], None] | None = None,
    ) -> dict[Outcome, int]:
        """Enrol all that another gallery holds; how many references were added, duplicates, or conflicts.

        `on_conflict` is told of each conflicting reference, and the name under which its picture is enrolled here.
        Raises GalleryMismatch where the two were made by different encoders.
        """
        counts = dict.fromkeys(Outcome, 0)
        stamps = {kind: stamp for kind in other.store.kinds() if (stamp := other.store.encoder(kind))}
        for kind, stamp in stamps.items():
            held = self.store.encoder(kind)
            if held and held.fingerprint != stamp.fingerprint:
                raise GalleryMismatch(
                    f"{other.path} was made by encoder {stamp.name} ({stamp.fingerprint[:12]}), {self.path} by "
                    f"{held.name} ({held.fingerprint[:12]}): their encodings cannot be mixed: move one "
                    "of them over with `kaodex gallery reencode`, or enrol the pictures anew"
                )
        command = self.begin(f"import {other.path}")
        for kind, stamp in stamps.items():
            for batch in other.store.contents(kind):
                results = self.enroll(batch, stamp, kind=kind, allow_conflicts=allow_conflicts, command=command)
                for new, one in zip(batch, results, strict=True):
                    counts[one.outcome] += 1
                    if on_conflict and one.outcome is Outcome.CONFLICT:
                        on_conflict(new, one.holder)
                if on_progress:
                    on_progress(len(batch))
        return counts


def _milvus() -> type[MilvusStore]:
    from index.milvus import MilvusStore

    return MilvusStore
