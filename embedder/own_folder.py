"""Where a user's own encoders lie, and what one may be called there."""

from __future__ import annotations

import os
import re
from pathlib import Path

LONGEST = 80


def encoders_folder() -> Path:
    """`$KAODEX_HOME/encoders`; without it `kaodex/encoders` in the XDG data folder. It need not exist."""
    home = os.environ.get("KAODEX_HOME")
    if home:
        return Path(home).expanduser() / "encoders"
    data = os.environ.get("XDG_DATA_HOME", "")
    # the XDG specification has relative paths ignored
    return (Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share") / "kaodex" / "encoders"


def proper(name: str) -> bool:
    """Whether an encoder may be called so: letters, digits, `.`, `_` and `-`, none of the signs first.

    >>> [proper(name) for name in ("faces-2", "ccip", "../ccip", ".ccip", "")]
    [True, True, False, False, False]
    """
    return len(name) <= LONGEST and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name, re.ASCII) is not None
