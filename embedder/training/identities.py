"""Which pictures of whom a run may learn from, and who is kept out of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.errors import UnusableSource
from data.folders import PICTURE_SUFFIXES

DEV_PICTURES = 4
"""A dev identity drawn at random has at least so many pictures."""
DEV_SHARE, MOST_DEV = 0.1, 100
"""Of the identities with pictures enough, this share is kept for validation unless told otherwise, and no more."""


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
            Identity(_name(collection), folder.name, files)
            for folder in sorted(collection.iterdir())
            if folder.is_dir() and not folder.name.startswith(".") and (files := _pictures(folder))
        ]
        if not found:
            raise UnusableSource(f"{collection} holds no identity folders with pictures; give the folder above them")
        identities += found
    _refuse_namesakes({one.collection for one in identities}, collections)
    return identities


def collect_instances(folders: Iterable[Path]) -> list[Identity]:
    """Every picture of some folders as an identity of its own: pictures of nobody in particular.

    Telling single pictures apart from views of themselves is what there is to learn without labels (Dosovitskiy et al.,
    "Discriminative Unsupervised Feature Learning with Exemplar Convolutional Neural Networks", 2016).
    """
    instances = []
    for folder in folders:
        if not folder.is_dir():
            raise UnusableSource(f"there is no folder {folder}; --instances takes a folder of pictures")
        files = _pictures(folder)
        if not files:
            raise UnusableSource(f"{folder} holds no pictures; --instances takes a folder of pictures")
        instances += [Identity(_name(folder), str(path.relative_to(folder)), (path,)) for path in files]
    return instances


def read_excluded(path: Path) -> dict[str, list[str]]:
    """The `characters` of a dev list: collection name to identity names; raises UnusableSource for another file."""
    try:
        characters = json.loads(path.read_text(encoding="utf-8"))["characters"]
        return {str(collection): [str(name) for name in names] for collection, names in characters.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusableSource(
            f"{path} is no list of dev identities ({{'characters': {{collection: [...]}}}})"
        ) from error


def draw_dev(identities: Sequence[Identity], count: int | None, seed: int) -> dict[str, list[str]]:
    """Names to keep for validation, drawn at random among identities with at least 4 pictures, by collection.

    count: how many; None: a tenth of them, at most 100. Raises UnusableSource where there are not so many, or no two
    identities would be left to learn from.
    """
    able = [one for one in identities if len(one.files) >= DEV_PICTURES]
    if count is None:
        count = min(int(DEV_SHARE * len(able)), MOST_DEV)
    if count > len(able) or (count and len(identities) - count < 2):
        raise UnusableSource(
            f"{count} dev identities were asked for, of {len(identities)} identities, {len(able)} of them with "
            f"{DEV_PICTURES} pictures or more; ask for fewer with --dev"
        )
    chosen = np.random.default_rng([seed, 6]).permutation(len(able))[:count]
    names: dict[str, list[str]] = {}
    for place in sorted(chosen):
        names.setdefault(able[place].collection, []).append(able[place].name)
    return names


def split_off(
    identities: Sequence[Identity], excluded: Mapping[str, Sequence[str]]
) -> tuple[list[Identity], dict[str, list[Identity]]]:
    """Identities to train on, and the dev identities of each collection.

    An identity is kept out of training when any excluded name, in any collection, is its own. Letter case does not
    count, nor does a number at the end where somebody has the name without it: with a `chen` about, `chen2` is Chen in
    another outfit, while `character01` is not `character02`.
    """
    names = [one.name.casefold() for one in identities]
    names += [name.casefold() for some in excluded.values() for name in some]
    known = set(names)
    kept_out = {_person(name, known) for some in excluded.values() for name in some}
    training = [identity for identity in identities if _person(identity.name, known) not in kept_out]
    dev = {
        collection: [one for one in identities if one.collection == collection and one.name in set(names)]
        for collection, names in excluded.items()
    }
    return training, {collection: found for collection, found in dev.items() if found}


def _person(name: str, known: set[str]) -> str:
    whole = name.casefold()
    without_number = re.sub(r"\d+$", "", whole)
    return without_number if without_number in known else whole


def _name(folder: Path) -> str:
    return folder.resolve().name


def _refuse_namesakes(names: set[str], folders: Iterable[Path]) -> None:
    given = [_name(folder) for folder in folders]
    twice = sorted(name for name in names if given.count(name) > 1)
    if twice:
        raise UnusableSource(f"two collections are called '{twice[0]}'; rename one of the folders, or give it once")


def _pictures(folder: Path) -> tuple[Path, ...]:
    return tuple(
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in PICTURE_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
