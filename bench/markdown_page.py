"""A report in a Markdown file: one section for each protocol and collection, which the command writes anew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench.measured import Measured
from data.errors import UnusableSource
from data.whole_file import whole_file


def write_section(report: Measured, path: Path, title: str) -> None:
    """Put the report between its two marks in the file, or at its end.

    The rest of the file stays as it is. Raises `UnusableSource` for a file that cannot be read or written, or that
    lacks a second mark.
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSource(f"{path} cannot be read as Markdown: {error}") from error
    text = _put(text, f"bench {report.protocol_name}: {title}", _section(report), path)
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _put(text: str, mark: str, section: str, path: Path) -> str:
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    marked = f"{begin}\n{section}\n{end}"
    if begin not in text:
        return f"{text.rstrip()}\n\n{marked}\n".lstrip()
    if end not in text:
        raise UnusableSource(f"{path} has {begin} without {end}; put that where the table ends")
    return re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: marked, text, count=1, flags=re.S)


def _section(report: Measured) -> str:
    parts = [report.sentence(), *(_table(columns, rows) for columns, rows in report.tables() if rows)]
    if notes := report.notes():
        parts.append("\n".join(f"- {_plain(note)}" for note in notes))
    return "\n\n".join(parts)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heads = "| " + " | ".join(column.lstrip(">") for column in columns) + " |"
    lines = "|" + "|".join("---:" if column.startswith(">") else "---" for column in columns) + "|"
    return "\n".join([heads, lines, *("| " + " | ".join(map(_plain, cells)) + " |" for cells in rows)])


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
