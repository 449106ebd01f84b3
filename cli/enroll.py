"""`kaodex enroll`: folders of pictures become identities."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from cli.options import detector_option, device_option, encoder_of, encoder_option, gallery_option, kind_option
from cli.output import answers, count, table
from cli.progress import progress, talk
from data.folders import Found, LabelledPicture, find_pictures, find_strangers
from data.paths import readable

if TYPE_CHECKING:
    from index.enrolment import EnrolledPicture, EnrolmentReport
    from index.recognizer import Recognizer

FACES = ("agree", "largest", "all")
"""Those of `index.enrolment`, the default first; written here again because importing them would slow `--help`."""


@click.command(short_help="Enrol identities from folders of pictures.")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SOURCE...")
@click.option("--as", "name", metavar="NAME", help="All pictures of SOURCE show this identity.")
@kind_option
@gallery_option
@click.option(
    "--faces",
    type=click.Choice(FACES),
    default=FACES[0],
    show_default=True,
    help="Of several faces in a picture: the one that agrees with the identity's other references (where none clearly "
    "does, the picture is left for you to decide), the largest, or all of them.",
)
@click.option(
    "--as-strangers",
    is_flag=True,
    help="SOURCE shows people who are nobody here: they are never named, and sharpen what `unknown` means.",
)
@click.option("--allow-conflicts", is_flag=True, help="Enrol a picture under a second name too.")
@detector_option
@encoder_option
@device_option
@click.option(
    "--ray",
    metavar="HOST:PORT|auto|local",
    help="Encode on a Ray cluster: the one at an address, the one that this machine is a node of, or one started here "
    "for the moment.",
)
def enroll(
    sources: tuple[Path, ...],
    name: str | None,
    kind: str,
    gallery: Path,
    faces: str,
    as_strangers: bool,
    allow_conflicts: bool,
    detector: str,
    encoder: str | None,
    device: str,
    ray: str | None,
) -> None:
    """Enrol identities from folders: every folder in SOURCE is an identity, the pictures in it are its references.

    With --as, SOURCE is one folder, or one picture, of that identity. What the gallery holds already is skipped, so an
    interrupted enrolment goes on when the command is typed again. The same picture under two names is a conflict: it is
    reported and left out.

    A picture may show others too: its faces are compared with the identity's other references when all of those are
    enrolled, two at least. Where no face clearly agrees with them, nobody is guessed: the picture is listed.

    With --kind artist the pictures are looked at as wholes and in parts, whatever faces they show; one without a
    drawing on it is listed.

    \b
      kaodex enroll refs/                  refs/rem/1.png, refs/rem/2.png, refs/ram/1.png …
      kaodex enroll downloads/ --as rem    everything in downloads/ shows rem
      kaodex enroll art/ --kind artist     art/mika/1.png, art/sato/1.png … : a folder per artist
      kaodex enroll crowd/ --as-strangers  each folder, and each loose picture, is somebody who is nobody here
    """
    if as_strangers and name:
        raise click.UsageError("--as-strangers and --as exclude each other: a stranger has no name")
    found = [find_strangers(source) if as_strangers else find_pictures(source, name=name) for source in sources]
    for source, one in zip(sources, found, strict=True):
        _warn(source, one)
    pictures: list[LabelledPicture] = [picture for one in found for picture in one.pictures]

    from index.enrolment import EnrolmentReport
    from index.recognizer import Recognizer

    report = EnrolmentReport()
    interrupted = False
    with ExitStack() as leaving:
        if ray is not None:
            from index.cluster.connection import cluster

            leaving.enter_context(cluster(ray))  # first: a mistake should leave no empty gallery behind
        recognizer = leaving.enter_context(
            Recognizer.open(
                gallery,
                create=True,
                detector=detector,
                device=device,
                kinds=(kind,),
                **encoder_of(kind, encoder),
            )
        )
        with progress("enrolling", len(pictures)) as advance:

            def tell(picture: EnrolledPicture) -> None:
                report.add(picture)
                advance(1)

            try:
                recognizer.enroll(
                    pictures,
                    kind=kind,
                    faces=faces,
                    as_strangers=as_strangers,
                    allow_conflicts=allow_conflicts,
                    words=f"enroll {' '.join(map(readable, sources))}"
                    + (f" --as {name}" if name else " --as-strangers" if as_strangers else "")
                    + (f" --faces {faces}" if faces != FACES[0] else ""),
                    on_picture=tell,
                    ray=ray,
                )
            except KeyboardInterrupt:
                interrupted = True
        if as_strangers:
            _print_strangers(report, recognizer, kind)
        else:
            _print(report, recognizer, kind)
    if interrupted:
        talk.print(
            f"interrupted after {sum(count.total() for count in report.counts.values()):,} of {len(pictures):,} "
            "pictures; what is listed is kept, and the same command goes on from there"
        )
        raise SystemExit(130)
    if report.troubles:
        raise SystemExit(1)


def _warn(source: Path, found: Found) -> None:
    if found.suspicion:
        talk.print(f"[yellow]note:[/] {escape(found.suspicion)}")
    if found.loose:
        talk.print(
            f"[yellow]note:[/] {count(len(found.loose), 'picture')} beside the identity folders of "
            f"{escape(readable(source))} left out, for example {escape(readable(found.loose[0].name))}: move them into "
            "a folder of their identity's name, or enrol them with --as NAME"
        )
    if found.skipped_other or found.skipped_hidden:
        talk.print(
            f"passed over in {escape(readable(source))}: {count(found.skipped_other, 'file')} that are no pictures by "
            f"their names, {found.skipped_hidden:,} hidden"
        )


def _print(report: EnrolmentReport, recognizer: Recognizer, kind: str) -> None:
    from index.enrolment import Enrolment

    held = {who.name: who.references for who in recognizer.gallery.identities(kind)}
    fates = [Enrolment.ADDED, Enrolment.SKIPPED, Enrolment.UNREADABLE]
    fates += [Enrolment.BLANK] if kind == "artist" else [Enrolment.FACELESS, Enrolment.UNDECIDED]
    fates += [Enrolment.CONFLICT]
    heads = {Enrolment.CONFLICT: "conflicts"}
    lines = table(
        kind if kind == "artist" else "identity", *(f">{heads.get(one, one)}" for one in fates), ">references", ""
    )
    for name, counts in report.counts.items():
        notes = []
        if report.near_duplicates.get(name):
            notes.append(f"{count(report.near_duplicates[name], 'near-duplicate')} among the added")
        if held.get(name) == 1:
            notes.append("one reference only: three or more are recognised more often")
        lines.add_row(
            escape(name),
            *(str(counts[fate]) for fate in fates),
            str(held.get(name, 0)),
            "; ".join(notes),
        )
    console = answers()
    console.print(lines)
    console.print(
        f"{escape(str(recognizer.gallery.path))} holds {count(len(held), 'identity', 'identities')} with "
        f"{count(sum(held.values()), 'reference')}"
    )
    _tell_troubles(report)
    if report.total(Enrolment.CONFLICT):
        talk.print("conflicts: remove the picture from one of the two folders, or add --allow-conflicts to keep both")


def _print_strangers(report: EnrolmentReport, recognizer: Recognizer, kind: str) -> None:
    from index.enrolment import Enrolment
    from index.records import STRANGERS_OF

    held = recognizer.gallery.identities(STRANGERS_OF[kind])
    answers().print(
        f"{count(report.total(Enrolment.ADDED), 'picture')} of strangers added, "
        f"{report.total(Enrolment.SKIPPED):,} were there already, {report.total(Enrolment.SUSPICIOUS):,} left out as "
        f"suspiciously close to somebody enrolled; the bank holds {count(len(held), 'stranger')} with "
        f"{count(sum(who.references for who in held), 'picture')}"
    )
    _tell_troubles(report)


def _tell_troubles(report: EnrolmentReport) -> None:
    for trouble in report.troubles:
        talk.print(f"[yellow]{trouble.enrolment}:[/] {escape(readable(trouble.path))}: {escape(trouble.reason)}")
