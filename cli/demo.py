"""`kaodex demo`: the whole job, seen in seconds."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from cli.options import device_option
from cli.output import answers, count, table
from cli.progress import progress, talk


@click.command(short_help="See the whole job done on drawn characters.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("kaodex-demo"),
    show_default=True,
    help="The folder for its pictures.",
)
@device_option
def demo(out: Path, device: str) -> None:
    """Draw twelve characters, enrol ten of them, and ask about new pictures of all twelve.

    The characters are drawn by program, by other artists in the questions than in the references. The two that are
    not enrolled should be unknown.
    """
    from bench.demo import ENROLLED, GENEROUS_FPIR, STRANGERS, run_demo, tally, total_pictures
    from embedder import Encoder
    from index.gallery import DEFAULT_FPIR

    encoder = Encoder.load(device=device)
    with progress("drawing and asking", total_pictures()) as advance:
        done = run_demo(out, encoder, advance)
    console = answers()
    console.print(
        f"Enrolled {count(len(ENROLLED), 'character')} with {count(done.references, 'reference')}; "
        f"{count(len(STRANGERS), 'more character')} stay strangers. Asked about {count(len(done.asked), 'face')} in "
        f"{count(len(done.annotated), 'scene')} by other artists"
        + (f"; {count(done.missed, 'face')} more went unfound." if done.missed else ".")
    )
    lines = table("scene", "who it is", "answer", ">score", "")
    colours = {"right": "green", "wrong": "red", "unknown": "yellow", "ambiguous": "yellow"}
    for asked in done.asked:
        verdict = asked.verdict
        lines.add_row(
            asked.scene.name,
            asked.truth,
            escape(asked.answer.identity or str(asked.answer.status)),
            "" if asked.answer.score is None else f"{asked.answer.score:.2f}",
            f"[{colours[verdict]}]{verdict}[/]",
        )
    console.print(lines)
    for rate, faces in ((DEFAULT_FPIR, done.asked), (GENEROUS_FPIR, done.generous)):
        told = ", ".join(f"{number} {verdict}" for verdict, number in tally(faces).items())
        console.print(f"{'' if rate == GENEROUS_FPIR else chr(10)}Promised {100 * rate:g} % of strangers named: {told}")
    console.print(f"Look at {escape(str(done.sheet))} and {escape(str(done.annotated[0].parent))}/")
    talk.print(
        "\nNow with your own pictures, one folder per character:\n  kaodex enroll FOLDER\n  kaodex query PICTURE"
    )
