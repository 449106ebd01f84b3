"""Whether a picture that is to be enrolled is in the gallery already: one rule for every store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from index.records import Box, Enrolled, NewReference, Outcome, overlap

SAME_FACE = 0.5
"""Two boxes in one picture are one face from this intersection over union on."""


@dataclass(frozen=True)
class HeldReference:
    """A reference of the same picture file; `identity` is None for one that was removed."""

    id: int
    identity: str | None
    box: Box
    encoding: bytes
    """In float16, little-endian."""


def way_in(
    new: NewReference, held: Sequence[HeldReference], *, allow_conflicts: bool, same_face: float = SAME_FACE
) -> Enrolled | int | None:
    """How a reference comes in, given those of its picture: None as a new row, an id as the removed one of that id.

    Or not at all: the duplicate or the conflict that is in its way. With `allow_conflicts` a conflict is none.
    """
    removed = None
    conflict = None
    for other in held:
        if overlap(other.box, new.box) < same_face:
            continue
        if other.identity == new.identity:
            return Enrolled(Outcome.DUPLICATE, other.id, new.identity)
        if other.identity is not None:
            conflict = Enrolled(Outcome.CONFLICT, other.id, other.identity)
        elif other.box == new.box and other.encoding == new.encoding.astype("<f2").tobytes():
            removed = other.id
    return conflict if conflict and not allow_conflicts else removed
