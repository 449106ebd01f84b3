"""One entry of a journal that many clients append to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from index.records import EncoderStamp

NOBODY = -1
"""In place of an identity: outside the gallery."""


@dataclass(frozen=True)
class Entry:
    """What one client changed at once."""

    number: int
    token: str
    at: str
    """UTC, ISO 8601."""
    command: int
    words: str
    undoes: int = 0
    """The command that this one walks back; 0 for none."""
    stamps: dict[str, EncoderStamp] = field(default_factory=dict)
    """By kind, which encoder made the references that come in."""
    names: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Kind and name of each identity in the moves."""
    moves: Int64[np.ndarray, "moves 4"] = field(default_factory=lambda: np.empty((0, 4), np.int64))
    """Reference, identity before, identity after, and for a reference that is new its face's number (else 0)."""

    @property
    def order(self) -> tuple[int, str]:
        """What all clients sort entries by."""
        return self.number, self.token

    def packed(self) -> str:
        """As ASCII text, without number and token."""
        return json.dumps(
            {
                "at": self.at,
                "command": self.command,
                "words": self.words,
                "undoes": self.undoes,
                "stamps": {kind: [one.name, one.fingerprint, one.dimension] for kind, one in self.stamps.items()},
                "names": self.names,
                "moves": self.moves.tolist(),
            },
            separators=(",", ":"),
        )

    @classmethod
    def unpacked(cls, number: int, token: str, text: str) -> Entry:
        """Read what `packed` wrote."""
        told = json.loads(text)
        return cls(
            number,
            token,
            told["at"],
            told["command"],
            told["words"],
            told["undoes"],
            {kind: EncoderStamp(*stamp) for kind, stamp in told["stamps"].items()},
            {int(identity): (kind, name) for identity, (kind, name) in told["names"].items()},
            np.array(told["moves"], np.int64).reshape(-1, 4),
        )
