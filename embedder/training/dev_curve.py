"""The curve of a run: rank-1 on dev identities while the network learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from embedder.network import Network
from embedder.preprocess import normalise
from embedder.training.identities import Identity
from embedder.training.pictures import cached, decode_square, on_white
from embedder.training.recipe import Recipe
from embedder.training.validation import as_numbers, rank1, source_groups

SHOTS = {"holoen": 5, "sekai": 5}
MOST_PICTURES = 80
"""Of one identity: enough for a curve, and quick."""


def dev_curve(
    recipe: Recipe, dev: Mapping[str, Sequence[Identity]], cache: Path, say: Callable[[str], None]
) -> Callable[[Network, int], dict[str, float]]:
    """A function that gives the rank-1 of a network for each collection of dev identities."""
    sets = {}
    for collection, everyone in dev.items():
        some = [Identity(one.collection, one.name, one.files[:MOST_PICTURES]) for one in everyone]
        files = [path for one in some for path in one.files]
        side = recipe.input_size
        squares = cached(
            cache,
            f"dev-{collection}",
            [str(path) for path in files],
            (side, side, 3),
            lambda place, files=files, side=side: on_white(decode_square(files[place], side)[None])[0],  # type: ignore[misc]
        )
        labels = as_numbers([one.name for one in some for _ in one.files])
        sets[collection] = squares, labels, source_groups(some, list(squares))

    def validate(network: Network, step: int) -> dict[str, float]:
        figures = {}
        for collection, (squares, labels, groups) in sets.items():
            encodings = encode_squares(network, squares, recipe)
            shots = SHOTS.get(collection, 2 if collection in ("kancolle", "arknights") else 1)
            figures[collection] = round(float(rank1(encodings, labels, groups, references=shots).mean()), 4)
        say(
            f"step {step}: rank-1 on dev identities "
            + "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
        )
        return figures

    return validate


def encode_squares(network: Network, squares: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Encodings of squares of the input size, with mirrored views averaged."""
    network.eval()
    found = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(squares), 128):
            batch = torch.from_numpy(normalise(np.array(squares[start : start + 128]), recipe.mean, recipe.std))
            batch = batch.contiguous(memory_format=torch.channels_last)
            found.append((network(batch) + network(batch.flip(3))).float().numpy())
    encodings = np.concatenate(found)
    return np.asarray(encodings / np.linalg.norm(encodings, axis=1, keepdims=True), np.float32)
