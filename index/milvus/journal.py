"""The journal of a gallery in Milvus: entries that many clients append, and the one state that all make of them.

Milvus has no transactions and no unique keys, so no client can be sure to be the only one that writes. Each change is
one entry, which takes effect as a whole. Entries have an order that all clients agree upon: their number (one more than
the last that the writer saw), and among equal numbers a random token. A move counts only where the reference is still
where its writer saw it, so of two clients that move the same reference in the same moment one has an effect, and
everybody agrees which.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from jaxtyping import Int64

from index.milvus.entry import NOBODY, Entry
from index.milvus.holdings import NEVER, Holdings
from index.records import Change, Command, EncoderStamp


class Journal:
    """All entries that this client has seen, and what they come to.

    Entries that arrive late, sorted before others that were seen already, change the past: then all is made anew, and
    `changes` tells what is different.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []  # in their order
        self._seen: set[tuple[int, str]] = set()
        self._took: dict[tuple[int, str], np.ndarray] = {}
        self._state = Holdings()
        self._arrived: list[tuple[int, int]] = []  # the revision after each entry, as they came, and a digest of all
        self._changes: list[tuple[int, np.ndarray, np.ndarray | None]] = []
        """As they came: the revision before, moves, and which of them had an effect (None: all, at one revision)."""

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
        whose = int(self.owners(np.array([reference]))[0])
        return None if whose == NEVER else whose

    def owners(self, references: Int64[np.ndarray, " wanted"]) -> Int64[np.ndarray, " wanted"]:
        """Whose these are, NOBODY's where one was removed, NEVER's (another negative number) where it never came in."""
        return self._state.owners_of(references)

    def members(self, identity: int) -> list[int]:
        """The references of an identity, ascending."""
        return self._state.members(identity).tolist()

    def enrolled(self, kind: str) -> tuple[Int64[np.ndarray, " enrolled"], Int64[np.ndarray, " enrolled"]]:
        """The enrolled references of a kind, ascending, and whose each is."""
        return self._state.enrolled(kind)

    def count(self, kind: str) -> int:
        """How many references of a kind are enrolled."""
        return self._state.count(kind)

    def counts(self) -> dict[int, int]:
        """How many references each identity has; identities without any are left out."""
        return dict(self._state.counts)

    def newest(self) -> int:
        """The highest id of a reference; 0 where there is none."""
        return int(self._state.references[-1]) if len(self._state.references) else 0

    def face_taken(self, face: int) -> bool:
        """Whether an enrolled reference holds this face."""
        return self._state.face_taken(face)

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
        self._changes.append((self.revision, entry.moves, took))

    def _begin_anew(self) -> None:
        before = self._state
        self._state = now = Holdings()
        self._entries.sort(key=lambda entry: entry.order)
        self._took = {entry.order: self._state.apply(entry) for entry in self._entries}
        everywhere = np.union1d(before.references, now.references)
        was, whose = (np.maximum(state.owners_of(everywhere), NOBODY) for state in (before, now))
        different = was != whose
        moves = np.column_stack([everywhere, was, whose])[different]
        self._changes.append((self.revision - 1, moves, None))

    def changes(self, since: int, kind: str) -> list[Change]:
        """What moved references of a kind after the revision `since`, in the order in which this client saw it."""
        found = []
        for before, moves, took in reversed(self._changes):
            if took is None:
                rows = np.full(len(moves), before + 1)
            else:
                rows = before + 1 + np.flatnonzero(took)
                moves = moves[took]
            if len(rows) and rows[-1] <= since:
                break
            found.append((rows[rows > since].tolist(), moves[rows > since, :3].tolist()))
        return [
            Change(row, reference, None if before == NOBODY else before, None if after == NOBODY else after)
            for rows, moves in reversed(found)
            for row, (reference, before, after) in zip(rows, moves, strict=True)
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
