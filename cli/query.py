"""`kaodex query`: who do these pictures show?"""

from __future__ import annotations

import json
import sys
from collections import Counter, deque
from collections.abc import Iterator
from itertools import chain
from itertools import count as count_from
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from cli.options import (
    detector_option,
    device_option,
    encoder_of,
    encoder_option,
    fpir_option,
    gallery_option,
    k_option,
    misid_option,
    only_option,
    rule_option,
    search_option,
)
from cli.output import answers, count, place, table
from cli.progress import progress, talk
from data.errors import UnusableSource
from data.folders import list_pictures

if TYPE_CHECKING:
    from index.answers import PictureAnswer, Recognition
    from index.gallery import Gallery
    from index.recognizer import Recognizer


MOST_EVIDENCE = 12
"""Lines on where in a picture a style is like whose; who asks about more pictures wants them counted."""

ROOM_FOR_REFERENCES = 110
"""Columns of a terminal below which the nearest references would break every line in pieces."""


@click.command(short_help="Say who pictures show, and who drew them.")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@k_option
@rule_option
@fpir_option
@misid_option
@only_option
@search_option
@click.option(
    "--kind",
    type=click.Choice(["character", "artist"]),
    help="Ask only who is shown, or only who drew it.  [both, as far as they are enrolled]",
)
@click.option("--fast", is_flag=True, help="Ask for the artist by two views of a picture, not by all of its parts.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per picture, one line each.")
@click.option(
    "--annotate",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write each picture to DIR with named boxes and the nearest references.",
)
@gallery_option
@detector_option
@encoder_option
@device_option
def query(
    images: tuple[str, ...],
    k: int,
    rule: str,
    fpir: float,
    misid: float,
    only: tuple[str, ...],
    search: str,
    kind: str | None,
    fast: bool,
    as_json: bool,
    folder: Path | None,
    gallery: Path,
    detector: str,
    encoder: str | None,
    device: str,
) -> None:
    """Say who pictures show, and who drew them: a name, or unknown where strangers reach such a score too often.

    Of strangers, at most a share --fpir is given a name, on average; p is the share that would score as high. A face is
    ambiguous where two enrolled identities cannot be told apart at the rate --misid.

    Where artists are enrolled, the nearest of them is told for the whole picture, by the same rules, with the parts of
    the picture that are like that artist's references. It is evidence, not a verdict: styles overlap.

    IMAGE is a picture, a folder of pictures, or - for paths on standard input, one a line.

    \b
      kaodex query a.png b.png
      kaodex query downloads/ --json > answers.jsonl
      kaodex query a.png --kind artist --annotate named/
      find . -name "*.webp" | kaodex query - --annotate named/
    """
    from index.recognizer import Recognizer

    failed = 0
    statuses: dict[str, Counter[str]] = {"face": Counter(), "artist": Counter()}
    evidence: list[str] = []
    columns = ["picture", "face", "answer", ">score", ">p", "next", "nearest references"]
    lines = table(*columns[: None if answers().width >= ROOM_FOR_REFERENCES else -1])
    kinds = (kind,) if kind else ()
    with Recognizer.open(
        gallery, detector=detector, device=device, kinds=kinds, **encoder_of(kind, encoder)
    ) as recognizer:
        recognizer.gallery.choose_search(search)
        sheets = _Sheets(folder, recognizer.gallery) if folder else None
        pictures, total = _pictures(images)
        asked: deque[Path] = deque()

        def noted() -> Iterator[Path]:
            for picture in pictures:
                asked.append(picture)
                yield picture

        interrupted = False
        try:
            with progress("asking", total) as advance:
                for answer in recognizer.query(
                    noted(),
                    k=k,
                    rule=rule,
                    fpir=fpir,
                    misidentification=misid,
                    only=only or None,
                    kind=kind,
                    fast=fast,
                ):
                    path = asked.popleft()
                    if answer.error:
                        failed += 1
                        talk.print(f"[yellow]unreadable:[/] {escape(answer.image)}: {escape(answer.error)}")
                    elif sheets:
                        sheets.write(path, answer)
                    if as_json:
                        click.echo(json.dumps(answer.as_json(), ensure_ascii=False))
                    else:
                        _add(lines, answer)
                    statuses["face"].update(str(face.status) for face in answer.faces)
                    if answer.artist:
                        statuses["artist"][str(answer.artist.status)] += 1
                        evidence += _evidence(answer.image, answer.artist)
                    advance(1)
        except KeyboardInterrupt:
            interrupted = True
        for asked_for, counted in zip(("character", "artist"), statuses.values(), strict=True):
            if set(counted) == {"unknown"}:
                _tell_shortage(recognizer, asked_for, k, rule, fpir, only)
    if not as_json:
        answers().print(lines)
        for noun, counted in statuses.items():
            if counted.total() > 1:
                told = ", ".join(f"{number:,} {status}" for status, number in sorted(counted.items()))
                answers().print(f"{count(counted.total(), noun)}: {told}")
        if len(evidence) <= MOST_EVIDENCE:
            for line in evidence:
                answers().print(line)
    if sheets:
        talk.print(f"annotated pictures: {escape(str(folder))}")
    if interrupted:
        talk.print("interrupted: what was answered until then is above")
        raise SystemExit(130)
    if failed:
        raise SystemExit(1)


def _tell_shortage(recognizer: Recognizer, kind: str, k: int, rule: str, fpir: float, only: tuple[str, ...]) -> None:
    """Where nobody of a kind could be named, whoever was asked about, say so, and what to do."""
    bank = recognizer.encoders[kind].bank
    missing = recognizer.gallery.shortage(fpir, k=k, rule=rule, kind=kind, only=only or None, bank=bank)
    if missing:
        nobody, more, option = "nobody", "identities", ""
        if kind == "artist":
            nobody, more, option = "no artist", "artists", " --kind artist"
        talk.print(
            f"[yellow]note:[/] {nobody} can be named at --fpir {fpir:g}: {missing:,} more {more} are needed to tell so "
            f"small a rate by; enrol more, add strangers with `kaodex enroll FOLDER{option} --as-strangers`, or allow "
            "a larger --fpir"
        )


def _evidence(image: str, recognition: Recognition) -> list[str]:
    """A line on which parts of a picture are like whose references; or why an artist could not be asked for."""
    if recognition.reason:
        return [f"{escape(image)}: no artist can be told: {escape(recognition.reason)}"]
    evidence = recognition.evidence
    if evidence is None or evidence.other is None:
        return []
    towards = sum(view.leaning > 0 for view in evidence.views)
    most = max(evidence.views, key=lambda view: view.leaning)
    least = min(evidence.views, key=lambda view: view.leaning)
    return [
        f"{escape(image)}: {towards} of {count(len(evidence.views), 'view')} nearer to {escape(evidence.artist)} than "
        f"to {escape(evidence.other)}, most {most.view} ({most.leaning:+.2f}), least {least.view} "
        f"({least.leaning:+.2f})"
    ]


def _pictures(images: tuple[str, ...]) -> tuple[Iterator[Path], int | None]:
    """The pictures to ask about, and how many, unless they come through standard input."""
    given = [image for image in images if image != "-"]
    listed = list_pictures(given) if given else []

    def typed() -> Iterator[Path]:
        for line in sys.stdin:
            path = Path(line.rstrip("\r\n"))
            if line.strip():
                try:
                    yield from list_pictures([path])
                except UnusableSource:
                    yield path  # an empty folder: reading it says what is wrong, and the rest goes on

    if len(given) == len(images):
        return iter(listed), len(listed)

    def both() -> Iterator[Path]:
        yield from listed
        yield from typed()

    return both(), None


def _add(lines: Table, answer: PictureAnswer) -> None:
    image = escape(answer.image)
    if answer.error:
        _row(lines, image, "", "[yellow]unreadable[/]")
    elif not answer.faces and not answer.artist:
        _row(lines, image, "none found")
    asked = [
        ("whole" if face.recognition.region == "whole" else place(face.box), face.recognition) for face in answer.faces
    ]
    if answer.artist:
        asked.append(("artist", answer.artist))
    for number, (where, recognition) in enumerate(asked, start=1):
        numbered = f"{number}: {where}" if len(asked) > 1 else where  # as on the annotated picture
        _row(lines, image if number == 1 else "", numbered, *_cells(recognition))


def _row(lines: Table, *cells: str) -> None:
    lines.add_row(*cells[: len(lines.columns)])


def _cells(recognition: Recognition) -> tuple[str, ...]:
    name = f"[bold]{escape(recognition.identity)}[/]" if recognition.identity else f"[dim]{recognition.status}[/]"
    score = "" if recognition.score is None else f"{recognition.score:.2f}"
    others = recognition.candidates[1:] if recognition.identity else recognition.candidates
    runner_up = f"{escape(others[0].identity)} {others[0].score:.2f}" if others else ""
    near = ", ".join(
        f"{escape(_short(near.source))} {near.similarity:.2f}{f' ({near.view})' if near.view else ''}"
        for near in recognition.neighbours[:2]
    )
    p_value = "" if recognition.p_value is None else f"{recognition.p_value:.3g}"
    return name, score, p_value, runner_up, near


def _short(source: str) -> str:
    """The file and its folder: enough for a person to find it, short enough for a line."""
    return "/".join(Path(source).parts[-2:])


class _Sheets:
    """Annotated pictures in a folder: a.jpg becomes a.named.png, made distinct where two pictures share a name."""

    def __init__(self, folder: Path, gallery: Gallery) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._gallery = gallery
        self._given: set[str] = set()

    def write(self, path: Path, answer: PictureAnswer) -> None:
        from data.canvas import write_picture
        from data.pictures import read_picture
        from index.annotated import annotated

        stem = Path(answer.image).stem
        names = (f"{stem}{number}.named.png" for number in chain([""], map("-{}".format, count_from(2))))
        name = next(name for name in names if name not in self._given)
        self._given.add(name)
        write_picture(self._folder / name, annotated(read_picture(path), answer, self._gallery))
