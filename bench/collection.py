"""A collection to measure on: labelled pictures, and which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from bench.groups import group_pictures
from bench.identity_lists import read_identity_list
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

    def __post_init__(self) -> None:
        sizes = {len(self.paths), len(self.identities), len(self.paths if self.groups is None else self.groups)}
        if len(sizes) > 1:
            raise ValueError(f"paths, identities and groups must be of one length, but are of {sorted(sizes)}")

    def only(self, kept: Bool[np.ndarray, " pictures"]) -> Collection:
        """The same with some of its pictures."""
        return replace(
            self,
            paths=tuple(path for path, keep in zip(self.paths, kept, strict=True) if keep),
            identities=self.identities[kept],
            groups=None if self.groups is None else self.groups[kept],
        )


def load_collection(source: Path, identity_list: Path | None = None, groups: Sequence[str] = ()) -> Collection:
    """Find the pictures of `source`, keep the listed identities, and group them as told; no picture is read yet.

    Raises `UnusableSource` for a folder, list, table or expression that leads to nothing.
    """
    found = find_pictures(source)
    notes = [found.suspicion] if found.suspicion else []
    pictures = list(found.pictures)
    if identity_list:
        listed = read_identity_list(identity_list, source.resolve().name)
        missing = [name for name in listed if name not in found.identities]
        pictures = [picture for picture in pictures if picture.identity in set(listed)]
        if not pictures:
            raise UnusableSource(
                f"none of the {len(listed):,} identities in {identity_list} is in {source}; the list begins with "
                f"{listed[0]!r}, the folder with {found.identities[0]!r}"
            )
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
    )
