"""What an enrolment did, picture by picture and identity by identity."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Enrolment(StrEnum):
    """What became of a picture that was to be enrolled."""

    ADDED = "added"
    SKIPPED = "skipped"
    """Enrolled already under this name."""
    CONFLICT = "conflict"
    """Enrolled already under another name."""
    UNREADABLE = "unreadable"
    FACELESS = "no face"
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
    """Unreadable, faceless, conflicting and suspicious pictures."""
    near_duplicates: dict[str, int] = field(default_factory=dict)
    """By identity, how many of its added pictures look like one that was there already."""

    def add(self, picture: EnrolledPicture) -> None:
        """Count one more picture."""
        self.counts.setdefault(picture.identity, Counter())[picture.enrolment] += 1
        if picture.enrolment not in (Enrolment.ADDED, Enrolment.SKIPPED):
            self.troubles.append(picture)
        if picture.looks_like:
            self.near_duplicates[picture.identity] = self.near_duplicates.get(picture.identity, 0) + 1

    def total(self, enrolment: Enrolment) -> int:
        """How many pictures met this end."""
        return sum(count[enrolment] for count in self.counts.values())
