"""Who drew which picture, and whom it shows: what a style encoder learns from, and what it must never see."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data.errors import UnusableSource

HALF_BODIES, PORTRAITS, FAN_ART = "arknights", "kancolle", "holoen"
"""The collections: half bodies by artist, portraits by illustrator, and faces of fan art by nobody known."""
LIST = "dev_identities.json"


@dataclass(frozen=True)
class Painting:
    """A picture's file, its collection, its artist, and the character whom it shows."""

    collection: str
    artist: str
    subject: str
    file: Path


@dataclass(frozen=True)
class KeptOut:
    """The listed artists and characters of each collection, on whom nothing may learn."""

    artists: dict[str, frozenset[str]]
    characters: dict[str, frozenset[str]]

    def holds(self, painting: Painting) -> bool:
        """Whether a picture is by a listed artist, or shows a listed character."""
        return painting.artist in self.artists.get(painting.collection, ()) or painting.subject in self.characters.get(
            painting.collection, ()
        )


def read_kept_out(data: Path) -> KeptOut:
    """The list of `dev_identities.json`; raises UnusableSource where it is missing or has another form."""
    try:
        listed = json.loads((data / LIST).read_text(encoding="utf-8"))
        artists, characters = listed["artists"], listed["characters"]
        return KeptOut(
            {
                HALF_BODIES: frozenset(artists["art/arknights"]),
                PORTRAITS: frozenset(artists["kancolle illustrator_id"]),
            },
            {collection: frozenset(names) for collection, names in characters.items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnusableSource(f"{data / LIST} is no list of dev identities: {error!r}") from error


def half_bodies(data: Path) -> list[Painting]:
    """Half bodies by artist, as `art/arknights.csv` tells them."""
    return [
        Painting(
            HALF_BODIES, row["artist"], row["base_character"], data / "art/arknights" / row["artist"] / row["file"]
        )
        for row in _rows(data / "art/arknights.csv")
    ]


def portraits(data: Path) -> list[Painting]:
    """Portraits by illustrator, as `faces/kancolle.csv` tells them; those of nobody known are left out."""
    return [
        Painting(
            PORTRAITS, row["illustrator_id"], row["identity"], data / "faces/kancolle" / row["identity"] / row["file"]
        )
        for row in _rows(data / "faces/kancolle.csv")
        if row["illustrator_id"]
    ]


def fan_art(data: Path) -> list[Painting]:
    """Faces of fan art. Who drew them is not known, but that one picture is by one hand: it stands for its artist."""
    files = sorted((data / "faces/holoen").glob("*/*.jpg"))
    return [Painting(FAN_ART, _source(file), file.parent.name, file) for file in files]


def to_learn_from(paintings: Iterable[Painting], kept_out: KeptOut) -> list[Painting]:
    """Those of no listed artist and of no listed character, of whatever collection.

    A picture of fan art with a listed character in it is left out whole, the other faces of it too.
    """
    paintings = list(paintings)
    listed = frozenset[str]().union(*kept_out.characters.values())
    spoilt = {(one.collection, one.artist) for one in paintings if one.collection == FAN_ART and kept_out.holds(one)}
    return [
        one
        for one in paintings
        if not kept_out.holds(one) and one.subject not in listed and (one.collection, one.artist) not in spoilt
    ]


def every_other_artist(paintings: Iterable[Painting]) -> list[Painting]:
    """Of each collection with known artists every other one, by how many characters they drew; of fan art, all."""
    paintings = list(paintings)
    shown: dict[tuple[str, str], set[str]] = {}
    for one in paintings:
        shown.setdefault((one.collection, one.artist), set()).add(one.subject)
    kept = set()
    for collection in {one.collection for one in paintings}:
        by_size = sorted((-len(subjects), artist) for (where, artist), subjects in shown.items() if where == collection)
        kept |= {(collection, artist) for _, artist in (by_size if collection == FAN_ART else by_size[::2])}
    return [one for one in paintings if (one.collection, one.artist) in kept]


def to_judge_by(paintings: Iterable[Painting], kept_out: KeptOut) -> list[Painting]:
    """All pictures by listed artists."""
    return [one for one in paintings if one.artist in kept_out.artists.get(one.collection, ())]


def _source(file: Path) -> str:
    """The MD5 of the whole picture that a crop's name begins with."""
    found = re.match(r"[0-9a-f]{32}", file.name)
    return found[0] if found else file.stem


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))
    except OSError as error:
        raise UnusableSource(f"{table} cannot be read: {error}") from error
