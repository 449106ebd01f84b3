"""The networks that the papers trained from the start."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Flat(nn.Module):
    """(N, C, H, W) to (N, C H W), in whichever order the numbers lie in memory."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """All of a picture's numbers in one row."""
        return maps.flatten(1)


def three_layers(classes: int, *, side: int) -> nn.Module:
    """Three convolutions of 3 x 3 (32, 32, 64), each with ReLU and pooling by 2; 64 units, dropout .3, the identities.

    As Keras builds them: no padding, Glorot's uniform weights, no bias at first.
    """
    layers: list[nn.Module] = []
    for before, after in ((3, 32), (32, 32), (32, 64)):
        layers += [nn.Conv2d(before, after, 3), nn.ReLU(), nn.MaxPool2d(2)]
        side = (side - 2) // 2
    top = [nn.Linear(64 * side**2, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, classes)]
    return _drawn(nn.Sequential(*layers, Flat(), *top))


def two_convolutions(classes: int, *, side: int, third: bool = False) -> nn.Module:
    """8 filters of 4 x 4, pooled by 8; 16 of 2 x 2, pooled by 4; the identities. `third`: then 32 of 2 x 2, by 2.

    Convolutions keep the size, and what pooling leaves over at an edge is pooled too ("same"). What the third layer was
    is not published.
    """
    layers: list[nn.Module] = []
    width = 3
    for filters, size, pooled in ((8, 4, 8), (16, 2, 4), (32, 2, 2))[: 3 if third else 2]:
        padded = nn.ZeroPad2d(((size - 1) // 2, size // 2) * 2)  # as `padding="same"`, which warns for even sizes
        layers += [padded, nn.Conv2d(width, filters, size), nn.ReLU(), nn.MaxPool2d(pooled, ceil_mode=True)]
        side, width = -(-side // pooled), filters
    return _drawn(nn.Sequential(*layers, Flat(), nn.Linear(width * side**2, classes)))


def residual(classes: int, *, stages: int = 3) -> nn.Module:
    """A stem, stages of two basic blocks (two convolutions each), and the identities: 14 layers of 3 stages, 10 of 2.

    The paper tells the number of layers, not their order: this is ResNet-18 (He et al. 2016) without its last stages.
    """
    import timm

    network: Any = timm.create_model("resnet18", pretrained=False)
    kept = [getattr(network, f"layer{number}") for number in range(1, stages + 1)]
    stem = [network.conv1, network.bn1, network.act1, network.maxpool]
    return nn.Sequential(*stem, *kept, network.global_pool, nn.Linear(64 * 2 ** (stages - 1), classes))


def _drawn(network: nn.Module) -> nn.Module:
    """Weights as Keras draws them (Glorot, Bengio 2010), and no bias."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
