"""A shelf on the disk, beside its gallery file: a large gallery opens from it in a moment.

`GALLERY.search/` holds a folder for each kind, named for the revision that it shows (`character-1000000`), with the
shelf's arrays as they are in memory: `vectors.f16` (rows of little-endian float16), the four columns as `.npy`, and
`stamp.json`. The gallery file is the truth. A snapshot counts only where its stamp fits the gallery, and what the
journal tells since is replayed. Anything wrong with it means that the gallery file is read instead; the folder may be
deleted at any time.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from jaxtyping import Float16

from data.errors import GalleryDamaged
from index.columns import Columns
from index.records import EncoderStamp
from index.search import VectorSearch
from index.sole_writer import UNFINISHED, sole_writer, whole_folder
from index.sqlite import SQLiteStore
from index.store import Store

FORMAT = 1

SMALLEST = 20_000
"""References from which on a snapshot is written: reading fewer from the gallery file takes a fraction of a second."""

TAIL = 16
"""A snapshot is written anew when the journal has grown by more than one row for so many references."""

_WITNESSES = 64
"""Rows of the journal by which a gallery is recognised as the one that was read."""

_VECTORS = "vectors.f16"
_COLUMNS = {"references": np.int64, "identities": np.int64, "pictures": np.uint64, "hashes": np.uint64}
_PIECE = 1 << 23


@dataclass(frozen=True)
class SnapshotStamp:
    """What a snapshot shows, and what made it."""

    format: int
    kind: str
    revision: int
    """The last row of the journal that it knows of."""
    encoder: str
    """The fingerprint of the encoder."""
    dimension: int
    count: int
    """How many references."""
    witness: str
    """Of the journal's last rows: see `witness`."""
    sums: dict[str, str]
    """A checksum of each array."""


@dataclass(frozen=True)
class Snapshot:
    """A snapshot on the disk, in ascending order of ids, without removed references."""

    folder: Path
    stamp: SnapshotStamp

    def column(self, name: str) -> np.ndarray:
        """`references` (ids), `identities`, `pictures` or `hashes`, mapped from the disk."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)

    def vectors(self) -> Float16[np.ndarray, "references dim"]:
        """The encodings, mapped from the disk; their bytes are not checked."""
        return np.memmap(self.folder / _VECTORS, "<f2", "r", shape=(self.stamp.count, self.stamp.dimension))

    def fill(self, columns: Columns, search: VectorSearch) -> bool:
        """Read all of it into empty ones; False where it is damaged, and then they are of no use."""
        try:
            read = {name: np.array(self.column(name)) for name in _COLUMNS}
            for name, column in read.items():
                if (column.dtype, column.shape) != (_COLUMNS[name], (self.stamp.count,)):
                    return False
                if _sum(_pieces(column)) != self.stamp.sums[name]:
                    return False
            columns.extend(**read)
            with (self.folder / _VECTORS).open("rb") as file:
                search.read(file, self.stamp.count)
            return _sum(_pieces(search.vectors())) == self.stamp.sums["vectors"]
        except (OSError, EOFError, ValueError, TypeError, KeyError, GalleryDamaged):
            return False

    def discard(self) -> None:
        """Delete it, as far as this user may."""
        shutil.rmtree(self.folder, ignore_errors=True)


def shelf_files(store: Store) -> ShelfFiles | None:
    """Where snapshots of a gallery are kept; None for one that is in no file."""
    return ShelfFiles(store) if isinstance(store, SQLiteStore) else None


class ShelfFiles:
    """The folder of snapshots beside a gallery file."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        path = store.path.resolve()
        self.folder = path.with_name(f"{path.name}.search")

    def newest(self, kind: str, encoder: EncoderStamp) -> Snapshot | None:
        """The newest snapshot that shows an earlier state of this very gallery, with this encoder's encodings."""
        now = self._store.revision()
        for folder in sorted(self._folders(kind), key=_revision, reverse=True):
            try:
                snapshot = Snapshot(folder, SnapshotStamp(**json.loads((folder / "stamp.json").read_bytes())))
                if self._fits(snapshot, kind, encoder, now):
                    return snapshot
            except (OSError, TypeError, ValueError):
                continue
        return None

    def _fits(self, snapshot: Snapshot, kind: str, encoder: EncoderStamp, now: int) -> bool:
        stamp = snapshot.stamp
        return (
            (stamp.format, stamp.kind, stamp.encoder) == (FORMAT, kind, encoder.fingerprint)
            and (stamp.dimension, _revision(snapshot.folder)) == (encoder.dimension, stamp.revision)
            and 0 < stamp.revision <= now
            and (snapshot.folder / _VECTORS).stat().st_size == 2 * stamp.dimension * stamp.count
            and stamp.witness == witness(self._store, stamp.revision)
        )

    def write(
        self, kind: str, revision: int, encoder: EncoderStamp, columns: Columns, encodings: np.ndarray
    ) -> Snapshot | None:
        """Write what a shelf holds at a revision, and remove older snapshots of the kind; None where it cannot be.

        Nothing is written where somebody else is writing, or has done it meanwhile; then that one is given, or None.
        """
        try:
            with self._locked() as mine:
                there = self.newest(kind, encoder) if mine else None
                if not mine or (there and there.stamp.revision >= revision):
                    return there
                for left in self._folders(kind, UNFINISHED):  # of somebody who was stopped
                    shutil.rmtree(left, ignore_errors=True)
                written = self.folder / f"{kind.replace(' ', '-')}-{revision}"
                with whole_folder(written) as unfinished:  # in place of another gallery's, or a damaged one
                    stamp = self._write(unfinished, kind, revision, encoder, columns, encodings)
                for older in self._folders(kind):
                    if older != written:
                        shutil.rmtree(older, ignore_errors=True)
                return Snapshot(written, stamp)
        except OSError:  # a full disk, a folder that may not be written: the gallery works without
            return None

    def _write(
        self, folder: Path, kind: str, revision: int, encoder: EncoderStamp, columns: Columns, encodings: np.ndarray
    ) -> SnapshotStamp:
        enrolled = slice(None) if columns.removed is None else ~columns.removed
        sums = {}
        for name in _COLUMNS:
            column = getattr(columns, name)[enrolled]
            with (folder / f"{name}.npy").open("wb") as file:
                np.save(file, column, allow_pickle=False)
            sums[name] = _sum(_pieces(column))
        rows = max(1, _PIECE // (2 * encoder.dimension))
        with (folder / _VECTORS).open("wb") as file:
            for start in range(0, len(columns), rows):
                piece = encodings[start : start + rows]
                if columns.removed is not None:
                    piece = piece[~columns.removed[start : start + rows]]
                piece.astype("<f2", copy=False).tofile(file)
        with (folder / _VECTORS).open("rb") as file:
            sums["vectors"] = _sum(iter(lambda: file.read(_PIECE), b""))
        stamp = SnapshotStamp(
            format=FORMAT,
            kind=kind,
            revision=revision,
            encoder=encoder.fingerprint,
            dimension=encoder.dimension,
            count=len(columns) - columns.tombstones,
            witness=witness(self._store, revision),
            sums=sums,
        )
        (folder / "stamp.json").write_text(json.dumps(asdict(stamp), indent=1))
        return stamp

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Whether this process alone may write now; who reads the gallery may read the folder, and nobody else."""
        self.folder.mkdir(exist_ok=True)
        may = self._store.path.stat().st_mode & 0o777
        with suppress(PermissionError):  # another user's folder
            self.folder.chmod(may | (may & 0o444) >> 2)
        with sole_writer(self.folder / "lock") as mine:
            yield mine

    def _folders(self, kind: str, ending: str = "") -> list[Path]:
        of_kind = re.compile(rf"{kind.replace(' ', '-')}-\d+{re.escape(ending)}")
        try:
            return [folder for folder in self.folder.iterdir() if of_kind.fullmatch(folder.name)]
        except OSError:
            return []


def witness(store: SQLiteStore, revision: int) -> str:
    """What the journal's last 64 rows up to a revision did, when, by which words, and with which encodings, as a hash.

    Another gallery in this one's place has another; so has one that was brought back from a backup and changed since,
    or re-encoded.
    """
    rows = store.rows(
        "SELECT journal.id, reference.id, before, after, at, words, sha256, encoding FROM journal "
        "JOIN command ON command.id = journal.command JOIN reference ON reference.id = journal.reference "
        "WHERE journal.id <= ? ORDER BY journal.id DESC LIMIT ?",
        (revision, _WITNESSES),
    )
    return sha256(repr(rows).encode()).hexdigest()


def _revision(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])


def _pieces(array: np.ndarray) -> Iterator[memoryview]:
    """The bytes of an array, in pieces."""
    whole = memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    return (whole[start : start + _PIECE] for start in range(0, len(whole), _PIECE))


def _sum(pieces: Iterable[bytes | memoryview]) -> str:
    """A checksum of pieces of bytes: the SHA-256 of their sums as 64-bit numbers, which is as fast as memory.

    It notices damage, not intent.
    """
    told = sha256()
    for piece in pieces:
        words = len(piece) // 8
        told.update(np.frombuffer(piece, np.uint64, words).sum(dtype=np.uint64).tobytes())
        told.update(bytes(piece[8 * words :]))
        told.update(len(piece).to_bytes(8, "little"))
    return told.hexdigest()
