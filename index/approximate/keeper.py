"""Who decides whether a shelf is searched by an approximate index, reads it, and has it built."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread

import numpy as np
from jaxtyping import Bool, Int64

from data.errors import GalleryError
from index.approximate.build import BuildStopped, build_index
from index.approximate.choice import FRESH, LEAST_RECALL, USABLE, exact_range, proper_search
from index.approximate.files import AboutIndex, IndexFiles, index_files
from index.records import EncoderStamp
from index.search.approximate import ApproximateSearch
from index.shelf_files import SMALLEST, ShelfFiles, Snapshot, shelf_files
from index.store import Store


class IndexKeeper:
    """The approximate index of one shelf: used where it may be, built in the background where it is wanted."""

    def __init__(
        self,
        kind: str,
        files: IndexFiles,
        snapshots: ShelfFiles,
        search: str = "auto",
        exact_up_to: int | None = None,
    ) -> None:
        """`search` is one of SEARCHES. Raises ValueError for another, GalleryError for an unusable setting."""
        self._kind = kind
        self._files = files
        self._snapshots = snapshots
        self._search_asked = proper_search(search)
        self._exact_up_to = exact_range(exact_up_to)
        self._about: AboutIndex | None = None
        self._search: ApproximateSearch | None = None
        self._followed = -1
        self._looked = False
        self._thread: Thread | None = None
        self._stop = Event()
        self._tried = -1

    @property
    def beyond(self) -> int | None:
        """More references than this may be searched approximately; None: never."""
        return {"exact": None, "auto": self._exact_up_to, "approximate": 0}[self._search_asked]

    def search_for(
        self,
        encoder: EncoderStamp,
        revision: int,
        references: Int64[np.ndarray, " references"],
        removed: Bool[np.ndarray, " references"] | None,
    ) -> ApproximateSearch | None:
        """What to search today's references with, in step with them; None for the exact search.

        Raises GalleryError where somebody insists on an index and there is none.
        """
        enrolled = len(references) - (0 if removed is None else int(np.count_nonzero(removed)))
        insisted = self._search_asked == "approximate"
        if self._search_asked == "exact" or (not insisted and enrolled <= self._exact_up_to):
            return None
        if self._about is not None and self._about.encoder != encoder.fingerprint:
            self._about = self._search = None
        self._follow(revision, references, removed)
        if self._search is None or self._search.missing * FRESH > 1:
            self._read(encoder)
            self._follow(revision, references, removed)
        if insisted and self._search is None:
            raise GalleryError(
                f"there is no approximate index of the gallery's {self._kind} references in {self._files.folder}: "
                "build it with `kaodex gallery index`, or leave out --search approximate"
            )
        if self._search is None or self._about is None:
            return None
        trusted = self._about.trusted(LEAST_RECALL) and self._search.missing * USABLE <= 1
        return self._search if insisted or trusted else None

    def _follow(self, revision: int, references: np.ndarray, removed: np.ndarray | None) -> None:
        if self._search is not None and self._followed != revision:
            self._search.follow(references, removed)
            self._followed = revision

    def _read(self, encoder: EncoderStamp) -> None:
        """Take the index on the disk, where it is another one than that in memory."""
        self._looked = True
        about = self._files.about(encoder)
        if about is not None and about != self._about:
            self._about, self._search, self._followed = about, self._files.read(about), -1

    # -- building ------------------------------------------------------------------------------------------------------

    def wanted(self, enrolled: int) -> bool:
        """Whether an index should be built now: beyond the exact range, and none is there or it is far behind."""
        if self._search_asked != "auto" or enrolled <= self._exact_up_to or self.building:
            return False
        if not self._looked:
            return False  # the first search looks what is there
        return self._search is None or self._search.missing * FRESH > 1

    @property
    def building(self) -> bool:
        """Whether an index is being built by this object now."""
        return self._thread is not None and self._thread.is_alive()

    def build_in_background(self, encoder: EncoderStamp) -> None:
        """Begin to build the index of the newest snapshot in a thread, once for each snapshot."""
        snapshot, there = self._snapshots.newest(self._kind, encoder), self._files.about(encoder)
        if self.building or snapshot is None or snapshot.stamp.revision == self._tried:
            return
        if there is not None and there.revision >= snapshot.stamp.revision:
            return  # somebody else has done it, and the next search reads it
        self._tried = snapshot.stamp.revision
        self._stop.clear()
        self._thread = Thread(target=self._build, args=(snapshot,), name="kaodex approximate index", daemon=True)
        self._thread.start()

    def _build(self, snapshot: Snapshot) -> None:
        with suppress(BuildStopped, OSError, ValueError):  # a full disk, a newer snapshot: the exact search goes on
            build_index(snapshot, self._files, stop=self._stop.is_set)

    def close(self) -> None:
        """End a building at its next piece, in a second or so; nothing of it is left."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()


def build_now(
    store: Store,
    kind: str,
    *,
    force: bool = False,
    exact_up_to: int | None = None,
    advance: Callable[[int], object] = lambda _: None,
) -> AboutIndex | None:
    """Build the index of a kind's newest snapshot; None where it is not needed, or there is one that is not far behind.

    `force` builds it for a gallery in the exact range too, and anew where one is there. Raises GalleryError where the
    gallery is too small or kept on a server, or another process is building one.
    """
    files, snapshots, encoder = index_files(store, kind), shelf_files(store), store.encoder(kind)
    if files is None or snapshots is None:
        raise GalleryError(f"{store.path} is kept on a server: an approximate index is for a gallery in a file")
    if encoder is None or (not force and store.count(kind) <= exact_range(exact_up_to)):
        return None
    there = files.about(encoder)
    if not force and there and _coverage(store, kind, files, there).missing * FRESH <= 1:
        return None
    snapshot = snapshots.newest(kind, encoder)
    if snapshot is None:
        raise GalleryError(
            f"{store.path} holds {store.count(kind):,} {kind} references: an approximate index is for {SMALLEST:,} or "
            "more, fewer are searched exactly in a millisecond"
        )
    try:
        about = build_index(snapshot, files, advance=advance)
    except OSError as error:
        raise GalleryError(f"the index cannot be written beside {store.path}: {error}") from error
    if about is None:
        raise GalleryError(f"another process is building an index of {store.path}: wait for it, or end it first")
    return about


def described(store: Store, kind: str, exact_up_to: int | None = None) -> str:
    """How a kind's references are searched on a CPU, in words, from what stands on the disk."""
    files, encoder = index_files(store, kind), store.encoder(kind)
    count, limit = store.count(kind), exact_range(exact_up_to)
    about = files.about(encoder) if files and encoder else None
    if files is None or about is None:
        return "exact; `kaodex gallery index` makes so many faster" if files and count > limit else "exact"
    coverage = _coverage(store, kind, files, about)
    told = f"{about.told()}, {coverage.live:,} of {count:,} covered"
    if count <= limit:
        return f"exact up to {limit:,} references; with --search approximate: {told}"
    if not about.trusted(LEAST_RECALL):
        return f"exact, as the index finds less than {LEAST_RECALL}: {told}"
    if coverage.missing * USABLE > 1:
        return f"exact, until `kaodex gallery index` renews what is far behind: {told}"
    return told


@dataclass(frozen=True)
class _Coverage:
    live: int
    """Covered references that are enrolled today."""
    missing: float
    """As `ApproximateSearch.missing`."""


def _coverage(store: Store, kind: str, files: IndexFiles, about: AboutIndex) -> _Coverage:
    """What of an index counts today, by the journal alone."""
    now = {change.reference: change.after for change in store.changes(about.revision, kind)}
    gone = np.array([reference for reference, after in now.items() if after is None], np.int64)
    live = about.count - int(np.isin(files.covered(), gone).sum())
    return _Coverage(live, (store.count(kind) - live + about.count - live) / about.count)
