"""`kaodex train`: folders of identities in, an encoder of one's own out."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.markup import escape

from cli.output import count
from cli.progress import progress, talk
from cli.watch import Watch, cores

if TYPE_CHECKING:
    from embedder.training.plan import Plan

# Those of `embedder.training`, the default first; written here again because importing them would slow `--help`.
LOSSES = (
    "arcface", "subcenter-arcface", "cosface", "proxy-anchor", "multi-similarity", "triplet", "supcon", "circle",
    "normalized-softmax",
)  # fmt: skip
AUGMENTATIONS = ("drawings", "plain", "hand-drawn", "none")
BALANCES = ("root", "identities", "pictures")
PRECISIONS = ("bf16", "fp16", "fp32")


def _pairs(words: tuple[str, ...], option: str) -> dict[str, Any]:
    """KEY=JSON, several times; what is no JSON is text."""
    found: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"'{word}' is not KEY=VALUE", param_hint=option)
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


@click.command(short_help="Train an encoder of your own.")
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DATA...")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the run.")
@click.option("--name", help="Name of the encoder.  [default: the name of the folder]")
@click.option("--init", metavar="NAME|FOLDER", help="Start from an encoder: fewer and gentler steps.")
@click.option("--dev", metavar="FILE|COUNT", help="Identities to validate on: a JSON list, or how many.  [a tenth]")
@click.option(
    "--instances",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Pictures of nobody in particular: each is an identity of its own.",
)
@click.option("--drawn", type=click.IntRange(0), help="So many characters drawn by program besides.")
@click.option(
    "--weight",
    multiple=True,
    metavar="COLLECTION=W",
    help="How much oftener a collection comes; `drawn=0.1`: a tenth of all real ones.",
)
@click.option("--recolour", type=click.IntRange(0), help="Each identity N times more in other colours.")
@click.option(
    "--balance",
    type=click.Choice(BALANCES),
    help="Identities by the root of their pictures, all alike, or by their pictures.  [root]",
)
@click.option("--per-identity", type=click.IntRange(1), help="Pictures of one identity in a batch.")
@click.option("--augmentation", type=click.Choice(AUGMENTATIONS), help="How pictures are varied.  [drawings]")
@click.option("--no-mirror", is_flag=True, help="Never mirror a picture.")
@click.option("--backbone", metavar="NAME", help="Any network of timm.  [a ResNet of 14 convolutions]")
@click.option("--backbone-argument", multiple=True, metavar="KEY=JSON", help="What timm builds it with.")
@click.option("--stem", type=click.Choice(["timm", "small"]), help="small: 3x3 and no pooling, for ResNets.")
@click.option("--pretrained", is_flag=True, help="Start the backbone from timm's weights.")
@click.option("--pooling", type=click.Choice(["average", "gem"]), help="[average]")
@click.option("--dimension", type=click.IntRange(1), help="Numbers of an encoding.  [256]")
@click.option(
    "--discriminant",
    type=click.IntRange(1),
    metavar="D",
    help="At the end, fit a last layer of D numbers to all stages and colours.",
)
@click.option("--input-size", type=click.IntRange(16), help="Pixels of a side.  [96]")
@click.option("--small-size", type=click.IntRange(16), help="Pixels of a side at first, to save time.")
@click.option("--small-share", type=click.FloatRange(0, 1, max_open=True), help="Share of the run that is `at first`.")
@click.option("--loss", type=click.Choice(LOSSES), help="[arcface]")
@click.option("--margin", type=float, help="In radians for the losses with angles.  [the loss's own]")
@click.option("--scale", type=float, help="[the loss's own]")
@click.option("--miner", help="Which pairs a loss on pairs looks at.")
@click.option("--teacher", metavar="NAME|FOLDER", help="An encoder whose similarities to imitate besides.")
@click.option("--teacher-weight", type=float, help="[1]")
@click.option("--steps", type=click.IntRange(1), help="Batches to learn from.  [3000; 600 with --init]")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Time to learn in, instead or at most.")
@click.option("--batch", type=click.IntRange(2), help="Pictures in a batch.  [128]")
@click.option("--accumulate", type=click.IntRange(1), help="Parts to learn a batch in, to save memory.  [1]")
@click.option("--learning-rate", type=float, help="[0.003; 0.0005 with --init]")
@click.option("--weight-decay", type=float, help="[0.05]")
@click.option("--label-smoothing", type=float, help="[0.05]")
@click.option("--precision", type=click.Choice(PRECISIONS), help="[bf16]")
@click.option("--seed", type=int, help="Decides all that is random.  [1]")
@click.option("--validate-every", type=click.IntRange(1), help="Steps between validations.  [ten times a run]")
@click.option("--threads", type=click.IntRange(1), help="Processor threads.  [all]")
@click.option("--workers", default=0, type=click.IntRange(0), help="Processes that prepare pictures.  [0: a thread]")
@click.option("--device", default="auto", metavar="auto|cpu|cuda:N", help="[auto: a GPU where there is one]")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where decoded pictures are kept; runs on the same data may share it.  [OUT/cache]",
)
@click.option("--licence", default="unspecified", help="Of the weights, for the card.  [unspecified]")
@click.option("--provenance", help="Where the pictures come from, in plain words, for the card.")
def train(
    data: tuple[Path, ...],
    out: Path,
    init: str | None,
    dev: str | None,
    instances: tuple[Path, ...],
    weight: tuple[str, ...],
    backbone_argument: tuple[str, ...],
    no_mirror: bool,
    teacher: str | None,
    threads: int | None,
    workers: int,
    device: str,
    cache: Path | None,
    licence: str,
    provenance: str | None,
    **settings: Any,
) -> None:
    """Train an encoder on DATA, folders that hold one folder of pictures for each identity.

    The encoder appears in OUT/encoder, with its card and curves. It is judged on identities that it never learns from.
    Stop with Ctrl-C or SIGTERM; the same command continues where it stopped.

    \b
      kaodex train pictures/ --out run --init faces-2    bend a shipped encoder to pictures of yours, in minutes
      kaodex train a/ b/ --out run --minutes 60          from nothing, two collections, one hour
      kaodex enroll refs/ --encoder run/encoder          use it
    """  # fmt: skip
    try:
        import torch

        from embedder.training.plan import make_plan
        from embedder.training.processes import is_main
    except ImportError as error:
        from data.errors import MissingDependency

        raise MissingDependency(f"training needs {error.name}: pip install 'kaodex[train]'") from error

    torch.set_num_threads(threads or cores())
    # 0 counts as asked for, although it equals False
    asked = {name: value for name, value in settings.items() if value is not None and value is not False}
    asked.setdefault("name", out.resolve().name)
    if no_mirror:
        asked["mirror"] = False
    if "backbone" in asked:
        asked |= {"arguments": {}, "stem": asked.get("stem", "timm")}
    if backbone_argument:
        asked["arguments"] = _pairs(backbone_argument, "--backbone-argument")
    try:
        asked["weights"] = {key: float(value) for key, value in _pairs(weight, "--weight").items()}
        plan = make_plan(data, asked, instances=instances, dev=dev, init=init, teacher=teacher)
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    story = {"licence": licence, "commands": [shlex.join(["kaodex", *sys.argv[1:]])]}
    if provenance:
        story["provenance"] = provenance
    _run(plan, out, device, workers, cache, story, quiet=not is_main())


def _run(
    plan: Plan, out: Path, device: str, workers: int, cache: Path | None, story: dict[str, Any], *, quiet: bool
) -> None:
    from embedder.training.dev_curve import dev_curve
    from embedder.training.finish import finish
    from embedder.training.head import with_discriminant
    from embedder.training.material import collect_material
    from embedder.training.run import train as learn
    from embedder.training.stopping import Interrupted

    def say(text: str) -> None:
        if not quiet:
            talk.print(escape(text))

    recipe = plan.recipe
    pictures = sum(len(one.files) for one in plan.identities)
    say(
        f"{count(len(plan.identities), 'identity', 'identities')}, {count(pictures, 'picture')}; "
        f"{plan.kept_out:,} kept out, to validate on"
        + (f"; {count(len(plan.instances), 'single picture')}" if plan.instances else "")
        + (f"; {count(recipe.drawn, 'drawn character')}" if recipe.drawn else "")
    )
    try:
        validate = None
        if plan.dev and not quiet:  # only the main process validates; two would write the same cache
            validate = dev_curve(recipe, plan.dev, cache or out / "cache", say)
        total = recipe.steps * recipe.batch if recipe.steps and not recipe.minutes else None
        with progress("learning", total, "images") as advance:
            learnt = learn(
                recipe,
                plan.identities,
                out,
                instances=plan.instances,
                validate=validate,
                start=plan.start,
                teacher=plan.teacher,
                device=device,
                workers=workers,
                cache=cache,
                say=say,
                watch=Watch(advance),
            )
    except Interrupted as interrupted:
        say(str(interrupted))
        raise SystemExit(130) from interrupted
    if learnt.main:
        if recipe.discriminant:
            say("fitting the discriminant")
            material = collect_material(recipe, plan.identities, plan.instances, cache or out / "cache", say)
            learnt = replace(learnt, network=with_discriminant(learnt.network, material, recipe))
        folder = finish(recipe, learnt, [*plan.identities, *plan.instances], plan.dev, out, story=story, say=say)
        say(f"wrote {folder}: use it with --encoder {folder}")
