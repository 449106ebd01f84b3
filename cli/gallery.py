"""`kaodex gallery`: look at a gallery, change it, keep it safe."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.markup import escape

from cli.gallery_index import index_gallery
from cli.options import GALLERY, device_option, gallery_option, kind_option
from cli.output import answers, count, place, table
from cli.progress import progress, talk
from data.gallery_place import GalleryPlace


@click.group()
def gallery() -> None:
    """Look at a gallery, change it, keep it safe."""


gallery.add_command(index_gallery)


@gallery.command("list")
@gallery_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per identity, one line each.")
def list_identities(gallery: GalleryPlace, as_json: bool) -> None:
    """List who is enrolled, with the number of references."""
    with _open(gallery) as opened:
        held = opened.identities()
    if as_json:
        for who in held:
            click.echo(
                json.dumps({"identity": who.name, "kind": who.kind, "references": who.references}, ensure_ascii=False)
            )
        return
    lines = table("identity", "kind", ">references")
    for who in held:
        lines.add_row(escape(who.name), who.kind, f"{who.references:,}")
    answers().print(lines)
    answers().print(
        f"{escape(str(gallery))} holds {count(len(held), 'identity', 'identities')} with "
        f"{count(sum(who.references for who in held), 'reference')}"
    )


@gallery.command()
@click.argument("name", required=False)
@kind_option
@gallery_option
@click.option("--sheet", type=click.Path(dir_okay=False, path_type=Path), help="Write the references as one picture.")
def show(name: str | None, kind: str, gallery: GalleryPlace, sheet: Path | None) -> None:
    """Show one identity's references; without NAME, what made the gallery and what was done to it."""
    with _open(gallery) as opened:
        if name is None:
            _show_gallery(opened)
            return
        references = opened.references(name, kind)
        lines = table(">reference", "region", "box", "source")
        for reference in references:
            lines.add_row(str(reference.id), reference.region, place(reference.box), escape(reference.source))
        answers().print(lines)
        if sheet:
            from data.canvas import Tile, contact_sheet, write_picture
            from data.pictures import read_picture

            tiles = [Tile(read_picture(opened.crop(one.id)), f"{one.id}") for one in references]
            write_picture(sheet, contact_sheet(tiles, title=f"{name}: {count(len(references), 'reference')}"))
            talk.print(f"contact sheet: {escape(str(sheet))}")


def _show_gallery(opened) -> None:
    from index.approximate import described
    from index.reencoder import newer_default

    console = answers()
    size = f"{opened.path.stat().st_size / 1e6:,.1f} MB, " if isinstance(opened.path, Path) else ""
    console.print(f"{escape(str(opened.path))}: {size}revision {opened.store.revision():,}")
    for kind in opened.kinds():
        encoder = opened.store.encoder(kind)
        held = opened.identities(kind)
        console.print(
            f"{kind}: {count(len(held), 'identity', 'identities')}, "
            f"{count(sum(who.references for who in held), 'reference')}, encoder {encoder.name} "
            f"({encoder.dimension} numbers, fingerprint {encoder.fingerprint[:12]})"
        )
        if words := opened.store.searched_by(kind):
            console.print(f"  search: {words}")
        if isinstance(opened.path, Path):
            console.print(f"  search: {escape(described(opened.store, kind))}")
        if newer := newer_default(encoder, kind):
            option = " --kind artist" if kind == "artist" else ""
            console.print(f"  made with {encoder.name}; `kaodex gallery reencode{option}` moves it to {newer}")
    lines = table("when (UTC)", ">references", "command")
    for command in opened.history():
        words = f"[dim]{escape(command.words)} (undone)[/]" if command.undone else escape(command.words)
        lines.add_row(command.at, f"{command.references:,}", words)
    console.print(lines)


@gallery.command()
@click.argument("names", nargs=-1)
@click.option("--reference", "references", multiple=True, type=int, help="A single reference by its number.")
@kind_option
@gallery_option
def remove(names: tuple[str, ...], references: tuple[int, ...], kind: str, gallery: GalleryPlace) -> None:
    """Remove identities, or single references of one; `undo` brings them back."""
    if names and references:
        raise click.UsageError("name identities or give --reference, not both: `undo` takes one command back")
    if not names and not references:
        raise click.UsageError("name an identity, or give --reference NUMBER (`kaodex gallery show NAME` lists them)")
    with _open(gallery) as opened:
        moved = opened.remove(names, kind) if names else 0
        moved += opened.remove_references(references) if references else 0
    click.echo(f"removed {count(moved, 'reference')}; `kaodex gallery undo` brings them back")


@gallery.command()
@click.argument("name")
@click.argument("new_name")
@kind_option
@gallery_option
def rename(name: str, new_name: str, kind: str, gallery: GalleryPlace) -> None:
    """Give an identity another name."""
    with _open(gallery) as opened:
        moved = opened.rename(name, new_name, kind)
    click.echo(f"{name} is {new_name} now, with {count(moved, 'reference')}")


@gallery.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--into", required=True, metavar="NAME", help="Whom they all are; may be one of them, or a new name.")
@kind_option
@gallery_option
def merge(names: tuple[str, ...], into: str, kind: str, gallery: GalleryPlace) -> None:
    """Make one identity of several."""
    with _open(gallery) as opened:
        moved = opened.merge(names, into, kind)
    click.echo(f"moved {count(moved, 'reference')} to {into}")


@gallery.command()
@gallery_option
def undo(gallery: GalleryPlace) -> None:
    """Walk the last command back; again for the one before it."""
    with _open(gallery) as opened:
        command = opened.undo()
    click.echo(f"undone: {command.words} ({command.at}, {count(command.references, 'reference')})")
    if command.lost:
        talk.print(
            f"[yellow]note:[/] {count(command.lost, 'reference')} could not come back: their crops could not be read "
            "when the gallery was re-encoded; enrol the pictures anew"
        )


@gallery.command()
@gallery_option
def check(gallery: GalleryPlace) -> None:
    """Read the whole gallery and say what is wrong with it."""
    with _open(gallery) as opened:
        problems = opened.check()
        held = opened.identities()
    for problem in problems:
        talk.print(f"[red]problem:[/] {escape(problem)}")
    if problems:
        talk.print("bring back an export with `kaodex gallery import`, or enrol the pictures anew")
        raise SystemExit(1)
    click.echo(
        f"{gallery}: all well, {count(len(held), 'identity', 'identities')}, "
        f"{count(sum(who.references for who in held), 'reference')}"
    )


@gallery.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@gallery_option
def export(target: Path, gallery: GalleryPlace) -> None:
    """Copy the gallery into one file, safely also while others write to it.

    A plain file copy of a gallery in use is not a backup: its newest changes may still be in the -wal file beside it.
    """
    with _open(gallery) as opened:
        opened.export(target)
    click.echo(f"{target}: {target.stat().st_size / 1e6:,.1f} MB")


@gallery.command()
@click.argument("source", type=GALLERY, metavar="SRC")
@click.argument("target", type=GALLERY, metavar="DST")
def copy(source: GalleryPlace, target: GalleryPlace) -> None:
    """Copy a gallery to another place, from a file to a Milvus server or back, and read the copy back.

    All that is enrolled, with its crops and the bank of strangers. What was removed and the history of commands stay
    behind, so nothing done before can be undone in the copy; references get new numbers, and the copy is calibrated
    anew. An interrupted copy goes on when the command is typed again.

    \b
      kaodex gallery copy gallery.kaodex milvus://localhost:19530/anime
      kaodex gallery copy milvus://localhost:19530/anime again.kaodex
    """
    from index.copying import copy_gallery
    from index.gallery import Gallery

    with _open(source) as original, Gallery.create(target) as opened:
        total = sum(who.references for who in original.identities())
        try:
            with progress("copying", total, "references") as advance:
                copied = copy_gallery(original.store, opened.store, advance)
            for kind in opened.kinds():
                opened.calibrator(kind).neighbourhoods()
        except KeyboardInterrupt:
            talk.print("interrupted: the same command goes on from there")
            raise SystemExit(130) from None
    click.echo(
        f"{target} holds {count(copied.references, 'reference')}, as {source} (checksum {copied.checksum[:12]}), "
        "calibrated anew; the history and what was removed stayed behind"
    )


@gallery.command("import")
@click.argument("source", type=GALLERY)
@gallery_option
@click.option("--allow-conflicts", is_flag=True, help="Enrol a picture under a second name too.")
def import_gallery(source: GalleryPlace, gallery: GalleryPlace, allow_conflicts: bool) -> None:
    """Enrol all that another gallery (an export) holds; makes the gallery where there is none."""
    from index.gallery import Gallery
    from index.records import Outcome

    def tell(new, holder: str) -> None:
        talk.print(f"[yellow]conflict:[/] {escape(new.source)} is {escape(new.identity)} there, {escape(holder)} here")

    with (
        _open(source) as other,
        Gallery.create(gallery) as opened,
        progress("importing", len(other), "references") as advance,
    ):
        counts = opened.absorb(other, allow_conflicts=allow_conflicts, on_progress=advance, on_conflict=tell)
    click.echo(
        f"added {count(counts[Outcome.ADDED], 'reference')}, {counts[Outcome.DUPLICATE]:,} were there already, "
        f"{count(counts[Outcome.CONFLICT], 'conflict')}"
    )
    if counts[Outcome.CONFLICT]:
        talk.print("conflicts: the same picture under another name; --allow-conflicts enrols it under both")
        raise SystemExit(1)


@gallery.command()
@click.option("--encoder", metavar="NAME|FOLDER|onnx:FILE", help="The encoder to move to; by default the shipped one.")
@click.option(
    "--kind",
    type=click.Choice(["character", "artist"]),
    help="Whose encodings are moved; each kind has an encoder of its own.  [character, if any were enrolled]",
)
@click.option("--drop-unreadable", is_flag=True, help="Remove the references whose stored crop is missing or damaged.")
@click.option(
    "--export-before",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Copy the gallery as it was to FILE, just before the switch.",
)
@gallery_option
@device_option
def reencode(
    encoder: str | None,
    kind: str | None,
    drop_unreadable: bool,
    export_before: Path | None,
    gallery: GalleryPlace,
    device: str,
) -> None:
    """Move the gallery to another encoder, from the crops that it keeps.

    The originals are not needed. Until all is done, everybody sees the old gallery; then, at once, the new one. An
    interrupted command loses nothing: typed again, it goes on where it stopped. What was removed is moved too, so
    `undo` works as before; the move itself is no step that `undo` walks back (--export-before keeps a way).
    """
    from embedder import Encoder
    from index.kind_encoders import DEFAULTS, stamp_held
    from index.reencoder import Reencoder

    with _open(gallery) as opened:
        moved = kind or next((one for one in DEFAULTS if stamp_held(opened.store, one)), "character")
        reencoder = Reencoder(opened, Encoder.load(encoder or DEFAULTS[moved], device=device), moved)
        report = reencoder.report
        if reencoder.given_up:
            talk.print(f"an unfinished re-encoding to {escape(reencoder.given_up)} is given up")
        if report.source is None:
            click.echo(f"{gallery} {f'holds no {moved}' if kind else 'is empty'}: nothing to do")
            return
        if reencoder.needless:
            click.echo(f"{gallery} is made with {report.source.name} already: nothing to do")
            return
        try:
            with progress("re-encoding", reencoder.waiting) as advance:
                reencoder.run(drop_unreadable=drop_unreadable, export_before=export_before, on_batch=advance)
            if report.switched:
                opened.calibrator(moved).neighbourhoods()
        except KeyboardInterrupt:
            if not report.switched:
                talk.print(
                    f"interrupted after {count(report.encoded, 'reference')}: the gallery is as it was, and the same "
                    "command goes on from there"
                )
                raise SystemExit(130) from None
    _tell_reencoding(report)


def _tell_reencoding(report) -> None:
    for lost in report.unreadable.values():
        whose = escape(lost.identity) if lost.identity else "removed earlier"
        talk.print(
            f"[yellow]unreadable crop:[/] reference {lost.reference} ({whose}), {escape(lost.source)}: "
            f"{escape(lost.reason)}"
        )
    source, target = report.source, report.target
    if not report.switched:
        talk.print(
            f"[bold red]error:[/] the crops of {count(len(report.unreadable), 'reference')} cannot be read, so the "
            f"gallery stays with {escape(source.name)}: --drop-unreadable moves it without them (enrol those pictures "
            "anew afterwards)"
        )
        raise SystemExit(1)
    rate = f", {report.encoded / report.seconds:,.0f} pictures/s" if report.encoded and report.seconds else ""
    earlier = (
        f", {report.moved - report.encoded:,} of them before an interruption" if report.moved > report.encoded else ""
    )
    dropped = (
        f"; {count(len(report.unreadable), 'reference')} with unreadable crops removed" if report.unreadable else ""
    )
    click.echo(
        f"moved {count(report.moved, 'reference')} from {source.name} ({source.dimension} numbers) to {target.name} "
        f"({target.dimension} numbers) in {report.seconds:.1f} s{rate}{earlier}{dropped}; calibrated anew"
    )


def _open(place: GalleryPlace):
    from index.gallery import Gallery

    return Gallery.open(place)
