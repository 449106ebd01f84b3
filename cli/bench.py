"""`kaodex bench`: how often is the right identity named?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from rich.markup import escape

from cli.bench_closed import (
    Closed,
    budget_option,
    cache_option,
    chosen_entries,
    markdown_option,
    most_option,
    random_option,
    section_option,
    systems_option,
    tune_option,
    weights_option,
)
from cli.bench_protocols import PROTOCOLS, chosen_protocol
from cli.options import RULES, detector_option, device_option, kind_option
from cli.output import answers, count, table
from cli.progress import progress, talk

if TYPE_CHECKING:
    from bench.measured import Measured
    from bench.open_set_report import OpenSetReport
    from bench.report import Report
    from bench.systems import System
    from embedder.encoder import Encoder


ARTIST_SHOTS = (1, 3)


@dataclass(frozen=True)
class Written:
    """Where the report goes besides the terminal."""

    markdown: Path | None
    section: str
    json: Path | None


class WholeNumbers(click.ParamType):
    """Whole numbers above 0 with commas between them, such as 1,5,20."""

    name = "numbers"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers, each once, ascending."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = {int(part) for part in value.split(",")}
        except ValueError:
            self.fail(f"{value!r} is not a list of whole numbers such as 1,5,20", param, ctx)
        if min(numbers) < 1:
            self.fail(f"{value!r} holds a number below 1", param, ctx)
        return tuple(sorted(numbers))


@click.command()
@click.argument("data", type=click.Path(path_type=Path), metavar="DATA")
@click.option(
    "--identities",
    "identity_list",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help='Measure on these only: a JSON list, a text with one name a line, or {"characters": {"DATA\'S NAME": [...]}, '
    '"artists": {...}}.',
)
@kind_option
@click.option(
    "--groups",
    multiple=True,
    metavar="CSV|REGEX",
    help="What never lies on both sides: a table with the columns identity, file and near_dup_cluster (or group), or "
    "an expression whose first group in the path below DATA names the source picture. May be given several times. "
    "Without it, near-duplicates are found by a perceptual hash.",
)
@click.option(
    "--protocol",
    "name",
    type=click.Choice(list(PROTOCOLS)),
    help="few-shot: a few references each, drawn anew many times. open-set: besides, some identities are strangers. "
    "closed: as in the papers that Kaodex stands on, 80 % of each identity's pictures to learn from and 20 % to ask "
    "about, once, beside the papers' systems.  [few-shot]",
)
@click.option(
    "--shots",
    type=WholeNumbers(),
    default="1,5,20",
    show_default=True,
    help="References per identity.  [of artists: 1,3]",
)
@click.option(
    "--draws", type=click.IntRange(1), default=20, show_default=True, help="How often references are drawn anew."
)
@click.option(
    "-k", "ks", type=WholeNumbers(), default="1,5,20", show_default=True, help="How many nearest references vote."
)
@click.option(
    "--rule",
    "rules",
    type=click.Choice(RULES),
    multiple=True,
    default=RULES[:1],
    show_default=True,
    help="How they vote; may be given several times.",
)
@click.option(
    "--queries-per-identity",
    type=click.IntRange(1),
    metavar="N",
    help="Ask at most N pictures of each identity in a draw, to save time. Each identity weighs the same anyway.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed, the same draws.")
@click.option(
    "--open-set",
    is_flag=True,
    help="The same as --protocol open-set: only some identities are enrolled in each draw. Adds AUROC, OSCR, TPIR at "
    "FPIR, and the promised FPIR beside the one found.",
)
@click.option(
    "--strangers",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Which share of the identities are strangers in a draw; with --open-set, one half by default.",
)
@click.option(
    "--report",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="With --open-set: write curves, the worst confusions and a map to DIR/report.html, one file with pictures. "
    "With --kind artist: draw how well each two artists are told apart, DIR/pairs.png. "
    "With --protocol closed: draw confusions, pairs of identities, the courses of networks, and the curves of --tune.",
)
@systems_option
@random_option
@weights_option
@tune_option
@budget_option
@cache_option
@most_option
@markdown_option
@section_option
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it all.")
@click.option("--encoder", metavar="NAME|FOLDER|onnx:FILE", help="The encoder; by default the shipped one.")
@detector_option
@device_option
@click.pass_context
def bench(
    context: click.Context,
    data: Path,
    identity_list: Path | None,
    kind: str,
    groups: tuple[str, ...],
    name: str | None,
    shots: tuple[int, ...],
    draws: int,
    ks: tuple[int, ...],
    rules: tuple[str, ...],
    queries_per_identity: int | None,
    seed: int,
    open_set: bool,
    strangers: float | None,
    folder: Path | None,
    systems: str | None,
    random_init: bool,
    weights: Path | None,
    tune: bool,
    budget: float | None,
    cache: Path | None,
    most: int | None,
    markdown: Path | None,
    section: str | None,
    file: Path | None,
    encoder: str | None,
    detector: str,
    device: str,
) -> None:
    """Measure how often the right identity is named, on DATA: a folder with one folder of pictures per identity.

    References and queries are drawn at random, again and again, and never from one group. Figures are means over
    identities, each with the same weight, with a 95 % interval by bootstrap over identities. Two rivals that learn
    nothing are measured on the same draws, 1-NN on colour histograms and on HOG with Lab colours: the floor.

    All of them are shown the same: of each picture the largest face that the detector finds, and where it finds none,
    the whole centre square. No picture is dropped, so that detectors can be compared.

    With --kind artist folders are artists, or a table says who drew what: `characters.csv` in DATA, or DATA.csv beside
    it, with the columns artist, file and character. By it an artist's references and queries never show the same
    character. Whole pictures are shown, to Kaodex by their views; the encoder of faces is a third rival. Each pair of
    artists is measured besides. All of that holds in every protocol.

    With --open-set a random part of the identities is enrolled and the others ask as strangers; each draw is calibrated
    from its own references, as a gallery is, so that what is promised can be compared with what is found.

    With --protocol closed every system of the papers is fitted on 80 % of each identity's pictures, and asked about the
    others: accuracy on both parts, seconds to fit, to answer, and to add one identity, beside what was published. Some
    take many minutes: see --budget and --cache.

    \b
      kaodex bench refs/ --shots 1,5
      kaodex bench refs/ --groups clusters.csv --groups "([0-9a-f]{32})" --json figures.json
      kaodex bench refs/ --open-set --shots 5 -k 5 --report report/
      kaodex bench art/ --kind artist --open-set --shots 3 --report report/
      kaodex bench refs/ --protocol closed --systems kaodex,hand-made --budget 10 --cache figures/
      kaodex bench art/ --kind artist --protocol closed --budget 10 --markdown table.md
    """
    chosen = chosen_protocol(context, name, open_set)
    if chosen == "few-shot" and folder and kind != "artist":
        raise click.UsageError("--report needs --open-set, --kind artist, or --protocol closed with --tune")
    if kind == "artist" and context.get_parameter_source("shots") is ParameterSource.DEFAULT:
        shots = ARTIST_SHOTS  # few artists have drawn more characters
    open_set = chosen == "open-set"
    closed = None
    if chosen == "closed":
        closed = Closed(systems, tune, budget, cache, most, folder, seed, random_init, weights, kind)
    if random_init and weights:
        raise click.UsageError("--random-init and --weights exclude each other")
    if tune and not folder:
        raise click.UsageError("--tune draws curves: give --report DIR, the folder for them")
    if section and not markdown:
        raise click.UsageError("--section names a part of the FILE of --markdown: give that too")
    if file and not file.parent.is_dir():  # told now, not after the measuring
        raise click.BadParameter(f"there is no folder {file.parent}", param_hint="--json")

    from bench import Protocol, load_collection, run_bench, run_open_set
    from embedder.detectors import load_detector
    from embedder.encoder import Encoder
    from index.kind_encoders import DEFAULTS

    if folder and not closed:
        from bench.page import require_drawing

        require_drawing()  # told now, not after the measuring
    collection = load_collection(data, identity_list, groups, kind)
    written = Written(markdown, section or f"{collection.source.resolve().name}{' artists' * (kind == 'artist')}", file)
    loaded = Encoder.load(encoder or (DEFAULTS[kind] if kind == "artist" else None), device=device)
    finder = load_detector(detector if kind == "character" else "whole")
    usual = None
    if kind == "artist":
        from bench.systems.usual import artist_systems

        usual = artist_systems(loaded, Encoder.load(DEFAULTS["character"], device=device))
    if closed:
        fitted = closed.run(collection, loaded, finder, usual)
        _print(fitted)
        _finish(fitted, written)
        return
    share = (0.5 if strangers is None else strangers) if open_set else None
    protocol = Protocol(shots, ks, rules, draws, seed, queries_per_identity, share)
    compared = _compared(systems, loaded, random_init, weights, usual, kind)
    if open_set:
        with progress("measuring", len(collection.paths) + len(shots) * draws) as advance:
            with_strangers = run_open_set(
                collection, loaded, protocol, advance, advance, detector=finder, systems=compared, kind=kind
            )
        _print(with_strangers)
        if folder:
            from bench.page import write_page

            talk.print(f"the report: {escape(str(write_page(with_strangers, folder)))}")
        _draw_pairs(with_strangers, folder)
        _finish(with_strangers, written)
    else:
        with progress("describing", len(collection.paths)) as advance:
            report = run_bench(collection, loaded, protocol, advance, detector=finder, systems=compared, kind=kind)
        _print(report)
        _draw_pairs(report, folder)
        _finish(report, written)


def _draw_pairs(report: Report | OpenSetReport, folder: Path | None) -> None:
    if folder and report.pairs:
        from bench.page.pair_map import write_pair_map

        write_pair_map(report.pairs, folder / "pairs.png")
        talk.print(f"pairs of artists: {escape(str(folder / 'pairs.png'))}")


def _compared(
    systems: str | None,
    encoder: Encoder,
    random_init: bool,
    weights: Path | None,
    usual: list[System] | None,
    kind: str,
) -> list[System] | None:
    """The systems that were named, or the usual ones; None for those of characters. What lacks weights is left out."""
    if systems is None:
        return usual
    from bench.run import chosen_systems
    from bench.systems.photographs import NOT_AVAILABLE, Weights

    source = Weights(weights, random_init)
    entries = chosen_entries(systems, encoder, source, usual, kind)
    missing = [entry.name for entry in entries if entry.needs and not source.had(entry.needs)]
    if missing:
        talk.print(f"[yellow]note:[/] {NOT_AVAILABLE}, left out: {escape(', '.join(missing))}")
    return chosen_systems(encoder, [entry for entry in entries if entry.name not in missing], usual)


def _finish(report: Measured, written: Written) -> None:
    """Tell what a reader of the tables must know, write them, and exit with 1 where pictures could not be read."""
    for note in report.notes():
        talk.print(f"[yellow]note:[/] {escape(note)}")
    if written.markdown:
        from bench.markdown_page import write_section

        write_section(report, written.markdown, written.section)
    if written.json:
        written.json.write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for trouble in report.unreadable:
        talk.print(f"[yellow]unreadable:[/] {escape(trouble)}")
    if report.unreadable:
        talk.print(f"{count(len(report.unreadable), 'picture')} could not be read and took no part")
        raise SystemExit(1)


def _print(report: Measured) -> None:
    """Its tables with a line between them; nothing for one without rows."""
    for number, (columns, rows) in enumerate(report.tables()):
        if number:
            answers().print()
        if rows:
            lines = table(*columns)
            for cells in rows:
                lines.add_row(*cells)
            answers().print(lines)
