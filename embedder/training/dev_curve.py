"""Validation while the network learns: figures on the dev identities of each collection, and their mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from data.errors import KaodexError
from embedder.network import Network
from embedder.preprocess import normalise
from embedder.training.identities import Identity
from embedder.training.pictures import cached, decode_square, file_key, on_white
from embedder.training.recipe import Recipe
from embedder.training.validation import as_numbers, open_and_closed, shots_for, source_groups

MOST_PICTURES = 80
"""Of one identity: enough for a curve, and quick."""
SCORE = "dev/mean"
"""The figure that decides which step is best: the mean over collections of all four figures."""
_BATCH = 128


def dev_curve(
    recipe: Recipe, dev: Mapping[str, Sequence[Identity]], cache: Path, say: Callable[[str], None]
) -> Callable[[Network, int], dict[str, float]] | None:
    """A function that gives a network's figures, such as `dev/holoen/rank1`; None where too few can be compared."""
    sets = dev_sets(recipe, dev, cache, say)
    if not sets:
        return None

    def validate(network: Network, step: int) -> dict[str, float]:
        told: dict[str, dict[str, float]] = {}
        figures: dict[str, float] = {}
        for collection, (squares, labels, groups, shots) in sets.items():
            told[collection] = open_and_closed(encode_squares(network, squares, recipe), labels, groups, shots=shots)
            figures |= {f"dev/{collection}/{name}": round(value, 4) for name, value in told[collection].items()}
        names = next(iter(told.values()))
        mean = {name: float(np.mean([one[name] for one in told.values()])) for name in names}
        figures |= {f"dev/mean/{name}": round(value, 4) for name, value in mean.items()}
        figures[SCORE] = round(float(np.mean(list(mean.values()))), 4)
        say(
            f"step {step:,}: dev rank-1 {mean['rank1']:.3f}, mAP@R {mean['map_at_r']:.3f}, TPIR {mean['tpir_10']:.3f} "
            f"at FPIR 10 %, {mean['tpir_1']:.3f} at 1 %  ("
            + ", ".join(f"{name} {one['rank1']:.3f}" for name, one in told.items())
            + ")"
        )
        return figures

    return validate


def dev_sets(
    recipe: Recipe, dev: Mapping[str, Sequence[Identity]], cache: Path, say: Callable[[str], None]
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
    """For each collection that can be judged on: squares, labels, groups, and how many references to take."""
    sets = {}
    for collection, everyone in dev.items():
        squares, labels, groups = _decoded(recipe, everyone, cache)
        shots = shots_for(labels, groups)
        if shots is None:
            say(f"{collection}: its dev identities have too few pictures of different sources to be judged on")
        else:
            sets[collection] = squares, labels, groups, shots
    return sets


def _decoded(recipe: Recipe, everyone: Sequence[Identity], cache: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Squares on white, labels and groups of one collection's dev identities, without what cannot be decoded."""
    some = [Identity(one.collection, one.name, one.files[:MOST_PICTURES]) for one in everyone]
    files = [path for one in some for path in one.files]
    side = recipe.input_size

    def make(place: int) -> np.ndarray:
        try:
            return on_white(decode_square(files[place], side)[None])[0]
        except KaodexError:
            return np.zeros((side, side, 3), np.uint8)

    squares = cached(cache, "dev", map(file_key, files), (side, side, 3), make)
    labels = as_numbers([one.name for one in some for _ in one.files])
    groups = source_groups(some, list(squares))
    usable = np.array([bool(square.any()) for square in squares])
    return np.array(squares[usable]), labels[usable], groups[usable]


def encode_squares(network: Network, squares: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Encodings of squares of the input size, with mirrored views averaged where the recipe mirrors at all."""
    network.eval()
    device = next(network.parameters()).device
    found = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        for start in range(0, len(squares), _BATCH):
            batch = torch.from_numpy(normalise(squares[start : start + _BATCH], recipe.mean, recipe.std))
            batch = batch.to(device, memory_format=torch.channels_last)
            views = network(batch) + network(batch.flip(3)) if recipe.mirror else network(batch)
            found.append(views.float().cpu().numpy())
    encodings = np.concatenate(found)
    return np.asarray(encodings / np.linalg.norm(encodings, axis=1, keepdims=True), np.float32)
