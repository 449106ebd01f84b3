"""Numbers that clients give out without asking each other."""

from __future__ import annotations

import secrets
import time
from hashlib import blake2b

from index.records import Box

_EPOCH = 1_767_225_600_000
"""The first millisecond of 2026."""
_RANDOM_BITS = 22


def ascending_numbers(count: int, after: int) -> range:
    """Numbers below 2^62 that ascend with time and lie above `after`; two clients hardly ever draw the same.

    Milliseconds since 2026 and 22 random bits, as in Twitter's Snowflake, whose bits of the machine are random here.
    """
    milliseconds = time.time_ns() // 1_000_000 - _EPOCH
    first = max(after + 1, (milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS))
    return range(first, first + count)


def identity_number(kind: str, name: str) -> int:
    """The identity's id, the same for every client, in [0, 2^62)."""
    return _digest(kind, name)


def face_number(kind: str, picture: bytes, box: Box, more: str = "") -> int:
    """What tells a face of a picture from every other, in [1, 2^62); with `more`, from its own other references."""
    return max(1, _digest(kind, picture.hex(), " ".join(map(str, box)), more))


def _digest(*words: str) -> int:
    return int.from_bytes(blake2b("\0".join(words).encode(), digest_size=8).digest(), "big") >> 2
