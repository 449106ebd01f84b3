"""Pictures of several faces, put off until the other references of their identities are enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from data.near_duplicates import near_duplicate_groups
from index.agreement import Ballot, agreeing_faces
from index.records import NewReference


@dataclass(frozen=True)
class EncodedPicture:
    """A picture with what could be enrolled of it: small enough to keep thousands."""

    identity: str
    path: Path
    sha256: bytes
    hash: int
    """Perceptual, of the whole picture."""
    faces: tuple[NewReference, ...]
    left_out: tuple[str, ...] = ()
    """Of each face that looks like somebody enrolled though it should be a stranger's, why it does."""


class PutOff:
    """The pictures that wait, by identity."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[EncodedPicture]] = {}

    def add(self, picture: EncodedPicture) -> None:
        """Put one more picture off."""
        self._waiting.setdefault(picture.identity, []).append(picture)

    def identities(self) -> list[str]:
        """Whose pictures wait, in the order of names."""
        return sorted(self._waiting)

    def take(self, identity: str) -> list[EncodedPicture]:
        """The pictures that waited for this identity; they wait no longer."""
        return self._waiting.pop(identity)


def ballots(pictures: Sequence[EncodedPicture], sure: Float32[np.ndarray, "references dim"]) -> list[Ballot]:
    """What the identity's other references say about each of its pictures of several faces; see `agreeing_faces`.

    `sure` are the encodings of its references. Two files of the same bytes are one picture, and have one ballot.
    """
    distinct = {picture.sha256: picture for picture in pictures}
    order = sorted(distinct)
    hashes = np.array([distinct[sha256].hash for sha256 in order], np.uint64)
    # as the gallery keeps them, so that a later enrolment comes to the same decisions
    faces = [np.stack([face.encoding for face in distinct[sha256].faces]).astype(np.float32) for sha256 in order]
    told = dict(zip(order, agreeing_faces(sure, faces, near_duplicate_groups(hashes)), strict=True))
    return [told[picture.sha256] for picture in pictures]


def why_undecided(identity: str, told: Ballot) -> str:
    """Why no face of a picture was taken, and what to do."""
    votes = f"(votes {', '.join(map(str, told.votes))})"
    if told.alone:
        why = f"none clearly agrees with the other references {votes}: crop it"
    else:
        why = f"too few references of {identity} alone to tell which {votes}: add two such pictures, crop this one"
    return f"{len(told.votes)} faces, {why}, or use --faces largest"
