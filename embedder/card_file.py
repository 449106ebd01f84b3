"""What the cards of encoders and detectors share: JSON that names the files beside it by their sha256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from data.errors import UnusableEncoder

Checked = TypeVar("Checked")


def read_checked(path: Path, what: str, check: Callable[[dict[str, Any]], Checked]) -> Checked:
    """What `check` makes of a card; raises UnusableEncoder naming the field that is wrong.

    `what` is whose card it is, `encoder` or `detector`. `check` raises KeyError for a field that is not there, and
    AttributeError, TypeError or ValueError for one that is wrong.
    """
    again = f"fetch or export the {what} again"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnusableEncoder(f"{path} cannot be read as JSON ({error}); {again}") from error
    try:
        return check(fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"has no field {error}" if isinstance(error, KeyError) else f"is not a usable card: {error}"
        raise UnusableEncoder(f"{path} {reason}; {again}") from error


def checked_format(fields: dict[str, Any], known: int) -> None:
    """Raises ValueError for a card of another format than the known one."""
    if fields["format"] != known:
        raise ValueError(f"its format is {fields['format']}, this Kaodex reads {known}; use a newer Kaodex")


def named_files(fields: dict[str, Any]) -> dict[str, str]:
    """The sha256 of each file that a card names; raises ValueError for a file outside its folder."""
    files = {str(name): str(digest) for name, digest in fields["files"].items()}
    if any(Path(name).name != name for name in files):
        raise ValueError(f"its files lie in its own folder, but it names {sorted(files)}")
    return files


def whole_file(card: Path, files: dict[str, str], name: str, what: str) -> Path:
    """The path of a file that a card names, once its sha256 is what the card says; raises UnusableEncoder.

    `what` is whose file it is, such as "encoder 'faces-2'".
    """
    path, kind = card.parent / name, what.partition(" ")[0]
    if name not in files:
        raise UnusableEncoder(f"{card} names no {name}; this {kind} was not exported for that runtime")
    if not path.is_file():
        raise UnusableEncoder(f"{what} lacks its file {path}; fetch or export the {kind} again")
    found = sha256(path)
    if found != files[name]:
        raise UnusableEncoder(
            f"{path} is damaged or was exchanged: its sha256 is {found[:12]}…, the card says "
            f"{files[name][:12]}…; fetch or export the {kind} again"
        )
    return path


def sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
