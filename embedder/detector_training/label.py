"""Labels for a face detector's training: boxes that a detector gives again and again, into a box file.

`python -m embedder.detector_training.label ROOT LIST --detector SPEC --out boxes.json`
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
import numpy as np

from data.errors import KaodexError, UnusableSource
from data.pictures import read_picture
from data.prefetch import prefetch
from embedder.detector_training.agreement import BoxShape, agreed_boxes
from embedder.detector_training.box_files import BoxedPicture, Boxes, read_boxes, write_boxes
from embedder.detector_training.sheets import write_sheets
from embedder.detectors import load_detector
from embedder.detectors.card import SHIPPED_DETECTOR

NONE = np.zeros((0, 4), np.float32)
WRITE_EVERY = 200


@click.command(help=__doc__)
@click.argument("root", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("listed", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="LIST")
@click.option(
    "--detector", default=SHIPPED_DETECTOR, show_default=True, help="What finds the faces: see `kaodex query`."
)
@click.option("--shape", default="0,0,1,1", help="RIGHT,DOWN,WIDTH,HEIGHT of a face of ours in sides of its boxes.")
@click.option("--share", default=0.5, show_default=True, help="Of the views that must agree.")
@click.option("--one", is_flag=True, help="Each picture is known to show one face: the box most agreed on.")
@click.option("--faceless", is_flag=True, help="The pictures are known to show no face; nothing is searched.")
@click.option("--sheets", type=click.Path(file_okay=False, path_type=Path), help="Contact sheets of all labels.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The box file.")
def main(
    root: Path,
    listed: Path,
    detector: str,
    shape: str,
    share: float,
    one: bool,
    faceless: bool,
    sheets: Path | None,
    out: Path,
) -> None:
    """Label the pictures that LIST names, one path relative to ROOT a line, and add them to the box file.

    A picture in which no box, or not every box, is agreed on is left out: it would teach that a face is none. Pictures
    that the box file holds already are not labelled again.
    """
    known = read_boxes(out) if out.exists() else {}
    names = [name for name in listed.read_text(encoding="utf-8").splitlines() if name and name not in known]
    if faceless:
        known |= dict.fromkeys(names, BoxedPicture(NONE, NONE))
        write_boxes(out, known)
        click.echo(f"{len(names):,} pictures without a face")
        return
    finder, ours = load_detector(detector), BoxShape.parse(shape)
    fates: Counter[str] = Counter()

    def label(name: str) -> tuple[Boxes, bool]:
        return agreed_boxes(read_picture(root / name), finder, share)

    for number, (name, found) in enumerate(prefetch(label, names, ahead=8), 1):
        if isinstance(found, KaodexError):
            fates["unreadable"] += 1
            continue
        boxes, doubtful = found
        if len(boxes) and (one or not doubtful):
            boxes = ours.of(boxes[:1] if one else boxes)
            known[name] = BoxedPicture(boxes, NONE)
        fates["labelled" if name in known else "doubtful" if doubtful else "no face"] += 1
        if known and number % WRITE_EVERY == 0:
            write_boxes(out, known)
            click.echo(f"{number:,} of {len(names):,}: {dict(fates)}", err=True)
    if not known:
        raise UnusableSource("no picture could be labelled")
    write_boxes(out, known)
    click.echo(f"{len(names):,} pictures: {dict(fates)}")
    if sheets:
        click.echo(f"{len(write_sheets(root, known, sheets)):,} contact sheets in {sheets}: look at them")


if __name__ == "__main__":
    main()
