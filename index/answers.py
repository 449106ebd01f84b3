"""Answers as values with names, and the JSON that programs read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from index.decision import Status
from index.records import Box


@dataclass(frozen=True)
class Candidate:
    """An identity that got votes."""

    identity: str
    score: float
    """Best similarity of its references among the nearest, in [-1, 1]."""
    votes: int
    """How many of the k nearest references are its; 1 under `centroid`, which asks the identities' means."""


@dataclass(frozen=True)
class Neighbour:
    """One of the nearest references."""

    identity: str
    reference: int
    source: str
    similarity: float
    view: str | None = None
    """Of a picture asked for its artist: which of its views is nearest to this reference."""


@dataclass(frozen=True)
class ViewAgreement:
    """How near one view of a picture is to one reference of each of two artists, those nearest to the picture."""

    view: str
    box: Box
    """In the picture's pixels."""
    similarity: float
    """To the best candidate's, in [-1, 1]."""
    other: float | None
    """To that of the artist compared with; None where nobody else is enrolled."""

    @property
    def leaning(self) -> float:
        """By how much it is nearer to the best candidate than to the other."""
        return self.similarity - (self.other or 0.0)


@dataclass(frozen=True)
class Evidence:
    """Where in a picture it is like the best candidate's nearest reference, rather than another's."""

    artist: str
    """The best candidate."""
    other: str | None
    """Whom it is compared with: the second candidate, or who comes next."""
    views: tuple[ViewAgreement, ...]


@dataclass(frozen=True)
class Recognition:
    """Who one face is (or who drew one picture)."""

    status: Status
    candidates: tuple[Candidate, ...]
    """Best first; empty while the gallery is."""
    neighbours: tuple[Neighbour, ...]
    """The k nearest references, nearest first."""
    region: str
    """`face`, or `whole` where the picture itself was taken for the face."""
    p_value: float | None = None
    """Which share of strangers would score as high, in (0, 1]."""
    fpir: float | None = None
    """The rate that was promised."""
    basis: str | None = None
    """Whose strangers the p-value stands on: `own`, `strangers` or `borrowed`."""
    evidence: Evidence | None = None
    """Of an artist: which parts of the picture speak for the answer."""
    reason: str = ""
    """Why nothing could be asked, where there are no candidates for it."""

    @property
    def identity(self) -> str | None:
        """The name; None unless identified."""
        return self.candidates[0].identity if self.status is Status.IDENTIFIED else None

    @property
    def score(self) -> float | None:
        """The best candidate's similarity, also where it is too low for a name."""
        return self.candidates[0].score if self.candidates else None

    def as_json(self) -> dict:
        """The fields that a face and an artist share in `kaodex query --json`."""
        told: dict[str, Any] = {
            "status": str(self.status),
            "identity": self.identity,
            "score": _rounded(self.score),
            "p_value": None if self.p_value is None else float(f"{self.p_value:.4g}"),
            "fpir": self.fpir,
            "basis": self.basis,
            "region": self.region,
            "candidates": [
                {"identity": candidate.identity, "score": _rounded(candidate.score), "votes": candidate.votes}
                for candidate in self.candidates
            ],
            "neighbours": [
                {
                    "identity": neighbour.identity,
                    "reference": neighbour.reference,
                    "source": neighbour.source,
                    "similarity": _rounded(neighbour.similarity),
                    **({"view": neighbour.view} if neighbour.view else {}),
                }
                for neighbour in self.neighbours
            ],
        }
        if self.evidence:
            told["compared_with"] = self.evidence.other
            told["views"] = [
                {
                    "view": one.view,
                    "box": list(one.box),
                    "similarity": _rounded(one.similarity),
                    "other": _rounded(one.other),
                }
                for one in self.evidence.views
            ]
        if self.reason:
            told["reason"] = self.reason
        return told


@dataclass(frozen=True)
class FaceAnswer:
    """A face that was found, and who it is."""

    box: Box
    detection: float
    recognition: Recognition

    @property
    def identity(self) -> str | None:
        """The name; None unless identified."""
        return self.recognition.identity

    @property
    def score(self) -> float | None:
        """The best candidate's similarity."""
        return self.recognition.score

    @property
    def status(self) -> Status:
        """Identified, ambiguous or unknown."""
        return self.recognition.status

    def as_json(self) -> dict:
        """One entry of `faces` in `kaodex query --json`."""
        return {"box": list(self.box), "detection": round(self.detection, 4), **self.recognition.as_json()}


@dataclass(frozen=True)
class PictureAnswer:
    """All that is said about one picture; `error` is set, and there is nothing else, where it could not be read."""

    image: str
    size: tuple[int, int] | None = None
    """(width, height) in pixels."""
    faces: tuple[FaceAnswer, ...] = field(default=())
    artist: Recognition | None = None
    error: str | None = None

    def as_json(self) -> dict:
        """One line of `kaodex query --json`."""
        return {
            "image": self.image,
            "size": list(self.size) if self.size else None,
            "faces": [face.as_json() for face in self.faces],
            "artist": self.artist.as_json() if self.artist else None,
            "error": self.error,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
