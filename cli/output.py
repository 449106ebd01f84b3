"""Answers on stdout: tables for people."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

WIDE = 200
"""Columns where stdout is no terminal: a file or pipe should not wrap at 80."""


def answers() -> Console:
    """The console for answers, made at the moment of printing so that it sees today's stdout."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def table(*columns: str) -> Table:
    """A quiet table; a column that begins with > is aligned to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    return made


def count(number: int, noun: str, plural: str | None = None) -> str:
    """The number with its noun.

    >>> count(1, "picture"), count(2000, "identity", "identities")
    ('1 picture', '2,000 identities')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def place(box: tuple[int, int, int, int]) -> str:
    """A box as its corner and size.

    >>> place((12, 20, 140, 150))
    '12,20 128x130'
    """
    x0, y0, x1, y1 = box
    return f"{x0},{y0} {x1 - x0}x{y1 - y0}"
