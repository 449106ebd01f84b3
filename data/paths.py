"""Paths as text for people, JSON and databases."""

from __future__ import annotations

import os
from pathlib import Path


def readable(path: str | Path) -> str:
    """The path as text that every terminal, file and database can hold: bytes that are no UTF-8 become U+FFFD.

    >>> readable(Path("refs/rem/1.png"))
    'refs/rem/1.png'
    """
    return os.fsencode(path).decode("utf-8", "replace")
