"""A gallery copied to another place, resumably, and read back."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from data.errors import GalleryError
from index.records import NewReference
from index.sqlite import SQLiteStore
from index.store import Store, refusal

BATCH = 256
"""References per transaction."""

_MODULUS = 2**256


@dataclass(frozen=True)
class Contents:
    """How many references a gallery holds, and a checksum that does not depend on their order."""

    references: int
    checksum: str
    """The sum of the SHA-256 sums of all references, modulo 2^256, as 64 hexadecimal digits."""


def copy_gallery(source: Store, target: Store, on_progress: Callable[[int], None] | None = None) -> Contents:
    """Copy all that is enrolled, with crops and banks of strangers, and read the copy back; what both hold.

    What an interrupted copy brought over is skipped. The history and what was removed stay behind, and calibrations,
    which are computed anew. Two references of one identity with the same box of the same picture become one.
    `on_progress` is told how many more references were read from the source.

    Raises GalleryMismatch where another encoder made the target, GalleryError where the target holds something else
    than a copy of this source, or where the copy is not the same.
    """
    words = f"copy {source.path}"
    if any(command.words != words for command in target.commands(1_000_000)):
        raise GalleryError(
            f"{target.path} holds something else than a copy of {source.path}: name an empty place, or join the two "
            "with `kaodex gallery import`"
        )
    kinds = source.kinds()
    for kind in kinds:
        stamp, held = source.encoder(kind), target.encoder(kind)
        if stamp and held and stamp.fingerprint != held.fingerprint:
            raise refusal(target.path, kind, held, stamp)
    command = target.begin(words)
    wanted = _Sum()
    for kind in kinds:
        stamp = source.encoder(kind)
        assert stamp is not None
        target.stamp(kind, stamp)
        for batch in source.contents(kind, BATCH):
            new = [one for one in batch if wanted.add(kind, one)]
            target.add(kind, new, stamp, command, allow_conflicts=True, same_face=1.0)
            if on_progress:
                on_progress(len(batch))
    expected, found = wanted.told(), contents(target)
    if found != expected:
        raise GalleryError(
            f"the copy differs: {source.path} holds {expected.references:,} references (checksum "
            f"{expected.checksum[:12]}), {target.path} {found.references:,} (checksum {found.checksum[:12]}); if "
            "somebody changed one of them meanwhile, copy into an empty place again"
        )
    return found


def contents(store: Store) -> Contents:
    """Read all that is enrolled in a store."""
    held = _Sum()
    for kind in store.kinds():
        for batch in store.contents(kind, BATCH):
            for one in batch:
                held.add(kind, one)
    return held.told()


def copy_to_file(source: Store, target: Path) -> None:
    """Copy a gallery into a file that takes its name when it is whole. Raises GalleryError where the target exists."""
    if target.exists():
        raise GalleryError(f"{target} exists: name another file, or remove it first")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        store = SQLiteStore.create(unfinished)
        try:
            copy_gallery(source, store)
        finally:
            store.close()
        unfinished.replace(target)
    finally:
        for left in unfinished.parent.glob(f"{unfinished.name}*"):
            left.unlink()


class _Sum:
    """References one by one into a count and a checksum; the same face under the same name counts once."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._sum = 0

    def add(self, kind: str, one: NewReference) -> bool:
        """Whether it was not there yet."""
        face = repr((kind, one.identity, one.sha256, one.box)).encode()
        key = sha256(face).digest()[:16]
        if key in self._seen:
            return False
        self._seen.add(key)
        digest = sha256(face)
        for part in (one.source, one.region, one.detection, one.hash):
            digest.update(repr(part).encode() + b"\0")
        digest.update(one.encoding.astype("<f2").tobytes())
        digest.update(one.crop)
        self._sum = (self._sum + int.from_bytes(digest.digest(), "big")) % _MODULUS
        return True

    def told(self) -> Contents:
        return Contents(len(self._seen), f"{self._sum:064x}")
