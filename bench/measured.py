"""What was measured, on what, and how: the part that every report of a bench has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.collection import Collection
from bench.protocol import Protocol, Shortfall


@dataclass(frozen=True)
class Measured:
    """The pictures that could be read, how they were grouped, and who was left out."""

    collection: Collection
    groups: int
    """How many groups the pictures fell into."""
    protocol: Protocol
    encoder: str
    fingerprint: str
    shortfalls: tuple[Shortfall, ...]
    unreadable: tuple[str, ...]

    def protocol_json(self) -> dict[str, Any]:
        """All that is needed to measure the same again."""
        collection, protocol = self.collection, self.protocol
        return {
            "data": str(collection.source),
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
            "region": "whole",
            "mean_over": "identities",
            "interval": "95 % percentile bootstrap over identities",
            "left_out": {
                str(shortfall.shots): [collection.names[identity] for identity in shortfall.left_out]
                for shortfall in self.shortfalls
            },
            "unreadable": list(self.unreadable),
        }

    def notes(self) -> list[str]:
        """What a reader of the table must know besides."""
        fewest = self.protocol.fewest_identities
        notes = list(self.collection.notes)
        for shortfall in self.shortfalls:
            names = [self.collection.names[identity] for identity in shortfall.left_out]
            some = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            need = f"{shortfall.shots} {'reference' if shortfall.shots == 1 else 'references'} and a query apart"
            if shortfall.skipped:
                notes.append(
                    f"fewer than {fewest} identities have pictures for {need}: nothing measured with that many"
                )
            else:
                notes.append(f"left out, too few pictures for {need}: {len(names):,} ({some})")
        return notes
