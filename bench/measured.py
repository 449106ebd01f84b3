"""What was measured, on what, and how: the part that every report of a bench has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bench.artist_pairs import ArtistPairs
from bench.chosen_face import ChosenFace
from bench.collection import Collection
from bench.machine import machine_told
from bench.protocol import Protocol, Shortfall
from embedder.detectors import WholePicture

Table = tuple[Sequence[str], list[tuple[str, ...]]]


@dataclass(frozen=True)
class Measured(ABC):
    """The pictures that could be read, how they were grouped, and who was left out."""

    protocol_name: ClassVar[str]

    collection: Collection
    groups: int
    """How many groups the pictures fell into."""
    protocol: Protocol
    encoder: str
    fingerprint: str
    detector: str
    faces: tuple[ChosenFace, ...]
    """Which place stood for each picture, in the collection's order."""
    shortfalls: tuple[Shortfall, ...]
    unreadable: tuple[str, ...]
    kind: str = field(default="character", kw_only=True)
    pairs: ArtistPairs | None = field(default=None, kw_only=True)
    """Of artists: how well each two of them are told apart."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """Columns and rows of each of its tables; a column that begins with > is one of numbers."""

    @abstractmethod
    def as_json(self) -> dict[str, Any]:
        """The report in the form that DESIGN.md promises to programs."""

    def sentence(self) -> str:
        """What was measured, on what."""
        protocol, strangers = self.protocol, self.protocol.strangers
        shots = ", ".join(f"{count:,}" for count in protocol.shots)
        draws = "once" if protocol.draws == 1 else f"{protocol.draws:,} times"
        enrolled = "" if strangers is None else f"; in each draw {100 * strangers:g} % of the {self.whom} are strangers"
        return (
            f"{len(self.collection.names):,} {self.whom}, {len(self.collection.paths):,} pictures in {self.groups:,} "
            f"groups that lie on one side each; {shots} references of each, drawn {draws} (seed {protocol.seed})"
            f"{enrolled}; {self.seen_by()}; on {machine_told()}."
        )

    @property
    def whom(self) -> str:
        """What its identities are called."""
        return "artists" if self.kind == "artist" else "identities"

    def seen_by(self) -> str:
        """The encoder and the detector, in words."""
        return f"encoder {self.encoder} ({self.fingerprint[:12]}), detector {self.detector}"

    def protocol_json(self) -> dict[str, Any]:
        """All that is needed to measure the same again."""
        collection, protocol = self.collection, self.protocol
        return {
            "data": str(collection.source),
            "kind": self.kind,
            **({"different_characters": collection.characters is not None} if self.kind == "artist" else {}),
            "identities": len(collection.names),
            "pictures": len(collection.paths),
            "groups": self.groups,
            "grouped_by": list(collection.grouped_by),
            "shots": list(protocol.shots),
            "k": list(protocol.ks),
            "rules": list(protocol.rules),
            "draws": protocol.draws,
            "seed": protocol.seed,
            "queries_per_identity": protocol.queries_per_identity,
            "strangers": protocol.strangers,
            "encoder": self.encoder,
            "fingerprint": self.fingerprint,
            "detector": self.detector,
            "region": "face" if self.faces_found() else "whole",
            "faces": self.faces_found(),
            "mean_over": "identities",
            "interval": "95 % percentile bootstrap over identities",
            "left_out": {
                str(shortfall.shots): [collection.names[identity] for identity in shortfall.left_out]
                for shortfall in self.shortfalls
            },
            "unreadable": list(self.unreadable),
        }

    def pairs_json(self) -> dict[str, Any]:
        """The table of pairs, where there is one."""
        return {"pairs": self.pairs.as_json()} if self.pairs else {}

    def faces_found(self) -> dict[str, int] | None:
        """How many pictures had one face, several, were whole a face crop, or had none; None without a detector."""
        if self.detector == WholePicture.name:
            return None
        told = [
            "none" if one.found == 0 else one.detection.region if one.found == 1 else "several" for one in self.faces
        ]
        names = {"one": "face", "several": "several", "whole": "whole", "none": "none"}
        return {name: told.count(word) for name, word in names.items()}

    def faces_told(self) -> str:
        """What stood for the pictures, in words."""
        found = self.faces_found()
        if found is None:
            return "pictures taken whole, without a detector"
        return (
            f"faces by {self.detector}: one in {found['one']:,} pictures, several in {found['several']:,} (the largest "
            f"was taken), none in {found['none']:,} (the centre square was); {found['whole']:,} are crops already"
        )

    def characters_told(self) -> str:
        """Which characters the two sides of an artist show, where that is known."""
        return "an artist's references and queries show different characters, and never the same one twice"

    def notes(self) -> list[str]:
        """What a reader of the table must know besides."""
        fewest = self.protocol.fewest_identities
        notes = [*self.collection.notes, *([self.faces_told()] if self.faces_found() else [])]
        if self.collection.characters is not None:
            notes.append(self.characters_told())
        if self.pairs:
            notes.append(self.pairs.told())
        for shortfall in self.shortfalls:
            names = [self.collection.names[identity] for identity in shortfall.left_out]
            some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            need = f"{shortfall.shots} {'reference' if shortfall.shots == 1 else 'references'} and a query apart"
            if shortfall.skipped:
                notes.append(
                    f"fewer than {fewest} {self.whom} have pictures for {need}: nothing measured with that many"
                )
            else:
                notes.append(f"left out, too few pictures for {need}: {len(names):,} ({some})")
        return notes
