"""Which pictures of whom a run may learn from, and who is kept out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import UnusableSource

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


@dataclass(frozen=True)
class Identity:
    """One character of one collection, and the files that show it, in a stable order."""

    collection: str
    name: str
    files: tuple[Path, ...]


def collect_identities(collections: Iterable[Path]) -> list[Identity]:
    """Every identity of some collections (folders of identity folders); raises UnusableSource when one has none."""
    identities = []
    for collection in collections:
        if not collection.is_dir():
            raise UnusableSource(f"there is no folder {collection}; give folders that hold one folder per identity")
        found = [
            Identity(collection.name, folder.name, files)
            for folder in sorted(collection.iterdir())
            if folder.is_dir() and not folder.name.startswith(".") and (files := _pictures(folder))
        ]
        if not found:
            raise UnusableSource(f"{collection} holds no identity folders with pictures; give the folder above them")
        identities += found
    return identities


def read_excluded(path: Path) -> dict[str, list[str]]:
    """The `characters` of a dev list: collection name to identity names; raises UnusableSource for another file."""
    try:
        characters = json.loads(path.read_text(encoding="utf-8"))["characters"]
        return {str(collection): [str(name) for name in names] for collection, names in characters.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusableSource(
            f"{path} is no list of dev identities ({{'characters': {{collection: [...]}}}})"
        ) from error


def split_off(
    identities: Sequence[Identity], excluded: dict[str, list[str]]
) -> tuple[list[Identity], dict[str, list[Identity]]]:
    """Identities to train on, and the dev identities of each collection.

    An identity is kept out of training when any excluded name, in any collection, is its own: letter case and a
    number at the end do not count, since `chen2` is Chen in another outfit.
    """
    stems = {_stem(name) for names in excluded.values() for name in names}
    training = [identity for identity in identities if _stem(identity.name) not in stems]
    dev = {
        collection: [one for one in identities if one.collection == collection and one.name in set(names)]
        for collection, names in excluded.items()
    }
    return training, {collection: found for collection, found in dev.items() if found}


def _stem(name: str) -> str:
    return re.sub(r"\d+$", "", name.casefold())


def _pictures(folder: Path) -> tuple[Path, ...]:
    return tuple(
        path for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES and not path.name.startswith(".")
    )
