"""`kaodex encoders`: which encoders are here, what each is, and fetching others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from cli.card_text import main_words, print_card, size_text
from cli.output import answers, count, table
from cli.progress import talk

if TYPE_CHECKING:
    from rich.progress import TaskID

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group(short_help="List, inspect and fetch encoders.")
def encoders() -> None:
    """Say which encoders are here and what each is; fetch others from the Hugging Face hub.

    \b
      kaodex encoders list
      kaodex encoders info faces-1
      kaodex encoders pull OWNER/REPOSITORY
    """


@encoders.command("list")
@json_option
def list_encoders(as_json: bool) -> None:
    """List the encoders that go by a name: shipped ones, and those in your own folder."""
    from embedder.inventory import inventory

    held = inventory()
    if as_json:
        for one in held:
            click.echo(json.dumps(asdict(one) | {"folder": str(one.folder)}, ensure_ascii=False))
        return
    lines = table("encoder", "from", ">dimension", ">input", "licence", ">MB", "")
    for one in held:
        note = "default" if one.default else ""
        lines.add_row(
            escape(one.name),
            one.origin,
            "?" if one.dimension is None else str(one.dimension),
            "?" if one.input is None else size_text(one.input),
            escape(one.licence or "not told"),
            f"{one.bytes / 1e6:,.1f}",
            f"[red]unusable: {escape(one.trouble)}[/]" if one.trouble else note,
        )
    answers().print(lines)


@encoders.command()
@click.argument("encoder", metavar="NAME|FOLDER|onnx:FILE")
@json_option
def info(encoder: str, as_json: bool) -> None:
    """Tell all that an encoder's card says, and whether its files are what it says."""
    from embedder.inventory import check_files, open_card

    card = open_card(encoder)
    files = check_files(card)
    told = main_words(card)
    if as_json:
        told["files"] = {name: {"sha256": digest, "matches": matches} for name, (digest, matches) in files.items()}
        click.echo(json.dumps(told | {"card": card.fields}, ensure_ascii=False))
    else:
        print_card(card, told, files)
    if any(matches is False for _, matches in files.values()):
        talk.print("[red]some files are missing or damaged[/]: fetch or export the encoder again")
        raise SystemExit(1)


@encoders.command()
@click.argument("repository", metavar="REPO[@REVISION]")
@click.option(
    "--file",
    "files",
    multiple=True,
    metavar="F",
    help="A file of the repository, several times for several: the ONNX file of an encoder of others, or which files "
    "of a Kaodex encoder.",
)
@click.option("--name", metavar="NAME", help="What it is called here; by default as its card says.")
@click.option("--sha256", "digests", multiple=True, metavar="FILE=HEX", help="Refuse FILE unless this is its sha256.")
@click.option("--replace", is_flag=True, help="Exchange an encoder of that name that is here already.")
@json_option
def pull(
    repository: str,
    files: tuple[str, ...],
    name: str | None,
    digests: tuple[str, ...],
    replace: bool,
    as_json: bool,
) -> None:
    """Fetch an encoder from the Hugging Face hub (or from HF_ENDPOINT) into your own folder.

    It lies in $KAODEX_HOME/encoders/NAME, or else in kaodex/encoders/NAME of the XDG data folder, and is loaded by its
    name. Every file is checked against its digest; what was cut off goes on with the next pull. Pickles and scripts are
    never taken.

    \b
      kaodex encoders pull OWNER/REPOSITORY
      kaodex encoders pull OWNER/REPOSITORY@v2 --name mine
      kaodex encoders pull OWNER/REPOSITORY --file model_feat.onnx --name ccip
    """
    from embedder.pull import pull as pull_encoder

    where, _, revision = repository.partition("@")
    known = dict(map(_digest, digests))
    with _downloads() as progress:
        pulled = pull_encoder(
            where, revision or None, files=files, name=name, digests=known, replace=replace, progress=progress
        )
    ready = pulled.settings is None or pulled.settings.is_file()
    if as_json:
        told = {"name": pulled.name, "folder": str(pulled.folder), "files": pulled.files, "fetched": pulled.fetched}
        click.echo(json.dumps(told | {"ready": ready}, ensure_ascii=False))
    elif pulled.fetched:
        click.echo(f"{pulled.name}: {count(pulled.fetched, 'file')} fetched into {pulled.folder}")
    else:
        click.echo(f"{pulled.name} is here already, in {pulled.folder}")
    if not ready:
        from data.errors import KaodexError
        from embedder.inventory import open_card

        try:
            open_card(pulled.name)
        except KaodexError as error:
            talk.print(f"[yellow]note:[/] it cannot be used yet. {escape(str(error))}")
    elif pulled.fetched and not as_json:
        talk.print(f"use it with --encoder {pulled.name}")


@contextmanager
def _downloads() -> Iterator[Callable[[str, int, int | None], None]]:
    """A bar for each file on stderr, with its rate and the time left; nothing where stderr is no terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def told(file: str, here: int, size: int | None) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(escape(file), total=size)
            bars.update(tasks[file], completed=here)

        yield told


def _digest(text: str) -> tuple[str, str]:
    file, _, digest = text.rpartition("=")
    if not file or not re.fullmatch("[0-9a-fA-F]{64}", digest):
        raise click.BadParameter(f"{text!r} is not FILE=HEX with 64 hexadecimal digits", param_hint="--sha256")
    return file, digest
