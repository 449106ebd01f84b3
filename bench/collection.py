"""A collection to measure on: labelled pictures, and which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from bench.groups import group_pictures
from bench.identity_lists import read_identity_list
from bench.who_is_shown import TABLE, attributed, table_beside
from data.errors import UnusableSource
from data.folders import find_pictures


@dataclass(frozen=True)
class Collection:
    """Pictures with their identities as numbers into `names`; groups are None where hashes are to make them."""

    source: Path
    names: tuple[str, ...]
    paths: tuple[Path, ...]
    identities: Int64[np.ndarray, " pictures"]
    groups: Int64[np.ndarray, " pictures"] | None
    grouped_by: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    characters: Int64[np.ndarray, " pictures"] | None = None
    """Of artists: a number for whom each picture shows, where a table says so."""

    def __post_init__(self) -> None:
        told = (self.paths, self.identities, self.groups, self.characters)
        sizes = {len(one) for one in told if one is not None}
        if len(sizes) > 1:
            raise ValueError(f"paths, identities, groups and characters must be of one length, not of {sorted(sizes)}")

    def only(self, kept: Bool[np.ndarray, " pictures"]) -> Collection:
        """The same with some of its pictures."""
        return replace(
            self,
            paths=tuple(path for path, keep in zip(self.paths, kept, strict=True) if keep),
            identities=self.identities[kept],
            groups=None if self.groups is None else self.groups[kept],
            characters=None if self.characters is None else self.characters[kept],
        )


def load_collection(
    source: Path, identity_list: Path | None = None, groups: Sequence[str] = (), kind: str = "character"
) -> Collection:
    """Find the pictures of `source`, keep the listed identities, and group them as told; no picture is read yet.

    For artists a table beside the pictures says who is shown (see `bench.who_is_shown`). Raises `UnusableSource` for a
    folder, list, table or expression that leads to nothing.
    """
    found = find_pictures(source)
    notes = [found.suspicion] if found.suspicion else []
    pictures = list(found.pictures)
    characters: list[str] | None = None
    if kind == "artist":
        if table := table_beside(source):
            by_table = attributed(table, pictures)
            pictures, characters = list(by_table.pictures), list(by_table.characters)
            if by_table.left_out:
                notes.append(f"{by_table.left_out:,} pictures without an artist in {table} are left out")
        else:
            notes.append(
                f"no {TABLE} in {source} says who is shown: references and queries may show the same character, and "
                "then the test measures characters as much as artists"
            )
    if identity_list:
        listed = read_identity_list(identity_list, source.resolve().name, kind)
        held = dict.fromkeys(picture.identity for picture in pictures)
        missing = [name for name in listed if name not in held]
        wanted = [picture.identity in set(listed) for picture in pictures]
        if not any(wanted):
            raise UnusableSource(
                f"none of the {len(listed):,} identities in {identity_list} is in {source}; the list begins with "
                f"{listed[0]!r}, the folder with {next(iter(held))!r}"
            )
        pictures = list(compress(pictures, wanted))
        characters = None if characters is None else list(compress(characters, wanted))
        if missing:
            notes.append(f"{len(missing):,} listed identities are not in {source}, such as {missing[0]}")
    names = tuple(dict.fromkeys(picture.identity for picture in pictures))
    number = {name: position for position, name in enumerate(names)}
    grouping = None
    if groups:
        grouping, told = group_pictures(groups, pictures, source)
        notes += told
    return Collection(
        source,
        names,
        tuple(picture.path for picture in pictures),
        np.array([number[picture.identity] for picture in pictures], np.int64),
        grouping,
        tuple(groups),
        tuple(notes),
        None if characters is None else np.unique(characters, return_inverse=True)[1].astype(np.int64),
    )
