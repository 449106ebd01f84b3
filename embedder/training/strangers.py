"""`python -m embedder.training.strangers ENCODER DATA... --identities FILE`: the strangers that ship with an encoder.

They are people whom the encoder did not learn from: the dev identities of real collections, and drawn characters whose
seeds no run and no demo uses. Encodings only; no picture can be made of them again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import numpy as np
from rich.console import Console

from data.batches import batches
from data.drawn import draw_face
from data.errors import KaodexError
from data.pictures import read_picture
from embedder import Encoder
from embedder.strangers import Strangers, write_strangers
from embedder.training.identities import Identity, collect_identities, read_excluded, split_off
from embedder.training.model_card import model_card

MOST_OF_ONE = 200
FIRST_DRAWN = 3_000_000
_BATCH = 256


def real_strangers(encoder: Encoder, dev: Iterable[Identity]) -> Strangers:
    """Encodings of dev identities, evenly chosen where one has more than 200 pictures."""
    files: list[Path] = []
    whose: list[int] = []
    for number, identity in enumerate(dev):
        chosen = np.unique(np.linspace(0, len(identity.files) - 1, min(MOST_OF_ONE, len(identity.files))).astype(int))
        files += [identity.files[place] for place in chosen]
        whose += [number] * len(chosen)
    return _encoded(encoder, (encoder.fit(read_picture(file)) for file in files)), np.array(whose)


def drawn_strangers(encoder: Encoder, count: int) -> Strangers:
    """Encodings of drawn characters, one picture each, every one by another artist."""
    faces = (draw_face(FIRST_DRAWN + one, FIRST_DRAWN + one, one, encoder.input_size) for one in range(count))
    return _encoded(encoder, faces), np.arange(count)


def _encoded(encoder: Encoder, crops: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate([encoder.encode(batch).astype(np.float16) for batch in batches(crops, _BATCH)])


@click.command()
@click.argument("encoder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--identities", required=True, type=click.Path(path_type=Path), help="JSON list of dev identities.")
@click.option("--drawn", default=2000, show_default=True, help="Drawn characters.")
def main(encoder: Path, data: tuple[Path, ...], identities: Path, drawn: int) -> None:
    """Give the encoder in folder ENCODER its strangers: the dev identities of DATA, and drawn characters."""
    console = Console(stderr=True, highlight=False)
    try:
        loaded = Encoder.load(encoder, device="cpu")
        _, dev = split_off(collect_identities(data), read_excluded(identities))
        real = real_strangers(loaded, [one for found in dev.values() for one in found])
        populations = {"real": real, "drawn": drawn_strangers(loaded, drawn)}
        write_strangers(encoder, populations)
        (encoder / "README.md").write_text(model_card(Encoder.load(encoder, device="cpu").card), encoding="utf-8")
    except KaodexError as error:
        console.print(str(error))
        sys.exit(1)
    for name, (encodings, whose) in populations.items():
        console.print(f"{name}: {len(np.unique(whose))} identities, {len(encodings)} encodings")


if __name__ == "__main__":
    main()
