"""How a picture is drawn, whatever it shows, as one long vector: statistics of a network's maps, and colours.

How strongly each channel of an early or middle stage answers on the mean, and how unevenly, says more about brush and
shading than where it answers (Huang and Belongie 2017 turn one style into another by just these two numbers of each
channel; Li et al. 2017 show them to be a Gram matrix's kin). Beside them stand the colours that a view is made of, and
those of its lines. One linear layer over all of it, fitted once, is the encoding.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from embedder.hypercolumn import COLOUR_WIDTH, ColourLayout

_LITTLE = 1e-6


def statistics(maps: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) to (N, 2 C): the root of each channel's mean (negative ones count as none), then its deviation."""
    flat = maps.flatten(2)
    mean = flat.mean(2)
    variance = ((flat - mean[..., None]) ** 2).mean(2)
    return torch.cat([(mean.clamp(min=0) + _LITTLE).sqrt(), (variance + _LITTLE).sqrt()], dim=1)


class Palette(ColourLayout):
    """How much of each of K colours is in a picture, and in its lines: (N, 2 * K).

    As in `ColourLayout` a pixel is shared out among the colours. For the second half pixels weigh by how much
    brightness changes from them to the next ones.
    """

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Normalised pictures (N, 3, S, S) to (N, 2 * K)."""
        pixels = self.pixels(pictures)
        counted = self.counted.float() / COLOUR_WIDTH**2
        nearness = pixels.flatten(2).transpose(1, 2) @ counted.T - 0.5 * (counted * self.counted).sum(1)
        shares = functional.softmax(nearness, dim=2)
        padded = functional.pad(pixels[:, :1], (0, 1, 0, 1), mode="replicate")
        here = padded[:, :, :-1, :-1]
        change = (padded[:, :, 1:, :-1] - here).abs() + (padded[:, :, :-1, 1:] - here).abs() + _LITTLE
        weights = change.flatten(2) / change.flatten(2).sum(2, keepdim=True)
        return torch.cat([(shares.mean(1) + _LITTLE).sqrt(), ((weights @ shares)[:, 0] + _LITTLE).sqrt()], dim=1)


class StyleColumn(nn.Module):
    """Maps of several stages (N, C_i, H_i, W_i) and their pictures to encodings (N, D), not yet of unit length."""

    def __init__(self, channels: list[int], *, colours: int, dimension: int) -> None:
        super().__init__()
        self.colours = Palette(colours)
        self.widths = [*(2 * one for one in channels), 2 * colours]
        self.linear = nn.Linear(sum(self.widths), dimension)

    def features(self, pictures: torch.Tensor, maps: list[torch.Tensor]) -> torch.Tensor:
        """The long vector (N, F): each stage's statistics from first to last stage, then the palette."""
        with torch.autocast(pictures.device.type, enabled=False):
            return torch.cat([*(statistics(one.float()) for one in maps), self.colours(pictures)], dim=1)

    def forward(self, pictures: torch.Tensor, maps: list[torch.Tensor]) -> torch.Tensor:
        """The encodings."""
        features = self.features(pictures, maps)
        with torch.autocast(pictures.device.type, enabled=False):  # a few bits are not enough for what cancels here
            encodings: torch.Tensor = self.linear(features)
        return encodings
