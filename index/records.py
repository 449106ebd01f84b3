"""What a gallery keeps and reports, as plain frozen records."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int64, UInt64

from data.errors import GalleryError
from index.search import nearest
from index.search.candidates import Candidates, rank

KINDS = ("character", "artist")
"""What identities can be."""
STRANGERS_OF = {kind: f"{kind} stranger" for kind in KINDS}
"""The kind under which a gallery keeps its bank of strangers: they are never candidates."""
LONGEST_NAME = 200

Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in pixels, the last two exclusive."""


@dataclass(frozen=True)
class EncoderStamp:
    """Which encoder made the encodings of one kind; another fingerprint is another space."""

    name: str
    fingerprint: str
    dimension: int


@dataclass(frozen=True)
class NewReference:
    """One picture (for a character, one face crop) to enrol under a name."""

    identity: str
    sha256: bytes
    """Of the picture file's bytes, 32 long."""
    source: str
    box: Box
    region: str
    """`face` or `whole`."""
    detection: float
    """The detector's score in [0, 1]."""
    hash: int
    """Perceptual hash of the crop, 64 bits."""
    encoding: Float16[np.ndarray, " dim"]
    crop: bytes
    """The crop as an encoded picture file, at most 160 px wide."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", proper_name(self.identity))
        if len(self.sha256) != 32:
            raise GalleryError(f"{self.source}: a SHA-256 has 32 bytes, this one has {len(self.sha256)}")


@dataclass(frozen=True)
class Reference:
    """One enrolled picture, as the gallery tells of it."""

    id: int
    identity: str
    kind: str
    source: str
    box: Box
    region: str
    sha256: bytes


@dataclass(frozen=True)
class Vectors:
    """References as arrays, in ascending order of ids; identity -1 marks a removed one."""

    references: Int64[np.ndarray, " references"]
    """Ids."""
    identities: Int64[np.ndarray, " references"]
    pictures: UInt64[np.ndarray, " references"]
    """The first 64 bits of the picture file's SHA-256: faces of one picture share it."""
    hashes: UInt64[np.ndarray, " references"]
    """Perceptual hashes of the crops."""
    encodings: Float16[np.ndarray, "references dim"]

    def nearest(
        self, queries: Float32[np.ndarray, "queries dim"], k: int, removed: Bool[np.ndarray, " held"] | None = None
    ) -> tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]:
        """The k nearest positions of each query: see `index.search.nearest`."""
        return nearest(self.encodings, queries, k, removed)

    def rank(
        self, queries: Float32[np.ndarray, "queries dim"], candidates: Candidates, k: int
    ) -> tuple[Float32[np.ndarray, "queries k"], Int64[np.ndarray, "queries k"]]:
        """The k nearest of some candidates of each query: see `index.search.candidates.rank`."""
        return rank(self.encodings, queries, candidates, k)


def empty_vectors(count: int, dimension: int) -> Vectors:
    """Room for so many references, to be filled."""
    return Vectors(
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.uint64),
        np.empty(count, np.uint64),
        np.empty((count, dimension), np.float16),
    )


class Outcome(StrEnum):
    """What became of a picture that was to be enrolled."""

    ADDED = "added"
    DUPLICATE = "duplicate"
    """The gallery already holds it under this name."""
    CONFLICT = "conflict"
    """The gallery already holds it under another name."""


@dataclass(frozen=True)
class Enrolled:
    """The outcome for one picture; `reference` is the new one, or the one in its way; `holder` is who has that."""

    outcome: Outcome
    reference: int
    holder: str


@dataclass(frozen=True)
class Change:
    """One row of the journal: a reference moved from an identity to another; None is outside the gallery."""

    row: int
    reference: int
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Command:
    """What somebody did to the gallery, and how many references it moved."""

    id: int
    at: str
    """UTC, ISO 8601."""
    words: str
    references: int
    undone: bool = False
    """A later `undo` walked it back."""
    lost: int = 0
    """Of an undo: references that could not come back, because their crops were lost before a re-encoding."""


@dataclass(frozen=True)
class IdentityCount:
    """An enrolled identity and the number of its references."""

    id: int
    kind: str
    name: str
    references: int


def proper_name(name: str) -> str:
    """The name as the gallery keeps it: Unicode NFC, outer spaces removed.

    >>> proper_name(" Rem ")
    'Rem'

    Raises GalleryError for a name that is empty, longer than 200 characters, or holds control characters.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise GalleryError("an identity needs a name that is not empty")
    if len(name) > LONGEST_NAME:
        raise GalleryError(f"a name has at most {LONGEST_NAME} characters, this one has {len(name)}: {name[:40]}…")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise GalleryError(f"a name holds no control characters (tabs, line breaks): {name!r}")
    return name


def proper_kind(kind: str) -> str:
    """The kind itself, or GalleryError where it is none of KINDS."""
    if kind not in KINDS and kind not in STRANGERS_OF.values():
        raise GalleryError(f"there is no kind {kind!r}: use {' or '.join(KINDS)}")
    return kind


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, in [0, 1].

    >>> overlap((0, 0, 2, 1), (1, 0, 3, 1))
    0.3333333333333333
    """
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = width * height
    return area / ((one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - area)
