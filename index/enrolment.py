"""What an enrolment did, picture by picture and identity by identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

FACES = ("agree", "largest", "all")
"""Which of several faces in a picture is enrolled: the one that agrees with the identity's other references, the
largest, or each as a reference of its own."""


class Enrolment(StrEnum):
    """What became of a picture that was to be enrolled."""

    ADDED = "added"
    SKIPPED = "skipped"
    """Enrolled already under this name."""
    CONFLICT = "conflict"
    """Enrolled already under another name."""
    UNREADABLE = "unreadable"
    FACELESS = "no face"
    BLANK = "no drawing"
    """Nothing on it tells of an artist: one colour, or text alone."""
    UNDECIDED = "several faces"
    """None of them clearly agrees with the identity's other references: a person decides."""
    SUSPICIOUS = "suspicious"
    """Meant as a stranger, but close to somebody enrolled."""


@dataclass(frozen=True)
class EnrolledPicture:
    """One picture's enrolment; `reason` says why it was not added; `looks_like` are near-duplicates of it."""

    identity: str
    path: Path
    enrolment: Enrolment
    reason: str = ""
    looks_like: tuple[int, ...] = ()


@dataclass
class EnrolmentReport:
    """Counts by identity, and each picture that needs a person's eye."""

    counts: dict[str, Counter[Enrolment]] = field(default_factory=dict)
    troubles: list[EnrolledPicture] = field(default_factory=list)
    """All pictures but the added ones and those enrolled already."""
    near_duplicates: dict[str, int] = field(default_factory=dict)
    """By identity, how many of its added pictures look like one that was there already."""

    def add(self, picture: EnrolledPicture) -> None:
        """Count one more picture."""
        self.counts.setdefault(picture.identity, Counter())[picture.enrolment] += 1
        if _is_trouble(picture):
            self.troubles.append(picture)
        if picture.looks_like:
            self.near_duplicates[picture.identity] = self.near_duplicates.get(picture.identity, 0) + 1

    def total(self, enrolment: Enrolment) -> int:
        """How many pictures met this end."""
        return sum(count[enrolment] for count in self.counts.values())


def fate_of_picture(faces: Sequence[EnrolledPicture]) -> EnrolledPicture:
    """The fate of a picture from those of its faces: trouble with one of them is the picture's."""
    troubles = [face for face in faces if _is_trouble(face)]
    if troubles and len(faces) > 1:
        rest = "none is enrolled" if len(troubles) == len(faces) else "the rest is enrolled"
        return replace(troubles[0], reason=f"{len(troubles)} of {len(faces)} faces, {rest}: {troubles[0].reason}")
    if troubles:
        return troubles[0]
    looks_like = tuple(dict.fromkeys(reference for face in faces for reference in face.looks_like))
    added = next((face for face in faces if face.enrolment is Enrolment.ADDED), faces[0])
    return replace(added, looks_like=looks_like)


def _is_trouble(picture: EnrolledPicture) -> bool:
    return picture.enrolment not in (Enrolment.ADDED, Enrolment.SKIPPED)
