"""`kaodex train-detector`: pictures with face boxes in, a face detector of one's own out."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from cli.output import count
from cli.progress import progress, talk
from cli.watch import Watch, cores


@click.command("train-detector", short_help="Train a face detector of your own.")
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--boxes",
    "box_files",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Box file: where the faces are, by paths within DATA.",
)
@click.option(
    "--dev-boxes",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Box file of pictures that are kept out, to validate on.",
)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the run.")
@click.option("--name", help="Name of the detector.  [default: the name of the folder]")
@click.option("--init", metavar="NAME|FOLDER", help="Start from a detector: fewer and gentler steps.")
@click.option("--drawn", type=click.IntRange(0), help="So many pictures drawn by program besides.  [1500]")
@click.option("--steps", type=click.IntRange(1), help="Batches to learn from.  [4000; 1000 with --init]")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Time to learn in, instead or at most.")
@click.option("--scene", type=int, help="Pixels of a side of the composed scenes.  [192]")
@click.option("--batch", type=click.IntRange(2), help="Scenes in a batch.  [64]")
@click.option("--learning-rate", type=float, help="[0.002; 0.0005 with --init]")
@click.option("--seed", type=int, help="Decides all that is random.  [1]")
@click.option("--validate-every", type=click.IntRange(1), help="Steps between validations.  [ten times a run]")
@click.option("--threads", type=click.IntRange(1), help="Processor threads.  [all]")
@click.option("--device", default="auto", metavar="auto|cpu|cuda:N", help="[auto: a GPU where there is one]")
@click.option("--licence", default="unspecified", help="Of the weights, for the card.  [unspecified]")
@click.option("--provenance", help="Where the pictures come from, in plain words, for the card.")
def train_detector(
    data: Path,
    box_files: tuple[Path, ...],
    dev_boxes: tuple[Path, ...],
    out: Path,
    init: str | None,
    threads: int | None,
    device: str,
    licence: str,
    provenance: str | None,
    **settings: Any,
) -> None:
    """Train a face detector on the pictures of DATA that the box files name.

    Scenes are composed of them while it learns: faces cut out, turned, covered, and laid before pictures that are known
    to show none (their boxes are an empty list). Stop with Ctrl-C or SIGTERM; the same command continues where it
    stopped. The detector appears in OUT/detector.

    \b
      kaodex train-detector pictures/ --boxes boxes.json --out run --minutes 60
      kaodex query --detector run/detector picture.png

    A box file is {"a/b.png": {"boxes": [[x0, y0, x1, y1]]}}; `python -m embedder.detector_training.label` makes one
    with any detector.
    """
    try:
        import torch

        from embedder.detector_training.plan import make_detector_plan
    except ImportError as error:
        from data.errors import MissingDependency

        raise MissingDependency(f"training needs {error.name}: pip install 'kaodex[train]'") from error

    torch.set_num_threads(threads or cores())
    asked = {name: value for name, value in settings.items() if value is not None}
    asked.setdefault("name", out.resolve().name)
    try:
        plan = make_detector_plan(data, box_files, dev_boxes, asked, init=init)
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    story = {"licence": licence, "commands": [shlex.join(["kaodex", *sys.argv[1:]])]}
    if provenance:
        story["provenance"] = provenance
    _run(plan, out, device, story)


def _run(plan: Any, out: Path, device: str, story: dict[str, Any]) -> None:
    from embedder.detector_training.finish import finish_detector
    from embedder.detector_training.run import DetectorRun
    from embedder.training.stopping import Interrupted

    def say(text: str) -> None:
        talk.print(escape(text))

    recipe = plan.recipe
    say(
        f"{count(len(plan.boxed), 'picture')} with {count(plan.faces, 'face')}, {recipe.drawn:,} drawn; "
        f"{count(len(plan.kept_out), 'picture')} kept out, to validate on"
    )
    cast = plan.cast(say)
    validation = plan.validation(say)
    total = recipe.steps * recipe.batch if recipe.steps and not recipe.minutes else None
    try:
        with progress("learning", total, "scenes") as advance:
            run = DetectorRun(recipe, plan.digest, out, device=device, start=plan.start, watch=Watch(advance))
            network = run.learn(cast, validation)
    except Interrupted as interrupted:
        say(f"stopped at step {run.step:,}: the same command goes on from there")
        raise SystemExit(130) from interrupted
    step = run.best_step or run.step
    folder, threshold = finish_detector(network, recipe, plan.boxed, validation, out, step=step, story=story)
    if validation and threshold == 1:
        say("warning: on the pictures kept out it finds next to nothing, so it will report no face; train it longer")
    say(f"wrote {folder}: use it with --detector {folder}")
