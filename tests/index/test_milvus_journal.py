"""Entries of many clients, in whatever order they come: one state, and no move counted twice."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.milvus import face_table
from index.milvus.entry import NOBODY, Entry
from index.milvus.holdings import Holdings
from index.milvus.journal import Journal
from index.milvus.numbers import ascending_numbers, face_number, identity_number
from index.records import EncoderStamp

STAMP = EncoderStamp("fake", "f" * 64, 8)
REM, RAM = identity_number("character", "rem"), identity_number("character", "ram")
NAMES = {REM: ("character", "rem"), RAM: ("character", "ram")}


def entry(number: int, token: str, *moves: tuple[int, int, int, int], command: int = 0, undoes: int = 0, stamp=STAMP):
    return Entry(
        number,
        token,
        "2026-01-01T00:00:00+00:00",
        command or number,
        f"command {command or number}",
        undoes,
        {"character": stamp},
        NAMES,
        np.array(moves, np.int64).reshape(-1, 4),
    )


def holdings(journal: Journal) -> dict[int, int]:
    return dict(zip(*(column.tolist() for column in journal.enrolled("character")), strict=True))


def test_an_entry_survives_packing():
    one = entry(3, "abcd", (2**61, NOBODY, REM, 7), (5, RAM, NOBODY, 0), command=12, undoes=4)
    again = Entry.unpacked(3, "abcd", one.packed())
    assert one.packed().isascii() and np.array_equal(again.moves, one.moves)
    assert (again.order, again.at, again.command, again.words, again.undoes) == (
        (3, "abcd"),
        one.at,
        12,
        "command 12",
        4,
    )
    assert again.stamps == {"character": STAMP} and again.names == NAMES


def test_of_two_clients_that_move_the_same_reference_one_has_an_effect():
    first = entry(1, "a", (10, NOBODY, REM, 1))
    removed, renamed = entry(2, "b", (10, REM, NOBODY, 0)), entry(2, "c", (10, REM, RAM, 0))
    journal = Journal()
    journal.take([renamed, first, removed])
    assert holdings(journal) == {} and journal.owner(10) == NOBODY
    assert [command.references for command in journal.commands()] == [1, 1]


def test_the_same_face_enrolled_twice_in_the_same_moment_is_one_reference():
    journal = Journal()
    journal.take([entry(1, "a", (10, NOBODY, REM, 1)), entry(1, "b", (20, NOBODY, RAM, 1), (21, NOBODY, RAM, 2))])
    assert holdings(journal) == {10: REM, 21: RAM} and journal.owner(20) is None


def test_references_of_another_encoder_do_not_come_in():
    journal = Journal()
    journal.take(
        [entry(1, "a", (10, NOBODY, REM, 1)), entry(1, "b", (20, NOBODY, RAM, 2), stamp=EncoderStamp("x", "0", 8))]
    )
    assert holdings(journal) == {10: REM} and journal.stamps == {"character": STAMP}


def test_an_entry_that_comes_late_is_told_as_what_it_changes():
    journal = Journal()
    journal.take([entry(1, "a", (10, NOBODY, REM, 1), (11, NOBODY, REM, 2))])
    journal.take([entry(2, "k", (10, REM, RAM, 0))])
    before = journal.revision
    journal.take([entry(2, "b", (10, REM, NOBODY, 0), (11, REM, RAM, 0))])
    told = [(change.reference, change.before, change.after) for change in journal.changes(before, "character")]
    assert told == [(10, RAM, None), (11, REM, RAM)] and journal.changes(journal.revision, "character") == []
    assert journal.revision == 5 and holdings(journal) == {11: RAM}


def test_what_was_kept_elsewhere_counts_only_where_the_same_entries_were_seen():
    one, two = Journal(), Journal()
    first, second, late = entry(1, "a", (10, NOBODY, REM, 1)), entry(2, "k"), entry(2, "b", (10, REM, RAM, 0))
    one.take([first])
    one.take([second])
    mark = one.mark(one.revision)
    two.take([second, first])
    assert two.revision_of(mark) == one.revision == 1
    two.take([late])
    assert two.revision_of(mark) == 1 and Journal().revision_of(mark) is None
    three = Journal()
    three.take([first, second, late])
    assert three.revision_of(mark) is None and three.revision_of(one.mark(0)) == 0


def test_a_command_is_open_until_it_is_undone_or_another_comes():
    journal = Journal()
    assert journal.is_open(1)
    journal.take([entry(1, "a", (10, NOBODY, REM, 1), command=1)])
    assert journal.is_open(1) and journal.is_open(2) and journal.last_standing() == journal.commands()[0]
    journal.take([entry(2, "a", (10, REM, NOBODY, 0), command=2, undoes=1)])
    assert not journal.is_open(1) and journal.last_standing() is None
    assert [(command.id, command.undone) for command in journal.commands()] == [(1, True), (2, False)]
    assert journal.moves_of(1) == [(10, NOBODY, REM)]


OWNERS = st.sampled_from([NOBODY, REM, RAM])
MOVES = st.one_of(
    st.tuples(st.integers(1, 4), st.just(NOBODY), st.sampled_from([REM, RAM]), st.integers(1, 3)),
    st.tuples(st.integers(1, 4), OWNERS, OWNERS, st.just(0)),
)
ENTRIES = st.lists(st.tuples(st.integers(1, 5), st.lists(MOVES, max_size=3)), max_size=8)


def applied(entries: list[Entry]) -> tuple[dict[int, int], list[list[bool]]]:
    """Whose each reference is after some entries, move by move; and which moves had an effect."""
    owner: dict[int, int] = {}
    holder: dict[int, int] = {}
    took = []
    for one in entries:
        took.append([])
        for reference, before, after, face in one.moves.tolist():
            if face:
                effect = reference not in owner and owner.get(holder.get(face), NOBODY) == NOBODY
                holder |= {face: reference} if effect else {}
            else:
                effect = owner.get(reference) == before
            owner |= {reference: after} if effect else {}
            took[-1].append(effect)
    return owner, took


@given(ENTRIES, st.integers(1, 3))
def test_arrays_hold_what_dictionaries_would(steps, recent):
    entries = [entry(number, f"{place:02}", *moves) for place, (number, moves) in enumerate(steps)]
    held = Holdings()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_table, "_MOST_RECENT", recent)
        took = [held.apply(one).tolist() for one in entries]
    owner, right = applied(entries)
    assert took == right and dict(zip(held.references.tolist(), held.owners.tolist(), strict=True)) == owner
    assert held.counts == Counter(whose for whose in owner.values() if whose != NOBODY)


def test_many_references_from_clients_that_take_turns():
    random = np.random.default_rng(0)
    ids = np.sort(random.choice(10**6, 6000, replace=False)) + 1
    batches = [np.sort(ids[start : start + 400][side::2]) for start in range(0, 6000, 400) for side in (1, 0)]
    faces = iter(random.permutation(10**6) + 1)
    held = Holdings()
    for number, batch in enumerate(batches):
        moves = [(one, NOBODY, REM if one % 3 else RAM, next(faces)) for one in batch.tolist()]
        assert held.apply(entry(number, "a", *moves)).all()
    assert np.array_equal(held.references, ids) and np.array_equal(held.members(RAM), ids[ids % 3 == 0])
    gone = held.members(RAM)[::2]
    assert held.apply(entry(99, "a", *[(one, RAM, NOBODY, 0) for one in gone.tolist()])).all()
    enrolled, whose = held.enrolled("character")
    assert np.array_equal(enrolled, np.setdiff1d(ids, gone)) and held.counts[RAM] == (whose == RAM).sum()


@given(ENTRIES, st.randoms(use_true_random=False))
def test_whatever_the_order_of_arrival_all_clients_agree_and_changes_replay(steps, random):
    entries = [entry(number, f"{place:02}", *moves) for place, (number, moves) in enumerate(steps)]
    straight, shuffled = Journal(), Journal()
    straight.take(entries)
    arriving = entries.copy()
    random.shuffle(arriving)
    replayed: dict[int, int] = {}
    seen = 0
    for some in (arriving[:3], arriving[:5], arriving):
        shuffled.take(some)
        for change in shuffled.changes(seen, "character"):
            assert replayed.get(change.reference) == change.before
            if change.after is None:
                replayed.pop(change.reference)
            else:
                replayed[change.reference] = change.after
        assert replayed == holdings(shuffled)
        seen = shuffled.revision
    assert holdings(shuffled) == holdings(straight) and shuffled.revision == straight.revision
    assert shuffled.commands() == straight.commands()
    for identity in (REM, RAM):
        assert straight.members(identity) == [one for one, whose in holdings(straight).items() if whose == identity]


def test_numbers_ascend_and_tell_things_apart():
    first = ascending_numbers(3, 0)
    assert list(first) == [first[0], first[0] + 1, first[0] + 2] and 0 < first[-1] < 2**62
    assert ascending_numbers(1, 2**61)[0] > 2**61
    told = {
        face_number("character", b"1" * 32, (0, 0, 1, 1)),
        face_number("artist", b"1" * 32, (0, 0, 1, 1)),
        face_number("character", b"2" * 32, (0, 0, 1, 1)),
        face_number("character", b"1" * 32, (0, 0, 1, 2)),
        face_number("character", b"1" * 32, (0, 0, 1, 1), "5"),
        identity_number("character", "rem"),
        identity_number("artist", "rem"),
    }
    assert len(told) == 7 and all(0 < one < 2**62 for one in told)
