"""The journal of a gallery in Milvus: entries that many clients append, and the one state that all make of them.

Milvus has no transactions and no unique keys, so no client can be sure to be the only one that writes. Each change is
one entry, which takes effect as a whole. Entries have an order that all clients agree upon: their number (one more than
the last that the writer saw), and among equal numbers a random token. A move counts only where the reference is still
where its writer saw it, so of two clients that move the same reference in the same moment one has an effect, and
everybody agrees which.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from jaxtyping import Bool, Int64

from index.records import Change, Command, EncoderStamp

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


class _State:
    """Where every reference is, after some entries in their order."""

    def __init__(self) -> None:
        self.owner: dict[int, int] = {}
        self.members: dict[int, set[int]] = {}
        self.faces: dict[int, int] = {}
        self.stamps: dict[str, EncoderStamp] = {}
        self.names: dict[int, tuple[str, str]] = {}
        self.newest = 0

    def apply(self, entry: Entry) -> Bool[np.ndarray, " moves"]:
        """Make the entry's moves; which of them had an effect."""
        self.names.update(entry.names)
        for kind, stamp in entry.stamps.items():
            self.stamps.setdefault(kind, stamp)
        strange = {kind for kind, stamp in entry.stamps.items() if self.stamps[kind].fingerprint != stamp.fingerprint}
        took = np.zeros(len(entry.moves), bool)
        for position, (reference, before, after, face) in enumerate(entry.moves.tolist()):
            if face:
                holder = self.faces.get(face)
                taken = reference in self.owner or (holder is not None and self.owner[holder] != NOBODY)
                if taken or self.names[after][0] in strange:
                    continue
                self.faces[face] = reference
                self.newest = max(self.newest, reference)
            elif self.owner.get(reference) != before:
                continue
            else:
                self.members.get(before, set()).discard(reference)
            self.owner[reference] = after
            if after != NOBODY:
                self.members.setdefault(after, set()).add(reference)
            took[position] = True
        return took


class Journal:
    """All entries that this client has seen, and what they come to.

    Entries that arrive late, sorted before others that were seen already, change the past: then all is made anew, and
    `changes` tells what is different.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []  # in their order
        self._seen: set[tuple[int, str]] = set()
        self._took: dict[tuple[int, str], np.ndarray] = {}
        self._state = _State()
        self._arrived: list[tuple[int, int]] = []  # the revision after each entry, as they came, and a digest of all
        self._changes: list[np.ndarray] = []  # rows of revision, reference, before, after; as they came

    @property
    def revision(self) -> int:
        """How many moves were seen, those without effect too."""
        return self._arrived[-1][0] if self._arrived else 0

    @property
    def last(self) -> int:
        """The highest number of an entry; 0 where there is none."""
        return self._entries[-1].number if self._entries else 0

    @property
    def stamps(self) -> dict[str, EncoderStamp]:
        """By kind, which encoder made its encodings."""
        return self._state.stamps

    @property
    def names(self) -> dict[int, tuple[str, str]]:
        """Kind and name of every identity that ever was."""
        return self._state.names

    def seen(self, order: tuple[int, str]) -> bool:
        """Whether this entry was taken."""
        return order in self._seen

    def owner(self, reference: int) -> int | None:
        """Whose a reference is, NOBODY's where it was removed; None where it never came in."""
        return self._state.owner.get(reference)

    def members(self, identity: int) -> list[int]:
        """The references of an identity, ascending."""
        return sorted(self._state.members.get(identity, ()))

    def enrolled(self, kind: str) -> dict[int, int]:
        """Whose each enrolled reference of a kind is, by id, ascending."""
        found = {
            reference: identity
            for identity, members in self._state.members.items()
            if self.names[identity][0] == kind
            for reference in members
        }
        return dict(sorted(found.items()))

    def counts(self) -> dict[int, int]:
        """How many references each identity has; identities without any are left out."""
        return {identity: len(members) for identity, members in self._state.members.items() if members}

    def newest(self) -> int:
        """The highest id of a reference; 0 where there is none."""
        return self._state.newest

    def face_taken(self, face: int) -> bool:
        """Whether an enrolled reference holds this face."""
        holder = self._state.faces.get(face)
        return holder is not None and self._state.owner[holder] != NOBODY

    def take(self, entries: Iterable[Entry]) -> None:
        """Add what was not seen yet."""
        fresh = sorted({entry.order: entry for entry in entries if entry.order not in self._seen}.items())
        if not fresh:
            return
        late = bool(self._entries) and fresh[0][0] < self._entries[-1].order
        for order, entry in fresh:
            if not late:
                self._follow(entry)
            self._entries.append(entry)
            self._seen.add(order)
            digest = int.from_bytes(blake2b(repr(order).encode(), digest_size=8).digest(), "big")
            before = self._arrived[-1] if self._arrived else (0, 0)
            self._arrived.append((before[0] + len(entry.moves), before[1] ^ digest))
        if late:
            self._begin_anew()

    def _follow(self, entry: Entry) -> None:
        took = self._took[entry.order] = self._state.apply(entry)
        rows = self.revision + 1 + np.flatnonzero(took)
        self._changes.append(np.column_stack([rows, entry.moves[took, :3]]))

    def _begin_anew(self) -> None:
        before = self._state.owner
        self._state = _State()
        self._entries.sort(key=lambda entry: entry.order)
        self._took = {entry.order: self._state.apply(entry) for entry in self._entries}
        now = self._state.owner
        different = [
            (self.revision, reference, was, whose)
            for reference in sorted(before.keys() | now.keys())
            if (was := before.get(reference, NOBODY)) != (whose := now.get(reference, NOBODY))
        ]
        self._changes.append(np.array(different, np.int64).reshape(-1, 4))

    def changes(self, since: int, kind: str) -> list[Change]:
        """What moved references of a kind after the revision `since`, in the order in which this client saw it."""
        found = []
        for rows in reversed(self._changes):
            if len(rows) and rows[-1, 0] <= since:
                break
            found.append(rows[rows[:, 0] > since])
        return [
            Change(row, reference, None if before == NOBODY else before, None if after == NOBODY else after)
            for rows in reversed(found)
            for row, reference, before, after in rows.tolist()
            if self.names[before if after == NOBODY else after][0] == kind
        ]

    # -- what was kept at a revision -----------------------------------------------------------------------------------

    def mark(self, revision: int) -> tuple[int, int]:
        """Which entries a revision of this client stands for, in words that other clients understand."""
        count = bisect_right(self._arrived, revision, key=lambda arrived: arrived[0])
        return count, self._arrived[count - 1][1] if count else 0

    def revision_of(self, mark: Sequence[int]) -> int | None:
        """The revision of this client at another's mark; None where it saw the entries in another order."""
        count, digest = mark
        if not count:
            return 0
        if count > len(self._arrived) or self._arrived[count - 1][1] != digest:
            return None
        return self._arrived[count - 1][0]

    # -- commands ------------------------------------------------------------------------------------------------------

    def commands(self) -> list[Command]:
        """All commands that moved something, oldest first."""
        undone = {entry.undoes for entry in self._entries}
        moved: Counter[int] = Counter()
        first: dict[int, Entry] = {}
        for entry in self._entries:
            effect = int(self._took[entry.order].sum())
            if effect:
                moved[entry.command] += effect
                first.setdefault(entry.command, entry)
        return [
            Command(number, entry.at, entry.words, moved[number], undone=number in undone)
            for number, entry in first.items()
        ]

    def last_standing(self) -> Command | None:
        """The last command that moved something, is not undone, and is no undo itself; None where there is none."""
        undoing = {entry.command for entry in self._entries if entry.undoes}
        return next((one for one in reversed(self.commands()) if not one.undone and one.id not in undoing), None)

    def is_open(self, command: int) -> bool:
        """Whether more can join the command: it is not undone, and no other came after it."""
        with_moves = [entry.command for entry in self._entries if len(entry.moves)]
        undone = any(entry.undoes == command for entry in self._entries)
        return not undone and (command not in with_moves or with_moves[-1] == command)

    def moves_of(self, command: int) -> list[tuple[int, int, int]]:
        """The moves of a command that had an effect, newest first: reference, before, after."""
        moves = [
            (move[0], move[1], move[2])
            for entry in self._entries
            if entry.command == command
            for move in entry.moves[self._took[entry.order]].tolist()
        ]
        return moves[::-1]
