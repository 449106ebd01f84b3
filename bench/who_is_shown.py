"""Who drew a picture, and whom it shows: tables beside a collection, lest artists be told by their characters."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.groups import normal_name
from data.errors import UnusableSource
from data.folders import LabelledPicture

TABLE = "characters.csv"
ARTISTS = ("artist", "illustrator_id")
"""Columns that say who drew a picture."""
CHARACTERS = ("base_character", "character", "series")
"""Columns that say who is shown; without any of them, where folders are characters, the folder."""
FOLDERS = "identity"
"""The column of a table whose folders are characters, not artists."""


@dataclass(frozen=True)
class Attributed:
    """Pictures by artist, each with the character that it shows, and the table that says so."""

    pictures: tuple[LabelledPicture, ...]
    characters: tuple[str, ...]
    table: Path
    left_out: int
    """Pictures that the table says nothing of, or of which nobody knows the artist."""


def table_beside(source: Path) -> Path | None:
    """`characters.csv` in the folder, or the table of the folder's own name beside it; None where there is neither."""
    folder = source.resolve()
    return next((path for path in (folder / TABLE, folder.with_name(f"{folder.name}.csv")) if path.is_file()), None)


def attributed(table: Path, pictures: Sequence[LabelledPicture]) -> Attributed:
    """Tell the pictures' artists and characters from a CSV table.

    Its columns are `artist`, `file` and `base_character` or `character`, where each folder is an artist; or `identity`,
    `file` and `artist` or `illustrator_id`, where each folder is a character. Pictures left open take no part.
    Raises UnusableSource for a table that cannot be read, lacks a column, or names none of the pictures.
    """
    rows, columns = _rows(table)
    artist = next((name for name in ARTISTS if name in columns), None)
    by_character = FOLDERS in columns
    character = next((name for name in CHARACTERS if name in columns), FOLDERS if by_character else None)
    if artist is None or character is None or "file" not in columns:
        raise UnusableSource(
            f"{table} has the columns {', '.join(columns) or 'nothing'}; to say who is shown it needs artist, file and "
            "character (folders of artists), or identity, file and artist (folders of characters)"
        )
    folder = FOLDERS if by_character else artist
    told = {(_nfc(row[folder]), normal_name(row["file"])): (row[artist], row[character]) for row in rows}
    kept, characters = [], []
    for picture in pictures:
        who, whom = told.get((_nfc(picture.identity), normal_name(picture.path.name)), ("", ""))
        if who and whom:
            kept.append(LabelledPicture(_nfc(who), picture.path))
            characters.append(_nfc(whom))
    if not kept:
        raise UnusableSource(
            f"{table} names none of the {len(pictures):,} pictures: it has, for example, {rows[0]['file']!r} of "
            f"{rows[0][folder]!r}, and the folder {pictures[0].path.name!r} of {pictures[0].identity!r}"
        )
    return Attributed(tuple(kept), tuple(characters), table, len(pictures) - len(kept))


def _rows(table: Path) -> tuple[list[dict[str, str]], list[str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            rows = [{name: value or "" for name, value in row.items() if name} for row in reader]
            columns = list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableSource(f"{table} cannot be read as a CSV table: {error}") from error
    if not rows:
        raise UnusableSource(f"{table} has no row")
    return rows, columns


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())
