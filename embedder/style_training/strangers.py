"""`python -m embedder.style_training.strangers ENCODER DATA`: the strangers that ship with an encoder of artists.

They are artists whom it did not learn from: the listed ones, whoever drew the fan art of listed characters (each
picture stands for an artist of its own), and drawn artists whose seeds no training and no test uses. Encodings of whole
pictures, as means of their views; no picture can be made of them again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import numpy as np
from jaxtyping import Float16, UInt8
from rich.console import Console

from data.batches import batches
from data.drawn import draw_face, draw_scene
from data.errors import KaodexError, UnreadablePicture
from data.pictures import read_picture
from embedder import Encoder
from embedder.picture_style import encode_views, mean_direction, see_views
from embedder.strangers import Strangers, write_strangers
from embedder.style_training.paintings import (
    FAN_ART,
    Painting,
    fan_art,
    half_bodies,
    portraits,
    read_kept_out,
    to_judge_by,
)
from embedder.style_training.style_card import style_card

FIRST_DRAWN = 7_000_000
MOST_FAN_ART = 1500
_BATCH = 32

Picture = UInt8[np.ndarray, "height width 3"]


def strangers_to_be(paintings: Sequence[Painting], data: Path) -> list[Painting]:
    """All pictures by listed artists, and of the fan art with a listed character one crop each of some pictures."""
    kept_out = read_kept_out(data)
    listed = to_judge_by(paintings, kept_out)
    fans = {one.artist: one for one in paintings if one.collection == FAN_ART and kept_out.holds(one)}
    by_name = [fans[artist] for artist in sorted(fans)]
    chosen = np.unique(np.linspace(0, len(by_name) - 1, min(MOST_FAN_ART, len(by_name))).astype(int))
    return [*listed, *(by_name[place] for place in chosen.tolist())]


def real_strangers(encoder: Encoder, paintings: Sequence[Painting]) -> Strangers:
    """The paintings' encodings; those that show no drawing are left out."""
    numbers = {
        artist: number for number, artist in enumerate(dict.fromkeys((o.collection, o.artist) for o in paintings))
    }
    encodings, kept = _encoded(encoder, (read_picture(one.file) for one in paintings))
    return encodings, np.array([numbers[paintings[at].collection, paintings[at].artist] for at in kept], np.int64)


def drawn_strangers(encoder: Encoder, count: int) -> Strangers:
    """One picture by each of so many drawn artists: a face, or a scene of three, by turns."""

    def drawn() -> Iterator[Picture]:
        for seed in range(FIRST_DRAWN, FIRST_DRAWN + count):
            if seed % 2:
                yield draw_scene([3 * seed, 3 * seed + 1, 3 * seed + 2], seed, seed, (720, 480)).picture
            else:
                yield draw_face(3 * seed, seed, seed, 256)

    encodings, kept = _encoded(encoder, drawn())
    return encodings, np.array(kept, np.int64)


def _encoded(encoder: Encoder, pictures: Iterable[Picture]) -> tuple[Float16[np.ndarray, "kept dim"], list[int]]:
    """The pictures' encodings, and which were kept."""
    parts: list[np.ndarray] = [np.zeros((0, encoder.dimension), np.float16)]
    kept: list[int] = []
    for batch in batches(enumerate(pictures), _BATCH):
        crops = []
        for place, picture in batch:
            try:
                crops.append(see_views(picture, encoder).crops)
            except UnreadablePicture:
                continue
            kept.append(place)
        parts += [mean_direction(of_views).astype(np.float16)[None] for of_views in encode_views(crops, encoder)]
    return np.concatenate(parts), kept


@click.command()
@click.argument("encoder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--drawn", default=1000, show_default=True, help="Drawn artists.")
def main(encoder: Path, data: Path, drawn: int) -> None:
    """Give the encoder in folder ENCODER its strangers: artists of DATA whom it did not learn from, and drawn ones."""
    console = Console(stderr=True, highlight=False)
    try:
        loaded = Encoder.load(encoder, device="cpu")
        paintings = strangers_to_be([*half_bodies(data), *portraits(data), *fan_art(data)], data)
        populations = {"real": real_strangers(loaded, paintings), "drawn": drawn_strangers(loaded, drawn)}
        write_strangers(encoder, populations)
        (encoder / "README.md").write_text(style_card(encoder), encoding="utf-8")
    except KaodexError as error:
        console.print(str(error))
        sys.exit(1)
    for name, (encodings, whose) in populations.items():
        console.print(f"{name}: {len(np.unique(whose))} artists, {len(encodings)} encodings")


if __name__ == "__main__":
    main()
