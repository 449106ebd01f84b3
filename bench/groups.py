"""Which pictures belong together, never to lie on both sides of a test: told by a table, by paths, or by a hash."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path, PurePath

import numpy as np
from jaxtyping import Int64, UInt64

from data.errors import UnusableSource
from data.folders import PICTURE_SUFFIXES, LabelledPicture
from data.near_duplicates import near_duplicate_groups
from data.splits import unite_groupings

GROUP_COLUMNS = ("near_dup_cluster", "group")
"""The columns looked for, in this order; without them, the first that is neither `identity` nor `file`."""

_KEYS = ("identity", "file")
_PICTURE_ENDINGS = re.compile("|".join(re.escape(suffix) + r"(?![a-z0-9])" for suffix in sorted(PICTURE_SUFFIXES)))


def group_pictures(
    specifications: Sequence[str], pictures: Sequence[LabelledPicture], source: Path
) -> tuple[Int64[np.ndarray, " pictures"], list[str]]:
    """Group pictures by every given table and pattern, united; also what the user should be told.

    A specification is the path of a CSV table (see `group_by_table`) or a regular expression (see `group_by_pattern`).
    Raises `UnusableSource` for one that says nothing of any picture.
    """
    groupings, notes = [], []
    for specification in specifications:
        if specification.lower().endswith(".csv") or Path(specification).is_file():
            grouping = group_by_table(Path(specification), pictures)
        else:
            grouping = group_by_pattern(specification, [picture.path.relative_to(source) for picture in pictures])
        if silent := int((grouping < 0).sum()):
            notes.append(f"{specification} says nothing of {silent:,} of {len(pictures):,} pictures: each stands alone")
        groupings.append(grouping)
    return unite_groupings(*groupings), notes


def group_by_table(table: Path, pictures: Sequence[LabelledPicture]) -> Int64[np.ndarray, " pictures"]:
    """Group by a CSV table with columns `identity`, `file` and a group; -1 for a picture that it does not name.

    Groups hold within an identity: cluster 3 of one and cluster 3 of another are two. File names are compared in the
    form of `normal_name`, in which tables and folders agree more often; files whose names become one by it share a
    group, which errs on the safe side.

    Raises `UnusableSource` for a table that cannot be read, lacks a column, or names none of the pictures.
    """
    rows = _read_rows(table)
    owned = [(picture.identity, normal_name(picture.path.name)) for picture in pictures]
    named = [(identity, normal_name(file)) for identity, file, _ in rows]
    if not set(owned) & set(named):
        raise UnusableSource(
            f"{table} names none of the {len(pictures):,} pictures: it has, for example, {rows[0][1]!r} of "
            f"{rows[0][0]!r}, and the folder {pictures[0].path.name!r} of {pictures[0].identity!r}; give a table of "
            "this folder, or a regular expression whose first group is what pictures of one group share"
        )
    # Rows take part like pictures: names tie a picture to its rows, and groups tie rows to each other.
    by_name = _numbered([*owned, *named])
    by_group = np.concatenate([np.full(len(owned), -1), _numbered((identity, group) for identity, _, group in rows)])
    united = unite_groupings(by_name, by_group)[: len(owned)]
    return np.where(np.isin(by_name[: len(owned)], by_name[len(owned) :]), united, -1)


def group_by_pattern(pattern: str, paths: Sequence[PurePath]) -> Int64[np.ndarray, " pictures"]:
    """Group by what the first group of a regular expression finds in each path; -1 where it finds nothing.

    Paths are relative to the folder of identities, with `/` between their parts. Groups reach across identities: crops
    of one source picture may show several characters.

    Raises `UnusableSource` for an expression that is none, has no group, or finds nothing in any path.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UnusableSource(f"{pattern!r} is neither a CSV file nor a regular expression: {error}") from None
    if not expression.groups:
        raise UnusableSource(
            f"the expression {pattern!r} has no group; put the part that pictures of one group share into parentheses"
        )
    found = [match and match[1] for match in (expression.search(path.as_posix()) for path in paths)]
    if not any(found):
        raise UnusableSource(f"the expression {pattern!r} finds nothing in any path, such as {paths[0].as_posix()!r}")
    return np.where([bool(part) for part in found], _numbered(found), -1)


def group_by_hash(
    identities: Int64[np.ndarray, " pictures"], hashes: UInt64[np.ndarray, " pictures"]
) -> Int64[np.ndarray, " pictures"]:
    """Group near-duplicates within each identity: pictures of two that look alike are what a test is about."""
    groups = np.empty(len(hashes), np.int64)
    used = 0
    for identity in np.unique(identities):
        own = identities == identity
        groups[own] = near_duplicate_groups(hashes[own]) + used
        used = groups[own].max() + 1
    return groups


def normal_name(file: str) -> str:
    """A file name in the form in which names are compared.

    Without folders and without any picture ending, also inside; in lower case and Unicode NFC; and with one underscore
    for whatever lies between letters and digits.

    >>> normal_name("refs/01AB.webp-2.jpg"), normal_name("01ab_2.png")
    ('01ab_2', '01ab_2')
    """
    bare = _PICTURE_ENDINGS.sub("", unicodedata.normalize("NFC", PurePath(file).name).lower())
    return re.sub(r"[\W_]+", "_", bare)


def _read_rows(table: Path) -> list[tuple[str, str, str]]:
    """The table's (identity, file, group), complete rows only."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            columns = list(reader.fieldnames or ())
            group = next((name for name in (*GROUP_COLUMNS, *columns) if name in columns and name not in _KEYS), None)
            if group is None or not set(_KEYS) <= set(columns):
                raise UnusableSource(
                    f"{table} has the columns {', '.join(columns) or 'nothing'}; it needs identity, file and one that "
                    f"says the group ({' or '.join(GROUP_COLUMNS)})"
                )
            rows = [
                (unicodedata.normalize("NFC", row["identity"]), row["file"], row[group])
                for row in reader
                if row["identity"] and row["file"] and row[group]
            ]
    except FileNotFoundError:
        raise UnusableSource(f"there is no {table}; give the path of a CSV table, or a regular expression") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableSource(f"{table} cannot be read as a CSV table: {error}") from error
    if not rows:
        raise UnusableSource(f"{table} has no row with an identity, a file and a {group}")
    return rows


def _numbered(values: Iterable[Hashable]) -> Int64[np.ndarray, " values"]:
    """A number for each distinct value, by first appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
