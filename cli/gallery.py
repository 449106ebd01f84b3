"""`kaodex gallery`: look at a gallery, change it, keep it safe."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.markup import escape

from cli.options import gallery_option, kind_option
from cli.output import answers, count, place, table
from cli.progress import progress, talk


@click.group()
def gallery() -> None:
    """Look at a gallery, change it, keep it safe."""


@gallery.command("list")
@gallery_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per identity, one line each.")
def list_identities(gallery: Path, as_json: bool) -> None:
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
def show(name: str | None, kind: str, gallery: Path, sheet: Path | None) -> None:
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
    console = answers()
    size = opened.path.stat().st_size / 1e6
    console.print(f"{escape(str(opened.path))}: {size:,.1f} MB, revision {opened.store.revision():,}")
    for kind in opened.kinds():
        encoder = opened.store.encoder(kind)
        held = opened.identities(kind)
        console.print(
            f"{kind}: {count(len(held), 'identity', 'identities')}, "
            f"{count(sum(who.references for who in held), 'reference')}, encoder {encoder.name} "
            f"({encoder.dimension} numbers, fingerprint {encoder.fingerprint[:12]})"
        )
    lines = table("when (UTC)", ">references", "command")
    for command in opened.history():
        lines.add_row(command.at, f"{command.references:,}", escape(command.words))
    console.print(lines)


@gallery.command()
@click.argument("names", nargs=-1)
@click.option("--reference", "references", multiple=True, type=int, help="A single reference by its number.")
@kind_option
@gallery_option
def remove(names: tuple[str, ...], references: tuple[int, ...], kind: str, gallery: Path) -> None:
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
def rename(name: str, new_name: str, kind: str, gallery: Path) -> None:
    """Give an identity another name."""
    with _open(gallery) as opened:
        moved = opened.rename(name, new_name, kind)
    click.echo(f"{name} is {new_name} now, with {count(moved, 'reference')}")


@gallery.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--into", required=True, metavar="NAME", help="Whom they all are; may be one of them, or a new name.")
@kind_option
@gallery_option
def merge(names: tuple[str, ...], into: str, kind: str, gallery: Path) -> None:
    """Make one identity of several."""
    with _open(gallery) as opened:
        moved = opened.merge(names, into, kind)
    click.echo(f"moved {count(moved, 'reference')} to {into}")


@gallery.command()
@gallery_option
def undo(gallery: Path) -> None:
    """Walk the last command back; again for the one before it."""
    with _open(gallery) as opened:
        command = opened.undo()
    click.echo(f"undone: {command.words} ({command.at}, {count(command.references, 'reference')})")


@gallery.command()
@gallery_option
def check(gallery: Path) -> None:
    """Read the whole file and say what is wrong with it."""
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
def export(target: Path, gallery: Path) -> None:
    """Copy the gallery into one file, safely also while others write to it.

    A plain file copy of a gallery in use is not a backup: its newest changes may still be in the -wal file beside it.
    """
    with _open(gallery) as opened:
        opened.export(target)
    click.echo(f"{target}: {target.stat().st_size / 1e6:,.1f} MB")


@gallery.command("import")
@click.argument("source", type=click.Path(dir_okay=False, path_type=Path))
@gallery_option
@click.option("--allow-conflicts", is_flag=True, help="Enrol a picture under a second name too.")
def import_gallery(source: Path, gallery: Path, allow_conflicts: bool) -> None:
    """Enrol all that another gallery (an export) holds; makes the gallery where there is none."""
    from index.gallery import Gallery
    from index.records import Outcome

    with (
        _open(source) as other,
        Gallery.create(gallery) as opened,
        progress("importing", len(other), "references") as advance,
    ):
        counts = opened.absorb(other, allow_conflicts=allow_conflicts, on_progress=advance)
    click.echo(
        f"added {count(counts[Outcome.ADDED], 'reference')}, {counts[Outcome.DUPLICATE]:,} were there already, "
        f"{count(counts[Outcome.CONFLICT], 'conflict')}"
    )
    if counts[Outcome.CONFLICT]:
        talk.print("conflicts: the same picture under another name; --allow-conflicts enrols it under both")
        raise SystemExit(1)


def _open(path: Path):
    from index.gallery import Gallery

    return Gallery.open(path)
