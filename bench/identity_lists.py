"""Lists of the identities to measure on, in the forms in which people keep them."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

from data.errors import UnusableSource


def read_identity_list(file: Path, collection: str) -> list[str]:
    """Read identity names, in NFC: a JSON list, a text with one name a line, or lists by collection.

    The last is `{"characters": {"NAME OF THE FOLDER": [...], ...}}`, and the list named `collection` is taken.
    Raises `UnusableSource` for a file that is none of these, or holds no name for this collection.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UnusableSource(f"there is no {file}; give a list of identities to measure on, or leave it out") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSource(f"{file} cannot be read as a list of identities: {error}") from error
    names = _from_json(text, file, collection) if text.lstrip()[:1] in ("[", "{") else text.splitlines()
    if not all(isinstance(name, str) for name in names):
        raise UnusableSource(f"{file} holds something else than names, such as {names[0]!r}")
    found = [unicodedata.normalize("NFC", name.strip()) for name in names if name.strip()]
    if not found:
        raise UnusableSource(f"{file} names no identity")
    return list(dict.fromkeys(found))


def _from_json(text: str, file: Path, collection: str) -> list[Any]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnusableSource(f"{file} begins like JSON but is not: {error}") from None
    if isinstance(content, list):
        return content
    by_collection = content.get("characters")
    if not isinstance(by_collection, dict) or not isinstance(by_collection.get(collection), list):
        held = ", ".join(by_collection) if isinstance(by_collection, dict) else "none"
        raise UnusableSource(
            f'{file} has no list "characters" / "{collection}" (its lists: {held}); the folder to measure on must bear '
            "the name of its list, or give a plain JSON list of names"
        )
    return by_collection[collection]
