"""Folders of pictures: `refs/<identity>/**/<picture>`, one folder of one identity, or a plain list of queries."""

from __future__ import annotations

import os
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import UnusableSource

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
"""Endings, in lower case, of the files that are taken for pictures."""


@dataclass(frozen=True)
class LabelledPicture:
    """A picture file and the identity that its folder says it shows."""

    identity: str
    path: Path


@dataclass(frozen=True)
class Found:
    """What a folder holds, in a stable order: identities, then paths, each with 2 before 10.

    `loose` are pictures beside the identity folders, which belong to nobody. `skipped_hidden` counts hidden files and
    folders, `skipped_other` files that are not pictures. `suspicion` says, where it looks so, that the folder is one
    level too high, and what to type instead.
    """

    pictures: tuple[LabelledPicture, ...]
    loose: tuple[Path, ...] = ()
    skipped_hidden: int = 0
    skipped_other: int = 0
    suspicion: str | None = None

    @property
    def identities(self) -> tuple[str, ...]:
        """Each identity once, in order."""
        return tuple(dict.fromkeys(picture.identity for picture in self.pictures))

    @property
    def paths(self) -> tuple[Path, ...]:
        """The labelled pictures' paths, in order."""
        return tuple(picture.path for picture in self.pictures)


def find_pictures(source: Path | str, *, name: str | None = None) -> Found:
    """Find the labelled pictures under `source`.

    Without `name`, each folder in `source` is an identity, and all pictures in it, however deep, are of it. With
    `name`, `source` is one folder (or one picture) of that identity. Names are in Unicode NFC, so that one folder
    name typed on two systems is one identity.

    Raises `UnusableSource` where there is nothing to label, with what to type instead.
    """
    source = Path(source)
    if not source.exists():
        raise UnusableSource(f"there is no {source}; give a folder with one folder of pictures per identity")
    found = _find_of_one(source, name) if name is not None else _find_of_many(source)
    if not found.pictures:
        raise UnusableSource(_why_nothing(source, found))
    return found


def find_strangers(source: Path | str) -> Found:
    """Find pictures of nobody in particular: each folder in `source` is one stranger, each loose picture one more.

    Raises `UnusableSource` where there are none.
    """
    source = Path(source)
    if source.is_dir():
        top = _Walk(source, deep=False)
        loose_only = Found((), tuple(top.pictures), top.hidden, top.other)
        found = _find_of_many(source) if top.folders else loose_only
    elif source.exists():
        found = Found((), (source,))
    else:
        raise UnusableSource(f"there is no {source}; give a folder of pictures of anyone who is nobody here")
    loose = tuple(LabelledPicture("", path) for path in found.loose)
    if not found.pictures and not loose:
        raise UnusableSource(_why_nothing(source, found))
    # two crowds may hold a 1.jpg each: a stranger is told by the whole path of the folder, or of the picture
    root = source.resolve()
    named = []
    for one in found.pictures + loose:
        place = root / one.identity if one.identity else one.path.resolve()
        named.append(LabelledPicture(_identity(str(place))[-200:], one.path))
    return replace(found, pictures=tuple(named), loose=(), suspicion=None)


def list_pictures(paths: Iterable[Path | str]) -> list[Path]:
    """List the pictures to ask about: files as given, folders replaced by all pictures in them, however deep.

    A path that is no folder is kept unseen: whether it can be read is for the reader to say, one picture at a time.
    Raises `UnusableSource` where all of it comes to nothing.
    """
    given = [Path(path) for path in paths]
    listed: list[Path] = []
    for path in given:
        listed += _Walk(path).pictures if path.is_dir() else [path]
    if not listed:
        where = ", ".join(map(str, given)) or "an empty list"
        raise UnusableSource(f"no pictures in {where}; Kaodex reads {_suffixes()}")
    return listed


def _find_of_one(source: Path, name: str) -> Found:
    identity = _identity(name.strip())
    if not identity:
        raise UnusableSource("an identity needs a name that is not empty; give one after --as")
    if not source.is_dir():
        return Found((LabelledPicture(identity, source),))
    walk = _Walk(source)
    return Found(
        tuple(LabelledPicture(identity, path) for path in walk.pictures),
        skipped_hidden=walk.hidden,
        skipped_other=walk.other,
    )


def _find_of_many(source: Path) -> Found:
    if not source.is_dir():
        raise UnusableSource(
            f"{source} is one file, and an identity is a folder of pictures; to enrol just this picture, type:\n"
            f"  kaodex enroll {_quoted(source)} --as NAME"
        )
    top = _Walk(source, deep=False)
    pictures: list[LabelledPicture] = []
    hidden, other = top.hidden, top.other
    for folder in top.folders:
        walk = _Walk(folder, never_enter=source)
        pictures += [LabelledPicture(_identity(folder.name), path) for path in walk.pictures]
        hidden, other = hidden + walk.hidden, other + walk.other
    # Two folders may be one name in two Unicode forms: sorting (it is stable) brings their pictures together.
    pictures.sort(key=lambda picture: _natural(picture.identity))
    return Found(tuple(pictures), tuple(top.pictures), hidden, other, _suspicion(source, pictures))


class _Walk:
    """The pictures under one folder, and counts of what was passed over.

    Linked folders are followed, each real folder once, so that a loop of links ends.
    """

    def __init__(self, root: Path, deep: bool = True, never_enter: Path | None = None) -> None:
        self.pictures: list[Path] = []
        self.folders: list[Path] = []
        self.hidden = 0
        self.other = 0
        self._entered = {os.path.realpath(never_enter)} if never_enter else set[str]()
        self._visit(root, deep)

    def _visit(self, folder: Path, deep: bool) -> None:
        real = os.path.realpath(folder)
        if real in self._entered:
            return
        self._entered.add(real)
        below = []
        for entry in _entries(folder):
            path = folder / entry.name
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                self.hidden += 1
            elif _is(entry.is_dir):
                below.append(path)
            elif _is(entry.is_file) and path.suffix.lower() in PICTURE_SUFFIXES:
                self.pictures.append(path)
            else:
                self.other += 1
        self.folders += below
        if deep:
            for path in below:
                self._visit(path, deep)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: _natural(entry.name))
    except OSError as error:
        raise UnusableSource(f"{folder} cannot be listed: {error.strerror}; check its permissions") from error


def _is(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:  # a link that leads to itself
        return False


def _natural(name: str) -> tuple[list[str | int], str]:
    """Sort by text and numbers in turn, so that 2 comes before 10; the name itself settles what is left."""
    parts: list[str | int] = list(re.split(r"(\d+)", name.casefold()))
    parts[1::2] = map(int, parts[1::2])
    return parts, name


def _identity(name: str) -> str:
    """A name in NFC; bytes that are not UTF-8 become U+FFFD, as no gallery or terminal can hold them."""
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return unicodedata.normalize("NFC", readable)


def _suspicion(source: Path, pictures: list[LabelledPicture]) -> str | None:
    """Does `source` hold groups of identities, instead of identities?

    Likely where no first-level folder has pictures of its own, some have several folders, and the names of those
    differ from group to group (`season1`, `season2` in every folder would be parts of an identity).
    """
    inner: dict[tuple[str, str], Path] = {}
    for picture in pictures:
        parts = picture.path.relative_to(source).parts
        if len(parts) < 3:
            return None
        inner.setdefault((parts[0], parts[1]), source / parts[0] / parts[1])
    outer_names = {outer for outer, _ in inner}
    inner_names = {name for _, name in inner}
    if len(inner) == len(outer_names) or len(inner_names) < 0.8 * len(inner):
        return None
    example = next(iter(inner.values()))
    return (
        f"no folder in {source} has pictures of its own, only folders such as {example}; if those are the "
        f"identities, {source} is one level too high, and the command is, for example:\n"
        f"  kaodex enroll {_quoted(example.parent)}"
    )


def _why_nothing(source: Path, found: Found) -> str:
    if found.loose:
        return (
            f"{_count(len(found.loose), 'picture')} in {source}, but no folders that say whom they show. "
            f"If all show one identity, type:\n  kaodex enroll {_quoted(source)} --as NAME\n"
            f"otherwise put each identity's pictures in a folder of its name: {source / 'NAME' / found.loose[0].name}"
        )
    passed = found.skipped_hidden + found.skipped_other
    seen = f" ({_count(passed, 'file')} passed over: hidden, or not a picture)" if passed else ""
    return (
        f"no pictures in {source}{seen}; put each identity's pictures in a folder of its name, "
        f"{source / 'NAME' / 'picture.png'}, and type:\n  kaodex enroll {_quoted(source)}\n(Kaodex reads {_suffixes()})"
    )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _suffixes() -> str:
    return ", ".join(sorted(PICTURE_SUFFIXES))
