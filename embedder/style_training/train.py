"""`python -m embedder.style_training.train DATA --out DIR`: a style encoder, from nothing to its folder.

DATA is a folder with `art/arknights`, `faces/kancolle` and `faces/holoen`, their tables, and `dev_identities.json`.
The backbone learns by gradient, the last layer is fitted in closed form. Typed again, an interrupted run goes on.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from rich.console import Console

from data.errors import KaodexError
from data.pictures import read_picture
from embedder.export import export_encoder
from embedder.network import Network
from embedder.style_training.batches import Walls
from embedder.style_training.discriminant import Hand
from embedder.style_training.head import MEAN, STD, fit_head, style_features, style_network
from embedder.style_training.material import draw_studios, fan_squares, numbered, studio_squares, view_squares
from embedder.style_training.paintings import (
    FAN_ART,
    HALF_BODIES,
    PORTRAITS,
    Painting,
    every_other_artist,
    fan_art,
    half_bodies,
    portraits,
    read_kept_out,
    to_learn_from,
)
from embedder.style_training.run import StyleRecipe, train_style
from embedder.style_training.style_card import style_card, style_story
from embedder.training.stopping import Interrupted

FITTED_STUDIOS, FITTED_FAN_ART = 40, 1500
"""Of the studios and of the fan art, so many are looked at when the last layer is fitted."""
WEIGHTS = {HALF_BODIES: 1.0, PORTRAITS: 1.0, FAN_ART: 0.5}
STUDIOS_WEIGH = 0.5
SHRINKAGE, ACROSS_CHARACTERS, COLOURS_WEIGH = 0.03, 1.0, 1.0
"""Of the discriminant; chosen by leaving artists out (docs/training-log.md)."""
INPUT_SIZE, DIMENSION = 96, 96


def fitted_network(
    backbone: Network,
    paintings: Sequence[Painting],
    studios: np.ndarray,
    dimension: int,
    say: Any = lambda text: None,
) -> Network:
    """The backbone under a style column that is fitted to all views of the paintings, to studios and to fan art.

    Without studios (an array of none) nothing speaks against going by the character.
    """
    labelled = [one for one in paintings if one.collection != FAN_ART]
    squares, places = view_squares(labelled, INPUT_SIZE, say)
    network = style_network(backbone, dimension, squares)
    features = style_features(network, squares)
    artists = numbered(f"{one.collection} {one.artist}" for one in labelled)[places]
    subjects = numbered(f"{one.collection} {one.subject}" for one in labelled)[places]
    collections = np.array([one.collection for one in labelled])[places]
    kinds = [
        Hand(features[own], artists[own], subjects[own], WEIGHTS[name])
        for name in (HALF_BODIES, PORTRAITS)
        if (own := collections == name).any()
    ]
    some = [one for one in paintings if one.collection == FAN_ART]
    some = [some[place] for place in np.random.default_rng(0).permutation(len(some))[:FITTED_FAN_ART]]
    if some:
        squares, places = fan_squares(some, INPUT_SIZE)
        whose = numbered(one.artist for one in some)[places]
        kinds.append(Hand(style_features(network, squares), whose, whose, WEIGHTS[FAN_ART]))
    if len(studios):
        squares, artists, subjects = studio_squares(studios, INPUT_SIZE)
        kinds.append(Hand(style_features(network, squares), artists, subjects, STUDIOS_WEIGH))
    fit_head(network, kinds, shrinkage=SHRINKAGE, across_characters=ACROSS_CHARACTERS, colours_weigh=COLOURS_WEIGH)
    return network


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the run.")
@click.option("--name", default="art-1", show_default=True)
@click.option("--steps", default=620, show_default=True, type=click.IntRange(1), help="Batches to learn from.")
@click.option("--size", default=64, show_default=True, type=click.IntRange(32), help="Pixels of a side in learning.")
@click.option("--studios", default=150, show_default=True, type=click.IntRange(2), help="Drawn studios.")
@click.option(
    "--dimension", default=DIMENSION, show_default=True, type=click.IntRange(1), help="Numbers of an encoding."
)
@click.option("--learning-rate", default=2e-3, show_default=True, type=float)
@click.option("--start", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Weights to go on from.")
@click.option(
    "--hold-back", is_flag=True, help="Let the network learn from every other artist alone; the last layer sees all."
)
@click.option("--blind", is_flag=True, help="Fit the last layer without drawn artists, to see what they are worth.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1))
def main(
    data: Path,
    out: Path,
    name: str,
    steps: int,
    size: int,
    studios: int,
    dimension: int,
    learning_rate: float,
    start: Path | None,
    hold_back: bool,
    blind: bool,
    threads: int,
) -> None:
    """Train a style encoder on DATA; it appears in OUT/NAME."""
    console = Console(stderr=True, highlight=False)
    commands = [shlex.join(["python", "-m", "embedder.style_training.train", *sys.argv[1:]])]
    torch.set_num_threads(threads)
    try:
        everything = [*fan_art(data), *half_bodies(data), *portraits(data)]
        paintings = to_learn_from(everything, read_kept_out(data))
        shown = every_other_artist(paintings) if hold_back else paintings
        drawn = draw_studios(out / "studios", studios, say=console.print)
        walls = Walls(shown, [read_picture(one.file) for one in shown], drawn)
        recipe = StyleRecipe(
            steps=steps, size=size, learning_rate=learning_rate, of=f"{len(shown)} paintings, {studios} studios"
        )
        backbone = train_style(recipe, walls, out, console.print, start=start)
        fitted = drawn[: 0 if blind else FITTED_STUDIOS]
        network = fitted_network(backbone, paintings, fitted, dimension, console.print)
        export_encoder(
            network,
            out / name,
            name=name,
            input_size=INPUT_SIZE,
            mean=MEAN,
            std=STD,
            flip_average=False,
            unknown_below=0.5,
            story=style_story(recipe, paintings, studios, len(fitted), commands),
        )
        (out / name / "README.md").write_text(style_card(out / name), encoding="utf-8")
    except Interrupted as interrupted:
        console.print(str(interrupted))
        sys.exit(130)
    except KaodexError as error:
        console.print(str(error))
        sys.exit(1)
    console.print(f"wrote {out / name}")


if __name__ == "__main__":
    main()
