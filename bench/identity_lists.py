"""Lists of the identities to measure on, in the forms in which people keep them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.errors import UnusableSource


def read_identity_list(file: Path, collection: str, kind: str = "character") -> list[str]:
    """Read identity names, in NFC: a JSON list, a text with one name a line, or lists by collection.

    The last is `{"characters": {"NAME OF THE FOLDER": [...], ...}, "artists": {...}}`, and of those of the `kind` the
    list named `collection` is taken; that of artists may have more words in its name, as `art/NAME` or `NAME by whom`.
    Raises `UnusableSource` for a file that is none of these, or holds no name for this collection.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UnusableSource(f"there is no {file}; give a list of identities to measure on, or leave it out") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSource(f"{file} cannot be read as a list of identities: {error}") from error
    names = _from_json(text, file, collection, kind) if text.lstrip()[:1] in ("[", "{") else text.splitlines()
    if not all(isinstance(name, str) for name in names):
        raise UnusableSource(f"{file} holds something else than names, such as {names[0]!r}")
    found = [unicodedata.normalize("NFC", name.strip()) for name in names if name.strip()]
    if not found:
        raise UnusableSource(f"{file} names no identity")
    return list(dict.fromkeys(found))


def _from_json(text: str, file: Path, collection: str, kind: str) -> list[Any]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnusableSource(f"{file} begins like JSON but is not: {error}") from None
    if isinstance(content, list):
        return content
    by_collection = content.get(f"{kind}s")
    lists = by_collection if isinstance(by_collection, dict) else {}
    known_as = collection if kind == "character" else _named_after(collection, lists)
    if not isinstance(lists.get(known_as), list):
        raise UnusableSource(
            f'{file} has no list "{kind}s" / "{collection}" (its lists: {", ".join(lists) or "none"}); the folder to '
            "measure on must bear the name of its list, or give a plain JSON list of names"
        )
    return lists[known_as]


def _named_after(collection: str, lists: Mapping[str, Any]) -> str:
    """The list of this name, or the only one with the name among its words."""
    words = [name for name in lists if collection in re.split(r"[/\s]+", name)]
    return words[0] if collection not in lists and len(words) == 1 else collection
