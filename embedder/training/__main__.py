"""`python -m embedder.training DATA... --out DIR`: train an encoder, judge it, and write its folder."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from data.errors import KaodexError
from embedder.card import read_card

GENTLE_RATE = 1e-3
"""Learning rate of a run that starts from an encoder: what it knows should be bent, not broken."""


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run; continued if begun.")
@click.option("--exclude", type=click.Path(path_type=Path), help="JSON list of dev identities: never trained on.")
@click.option("--name", default="faces-1", show_default=True, help="Name of the encoder.")
@click.option("--steps", default=3000, show_default=True, help="Batches to learn from.")
@click.option("--batch", default=128, show_default=True, help="Pictures in a batch.")
@click.option("--drawn", default=0, show_default=True, help="Drawn characters to learn from besides.")
@click.option("--drawn-share", type=float, help="Constant share of them in each batch, instead of a falling one.")
@click.option("--start", type=click.Path(path_type=Path), help="Encoder folder to start from: a shorter, gentler run.")
@click.option("--seed", default=1, show_default=True, help="Decides all that is random.")
@click.option("--threads", default=2, show_default=True, help="Processor threads.")
def main(
    data: tuple[Path, ...],
    out: Path,
    exclude: Path | None,
    name: str,
    steps: int,
    batch: int,
    drawn: int,
    drawn_share: float | None,
    start: Path | None,
    seed: int,
    threads: int,
) -> None:
    """Train an encoder on DATA, folders that hold one folder of pictures for each identity.

    The encoder appears in OUT/encoder. Stop with Ctrl-C or SIGTERM; the same command continues.
    """
    import torch
    from rich.console import Console

    from embedder.training.dev_curve import dev_curve
    from embedder.training.finish import finish
    from embedder.training.identities import collect_identities, read_excluded, split_off
    from embedder.training.recipe import Recipe
    from embedder.training.run import train
    from embedder.training.stopping import Interrupted

    console = Console(stderr=True, highlight=False)
    torch.set_num_threads(threads)
    try:
        recipe = Recipe(name=name, steps=steps, batch=batch, drawn_characters=drawn, seed=seed)
        if drawn_share is not None:
            recipe = replace(recipe, drawn_first=drawn_share, drawn_last=drawn_share)
        if start:
            recipe = replace(recipe, start=read_card(start).fingerprint, margin_ramp=0.0, learning_rate=GENTLE_RATE)
        everyone = collect_identities(data)
        identities, dev = split_off(everyone, read_excluded(exclude) if exclude else {})
        pictures = sum(len(identity.files) for identity in identities)
        console.print(f"{len(identities)} identities, {pictures} pictures; kept out: {len(everyone) - len(identities)}")
        validate = dev_curve(recipe, dev, out / "cache", console.print) if dev else None
        network = train(recipe, identities, out, say=console.print, validate=validate, start=start)
        finish(recipe, network, identities, dev, out / "encoder", say=console.print)
    except (Interrupted, KaodexError, ValueError) as error:
        console.print(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
