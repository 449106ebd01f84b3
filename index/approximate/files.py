"""An approximate index on the disk: `GALLERY.search/KIND-approximate/`, complete or not there."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from index.records import EncoderStamp
from index.search.approximate import MEASURED_K, ApproximateSearch
from index.search.approximate_graph import VectorGraph
from index.shelf_files import witness
from index.sole_writer import sole_writer, whole_folder
from index.sqlite import SQLiteStore
from index.store import Store

FORMAT = 1

_INDEX = "index.faiss"
_REFERENCES = "references.npy"
_ABOUT = "about.json"


@dataclass(frozen=True)
class Recall:
    """The share of the exact nearest that an index finds, in the mean over identities, with its 95 % interval."""

    recall: float
    low: float
    high: float
    queries: int


@dataclass(frozen=True)
class AboutIndex:
    """What made an index, and how well it finds."""

    format: int
    method: str
    width: int
    """Candidates that a query looks at, for k up to 10."""
    encoder: str
    """The fingerprint of the encoder."""
    dimension: int
    count: int
    """How many references it covers."""
    revision: int
    """The last row of the journal that it knows of."""
    witness: str
    """Of the journal's last rows, so that no other gallery's index is taken for this one's: see `index.shelf_files`."""
    faiss: str
    """The version that built it."""
    seconds: float
    """That building took, recall included."""
    recall: Recall | None
    """At 10, of references that were held out: new pictures of identities that are enrolled."""
    strangers: Recall | None
    """The same of references whose whole identity was held out."""
    sums: dict[str, str]
    """SHA-256 of each file."""

    def trusted(self, least: float) -> bool:
        """Whether its measured recall is at least this."""
        return self.recall is not None and self.recall.recall >= least

    def told(self) -> str:
        """In words: `approximate (HNSW …), recall@10 0.996 (0.994-0.998) on 1,000 held-out references`."""
        if self.recall is None:
            return f"approximate ({self.method}), recall not measured"
        measured = (
            f"recall@{MEASURED_K} {self.recall.recall:.3f} ({self.recall.low:.3f}-{self.recall.high:.3f}) "
            f"on {self.recall.queries:,} held-out references"
        )
        strange = f", {self.strangers.recall:.3f} on strangers" if self.strangers else ""
        return f"approximate ({self.method}), {measured}{strange}"


class IndexFiles:
    """The folder of one kind's index, beside the snapshots of a gallery file; it outlives these.

    An index names its references by their ids, and a reference's encoding does not change. So it counts as long as the
    gallery is the same and its encoder too; what came and went since, others tell.
    """

    def __init__(self, store: SQLiteStore, kind: str) -> None:
        self._store = store
        path = store.path.resolve()
        self.folder = path.with_name(f"{path.name}.search") / f"{kind.replace(' ', '-')}-approximate"

    def about(self, encoder: EncoderStamp) -> AboutIndex | None:
        """What is told of the index; None where there is none of this gallery and encoder."""
        try:
            told = json.loads((self.folder / _ABOUT).read_bytes())
            for name in ("recall", "strangers"):
                told[name] = told[name] and Recall(**told[name])
            about = AboutIndex(**told)
            fits = (
                (about.format, about.encoder, about.dimension) == (FORMAT, encoder.fingerprint, encoder.dimension)
                and 0 < about.revision <= self._store.revision()
                and about.witness == witness(self._store, about.revision)
            )
        except (OSError, KeyError, TypeError, ValueError):
            return None
        return about if fits else None

    def covered(self) -> Int64[np.ndarray, " rows"]:
        """Ids of the references of an index that is there, in the order of its rows. Raises OSError, ValueError."""
        return np.load(self.folder / _REFERENCES, mmap_mode="r", allow_pickle=False)

    def read(self, about: AboutIndex) -> ApproximateSearch | None:
        """The index itself, its files checked; None where they are damaged."""
        try:
            if any(_sum(self.folder / name) != about.sums[name] for name in (_INDEX, _REFERENCES)):
                return None
            covered = np.array(self.covered())
            graph = VectorGraph.read(self.folder / _INDEX)
            if (graph.dimension, len(graph), len(covered)) != (about.dimension, about.count, about.count):
                return None
            return ApproximateSearch(graph, covered, about.width)
        except (OSError, EOFError, KeyError, ValueError, RuntimeError):
            return None

    def write(self, graph: VectorGraph, covered: Int64[np.ndarray, " rows"], about: dict[str, object]) -> AboutIndex:
        """Put an index in place of the one that is there, when it is complete. Raises OSError."""
        with whole_folder(self.folder) as unfinished:
            graph.write(unfinished / _INDEX)
            np.save(unfinished / _REFERENCES, covered, allow_pickle=False)
            sums = {name: _sum(unfinished / name) for name in (_INDEX, _REFERENCES)}
            made = AboutIndex(format=FORMAT, sums=sums, **about)  # type: ignore[arg-type]
            (unfinished / _ABOUT).write_text(json.dumps(asdict(made), indent=1))
        return made

    def building(self) -> AbstractContextManager[bool]:
        """Whether this process alone may build an index beside this gallery now."""
        return sole_writer(self.folder.parent / "approximate.lock")


def index_files(store: Store, kind: str) -> IndexFiles | None:
    """Where a kind's index is kept; None for a gallery that is in no file."""
    return IndexFiles(store, kind) if isinstance(store, SQLiteStore) else None


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
