"""The end of a run: the backbone under a style column, whose linear layer is fitted in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8

from embedder.network import Network
from embedder.preprocess import normalise
from embedder.style_training.discriminant import Hand, fit_style

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
STAGES, COLOURS = 5, 64
_BATCH, _PIXELS = 128, 40_000


def style_network(backbone: Network, dimension: int, squares: UInt8[np.ndarray, "views size size 3"]) -> Network:
    """The same backbone under a style column that counts the colours of these squares; its layer is not fitted yet."""
    described = backbone.description
    network = Network(
        described["backbone"],
        described["arguments"],
        dimension=dimension,
        stem=described["stem"],
        head={"stages": STAGES, "colours": COLOURS, "kind": "style"},
    )
    network.backbone.load_state_dict(backbone.backbone.state_dict())
    network.eval().to(memory_format=torch.channels_last)
    assert network.hypercolumn is not None
    layout = network.hypercolumn.colours
    layout.set_colours(torch.zeros(COLOURS, 3), MEAN, STD)
    random = np.random.default_rng(0)
    chosen = random.permutation(len(squares))[:4000]
    with torch.inference_mode():
        pixels = layout.pixels(torch.from_numpy(normalise(squares[chosen], MEAN, STD)))
    samples = pixels.permute(0, 2, 3, 1).reshape(-1, 3).numpy()
    samples = np.ascontiguousarray(samples[random.integers(len(samples), size=_PIXELS)], np.float32)
    cv2.setRNGSeed(0)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 1e-4)
    _, _, centres = cv2.kmeans(samples, COLOURS, None, criteria, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    layout.set_colours(torch.from_numpy(np.asarray(centres, np.float32)), MEAN, STD)
    return network


@torch.inference_mode()
def style_features(
    network: Network, squares: UInt8[np.ndarray, "views size size 3"]
) -> Float32[np.ndarray, "views features"]:
    """What the style column's linear layer sees of each square."""
    found = []
    for start in range(0, len(squares), _BATCH):
        batch = torch.from_numpy(normalise(squares[start : start + _BATCH], MEAN, STD))
        with torch.autocast("cpu", torch.bfloat16):
            features = network.features(batch.contiguous(memory_format=torch.channels_last))
        found.append(features.float().numpy())
    return np.concatenate(found)


@torch.no_grad()
def fit_head(
    network: Network,
    kinds: Sequence[Hand],
    *,
    shrinkage: float,
    across_characters: float,
    colours_weigh: float,
) -> None:
    """Fit the linear layer to features of views; stages weigh alike, the palette `colours_weigh` times as much."""
    assert network.hypercolumn is not None
    spread = block_spread(kinds[0].features, network.blocks(), colours_weigh)
    scaled = [Hand(one.features / spread, one.artists, one.subjects, one.weight) for one in kinds]
    mean, projection = fit_style(scaled, network.dimension, shrinkage=shrinkage, across_characters=across_characters)
    weights = projection / spread[:, None]
    linear = network.hypercolumn.linear
    # Encodings are made unit length, so any common factor will do: one that float16 holds well.
    linear.weight.copy_(torch.from_numpy(weights.T / weights.std() / 8).half())
    linear.bias.copy_(-(linear.weight.double() @ torch.from_numpy(mean * spread)))


def block_spread(
    features: Float32[np.ndarray, "views features"], blocks: Sequence[int], colours_weigh: float
) -> Float32[np.ndarray, " features"]:
    """What each feature is divided by: the root of its block's total variance, the last block's made smaller."""
    parts = np.split(features, np.cumsum(blocks)[:-1], axis=1)
    roots = np.sqrt([part.var(axis=0, dtype=np.float64).sum() for part in parts]) + 1e-6
    roots[-1] /= colours_weigh
    return np.repeat(roots, blocks).astype(np.float32)
