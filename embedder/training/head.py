"""The end of a run, if wanted: the layer that learnt along gives way to a discriminant over all that is seen."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64, UInt8

from data.errors import UnusableSource
from embedder.network import Network
from embedder.preprocess import normalise, resize_square
from embedder.training.discriminant import fit_discriminant
from embedder.training.material import Material
from embedder.training.pictures import on_white
from embedder.training.recipe import Recipe

STAGES = 3
COLOURS = 128
COLOURS_WEIGH = 1.5
"""How much more the colour layout weighs than a stage: what helps with collections never seen, and costs the others
nothing (docs/training-log.md)."""
MOST_OF_ONE = 40
"""Pictures of one identity that are looked at."""
MOST_FEATURES = 8192
_BATCH = 128
_PIXELS = 40_000


def with_discriminant(network: Network, material: Material, recipe: Recipe) -> Network:
    """The same backbone under a hypercolumn, whose linear layer is fitted to the real pictures as they are.

    Nothing is augmented but by mirroring. Raises UnusableSource where there are too few identities, or the backbone is
    so wide that fitting would take hours.
    """
    places, labels = _chosen(material, recipe.seed)
    fitted = Network(
        recipe.backbone,
        recipe.arguments,
        dimension=recipe.discriminant,
        pooling=recipe.pooling,
        stem=recipe.stem,
        head={"stages": STAGES, "colours": COLOURS},
    )
    fitted.backbone.load_state_dict(network.backbone.state_dict())
    fitted.to(next(network.parameters()).device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    head = fitted.hypercolumn
    assert head is not None
    if head.linear.in_features > MOST_FEATURES:
        raise UnusableSource(
            f"'{recipe.backbone}' has {head.linear.in_features:,} features, and a discriminant is fitted to at most "
            f"{MOST_FEATURES:,}; do without --discriminant"
        )
    squares = (on_white(material.squares[some]) for some in np.array_split(places, max(1, len(places) // _BATCH)))
    pictures = [_fitting(batch, recipe) for batch in squares]
    head.colours.set_colours(torch.zeros(COLOURS, 3), recipe.mean, recipe.std)
    counted = _colours(fitted, pictures, recipe)
    head.colours.set_colours(torch.from_numpy(counted), recipe.mean, recipe.std)
    features = np.concatenate([_features(fitted, batch) for batch in _normalised(pictures, recipe)])
    spread = _spread(features, fitted.blocks())
    try:
        mean, projection = fit_discriminant(features / spread, labels, recipe.discriminant)
    except ValueError as error:
        raise UnusableSource(str(error)) from error
    _set_linear(head.linear, mean * spread, projection / spread[:, None])
    return fitted


def _chosen(material: Material, seed: int) -> tuple[Int64[np.ndarray, " chosen"], Int64[np.ndarray, " chosen"]]:
    """Places of at most 40 pictures of each real identity, and whose they are."""
    order = np.random.default_rng([seed, 40]).permutation(material.stored)
    labels = material.labels[: material.stored][order]
    seen: dict[int, int] = {}
    kept = []
    for position, label in zip(order.tolist(), labels.tolist(), strict=True):
        if label < material.real and seen.get(label, 0) < MOST_OF_ONE:
            seen[label] = seen.get(label, 0) + 1
            kept.append(position)
    chosen = np.sort(np.array(kept, np.int64))
    return material.places[chosen], material.labels[chosen]


def _fitting(squares: UInt8[np.ndarray, "n _ _ 3"], recipe: Recipe) -> UInt8[np.ndarray, "n size size 3"]:
    return np.stack([resize_square(square, recipe.input_size) for square in squares])


def _normalised(pictures: list[np.ndarray], recipe: Recipe) -> Iterator[torch.Tensor]:
    for batch in pictures:
        yield torch.from_numpy(normalise(batch, recipe.mean, recipe.std))


@torch.inference_mode()
def _colours(network: Network, pictures: list[np.ndarray], recipe: Recipe) -> Float32[np.ndarray, "colours 3"]:
    """The colours worth counting: centres of a k-means clustering of pixels of all pictures."""
    assert network.hypercolumn is not None
    random = np.random.default_rng([recipe.seed, 41])
    layout = network.hypercolumn.colours
    each = max(1, _PIXELS // len(pictures))
    found = []
    for batch in _normalised(pictures, recipe):
        pixels = layout.pixels(batch.to(layout.counted.device)).cpu().numpy().transpose(0, 2, 3, 1).reshape(-1, 3)
        found.append(pixels[random.integers(len(pixels), size=each)])
    samples = np.ascontiguousarray(np.concatenate(found), np.float32)
    cv2.setRNGSeed(recipe.seed)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 1e-4)
    _, _, centres = cv2.kmeans(samples, COLOURS, None, criteria, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    return np.asarray(centres, np.float32)


@torch.inference_mode()
def _features(network: Network, batch: torch.Tensor) -> Float32[np.ndarray, "pictures features"]:
    """Features of pictures and of their mirror images, averaged."""
    assert network.hypercolumn is not None
    pictures = batch.to(network.hypercolumn.linear.weight.device, memory_format=torch.channels_last)
    with torch.autocast(pictures.device.type, torch.bfloat16):
        both = [network.features(one) for one in (pictures, pictures.flip(3))]
    return np.asarray(((both[0] + both[1]) / 2).float().cpu().numpy(), np.float32)


def _spread(features: Float32[np.ndarray, "pictures features"], blocks: list[int]) -> Float64[np.ndarray, " features"]:
    """What each feature is divided by, so that every stage weighs alike and the colours, the last block, more: the root
    of its block's total variance."""
    parts = np.split(features, np.cumsum(blocks)[:-1], axis=1)
    roots = np.sqrt([part.var(axis=0, dtype=np.float64).sum() for part in parts]) + 1e-6
    roots[-1] /= COLOURS_WEIGH
    return np.repeat(roots, blocks)


@torch.no_grad()
def _set_linear(linear: torch.nn.Linear, mean: np.ndarray, projection: np.ndarray) -> None:
    # Encodings are made unit length, so any common factor will do: one that float16 holds well.
    linear.weight.copy_(torch.from_numpy(projection.T / projection.std() / 8).half())
    # From the weights as they will be stored, so that what is stored cancels.
    linear.bias.copy_(-(linear.weight.double().cpu() @ torch.from_numpy(mean)))
