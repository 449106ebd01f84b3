"""What a gallery asks of the place where it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from data.errors import GalleryMismatch, UnknownIdentity
from data.gallery_place import GalleryPlace
from index.records import (
    Change,
    Command,
    EncoderStamp,
    Enrolled,
    IdentityCount,
    NewReference,
    Reference,
    Vectors,
    proper_name,
)

if TYPE_CHECKING:
    from index.shelf import StoreShelf


@runtime_checkable
class Store(Protocol):
    """References, identities and the journal of one gallery.

    A reference belongs to one identity, or to none (removed). Enrolling, removing, renaming, merging and undoing are
    *moves* of references, each one row of a journal that only grows; the number of its last row is the gallery's
    revision. What a call has written is kept when it returns, and is seen by every later call of every client.
    """

    @property
    def path(self) -> GalleryPlace:
        """Where the gallery is; as text it holds no secret."""

    def close(self) -> None:
        """Let go of the place; the object is of no use afterwards."""

    def snapshot(self) -> AbstractContextManager[None]:
        """All that is read inside is of one moment, whatever others write meanwhile; one inside another is the same."""

    # -- what made the encodings ---------------------------------------------------------------------------------------

    def encoder(self, kind: str) -> EncoderStamp | None:
        """Which encoder made this kind's encodings; None while the gallery holds nothing of the kind."""

    def stamp(self, kind: str, encoder: EncoderStamp) -> None:
        """Note which encoder makes this kind's encodings. Raises GalleryMismatch where another one does already."""

    def check_stamp(self, kind: str, encoder: EncoderStamp) -> None:
        """Raises GalleryMismatch where another encoder makes this kind's encodings."""

    # -- reading -------------------------------------------------------------------------------------------------------

    def kinds(self) -> list[str]:
        """The kinds of which at least one reference is enrolled, banks of strangers last."""

    def revision(self) -> int:
        """The journal's last row; 0 for a gallery that never held anything."""

    def changes(self, since: int, kind: str) -> list[Change]:
        """The journal's rows after `since` that move references of this kind, in order."""

    def count(self, kind: str | None = None) -> int:
        """How many references are enrolled, of a kind or of all."""

    def vectors(self, kind: str, references: Sequence[int] | None = None) -> Vectors:
        """All enrolled references of a kind, or those of the given ones that are enrolled.

        Raises GalleryDamaged where an encoding is missing or has another length than its encoder's.
        """

    def vectors_in_batches(self, kind: str) -> Iterator[Vectors]:
        """What `vectors` gives of all, in the same order, in parts: to be read to its end inside one `snapshot`.

        Raises GalleryDamaged.
        """

    def shelf(self, kind: str, device: str) -> StoreShelf | None:
        """References of a kind that the place itself searches; None where they are to be read into memory.

        `device` is where what is read of them all the same is searched.
        """

    def searched_by(self, kind: str) -> str:
        """Who searches this kind, and which guarantee that lowers, in words; empty where it is searched in memory."""

    def identities(self, kind: str | None = None) -> list[IdentityCount]:
        """Who is enrolled, by kind and name, with the number of references."""

    def names(self, identities: Sequence[int]) -> dict[int, str]:
        """The names of identities, by id."""

    def identity(self, kind: str, name: str) -> int:
        """The id of an enrolled identity. Raises UnknownIdentity, with names that are near, for which it lists all."""

    def identity_named(self, kind: str, name: str) -> int | None:
        """The id of an enrolled identity; None where nobody has this name."""

    def references(self, wanted: Sequence[int]) -> dict[int, Reference]:
        """What is told of these references, by id; removed ones are left out."""

    def references_of(self, identity: int) -> list[Reference]:
        """All references of one identity, oldest first."""

    def holders(self, kind: str, pictures: Sequence[bytes]) -> dict[bytes, list[Reference]]:
        """Which enrolled references came from picture files of these SHA-256 sums."""

    def crop(self, reference: int) -> bytes:
        """The stored crop of a reference as an encoded picture file. Raises GalleryError where there is none."""

    def contents(self, kind: str, batch: int = 256) -> Iterator[list[NewReference]]:
        """All enrolled references of a kind with their crops, as they would be enrolled elsewhere, in batches.

        Raises GalleryMismatch where another process moves the gallery to another encoder meanwhile.
        """

    def calibration(self, kind: str, key: str, encoder: EncoderStamp | None = None) -> tuple[int, bytes] | None:
        """What was kept under this key, and the journal's last row at that time; None where nothing was.

        With `encoder`, None also where the kind's encodings are another encoder's by now.
        """

    def keep_calibration(
        self, kind: str, key: str, journal: int, value: bytes, encoder: EncoderStamp | None = None
    ) -> None:
        """Keep what can be computed again, stamped with the journal's row that it knows of.

        With `encoder`, nothing is kept where the kind's encodings are another encoder's by now.
        """

    # -- changing ------------------------------------------------------------------------------------------------------

    def begin(self, words: str) -> int:
        """Note that a command begins; its changes are undone together."""

    def add(
        self,
        kind: str,
        references: Sequence[NewReference],
        encoder: EncoderStamp,
        command: int,
        *,
        allow_conflicts: bool = False,
        same_face: float = ...,
    ) -> list[Enrolled]:
        """Enrol references together, as `index.same_face` rules; what became of each.

        Raises GalleryMismatch where another encoder makes this kind's encodings.
        """

    def move(self, kind: str, names: Sequence[str], target: str | None, words: str) -> int:
        """Move all references of these identities to another (None: out of the gallery); how many were moved.

        Raises UnknownIdentity, and then changes nothing.
        """

    def remove_references(self, references: Sequence[int], words: str) -> int:
        """Take single references out of the gallery; how many. Raises GalleryError for one that is not enrolled."""

    def undo(self) -> Command:
        """Walk the last command back that is not undone yet. Raises GalleryError where there is none."""

    def commands(self, most: int = 20) -> list[Command]:
        """The last commands that changed something, newest first."""

    # -- the place itself ----------------------------------------------------------------------------------------------

    def check(self) -> list[str]:
        """What is wrong with the gallery, in words; nothing, if all is well."""

    def export(self, target: Path) -> None:
        """Copy the gallery as it is at this moment into one file. Raises GalleryError where the target exists."""


def refusal(place: GalleryPlace, kind: str, held: EncoderStamp, encoder: EncoderStamp) -> GalleryMismatch:
    """That another encoder made this kind's encodings, and what to do."""
    return GalleryMismatch(
        f"the {kind} encodings of {place} were made by encoder {held.name} ({held.fingerprint[:12]}, "
        f"{held.dimension} numbers); {encoder.name} ({encoder.fingerprint[:12]}, {encoder.dimension} numbers) "
        "speaks another language: give the one that made it with --encoder (a name, or its folder), move the "
        f"gallery over with `kaodex gallery reencode{' --kind artist' if kind.startswith('artist') else ''} --encoder "
        "NAME|FOLDER`, or enrol into a new gallery with -g"
    )


def nobody_named(place: GalleryPlace, kind: str, name: str, enrolled: Sequence[str]) -> UnknownIdentity:
    """That nobody enrolled has this name, with those that are near."""
    from difflib import get_close_matches

    near = get_close_matches(proper_name(name), enrolled, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "see `kaodex gallery list`"
    return UnknownIdentity(f"{place} holds no {kind} named {name}: {hint}")
