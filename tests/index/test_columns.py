import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index.columns import REMOVED, Columns


def extended(columns: Columns, ids: list[int]) -> None:
    numbers = np.array(ids, np.int64)
    columns.extend(numbers, numbers * 10, numbers.astype(np.uint64) + 1, numbers.astype(np.uint64) + 2)


@given(st.lists(st.lists(st.integers(0, 60), max_size=6), max_size=12), st.integers(0, 5))
def test_columns_equal_a_dictionary(steps, room):
    columns = Columns(room)
    twin: dict[int, int] = {}
    for step in steps:
        last = max(twin, default=-1)
        new = sorted({last + 1 + one for one in step})
        extended(columns, new)
        twin |= {one: one * 10 for one in new}
        wanted = np.array([one % 40 for one in step], np.int64)
        here, positions = columns.find(wanted)
        assert here.tolist() == [one in twin for one in wanted.tolist()]
        assert columns.references[positions[here]].tolist() == wanted[here].tolist()
        moved = np.unique(positions[here])
        to = np.where(np.arange(len(moved)) % 2, 7, REMOVED)
        columns.assign(moved, to)
        twin |= dict(zip(columns.references[moved].tolist(), to.tolist(), strict=True))
    assert dict(zip(columns.references.tolist(), columns.identities.tolist(), strict=True)) == twin
    assert (columns.pictures - 1).tolist() == (columns.hashes - 2).tolist() == columns.references.tolist()
    gone = [whose == REMOVED for whose in twin.values()]
    assert columns.tombstones == sum(gone) and len(columns) == len(twin)
    assert columns.removed is None if not any(gone) else columns.removed.tolist() == gone


def test_adding_one_to_many_moves_nothing():
    columns = Columns()
    extended(columns, list(range(1600)))
    before = columns.references
    extended(columns, list(range(1600, 1690)))
    assert np.shares_memory(before, columns.references)
