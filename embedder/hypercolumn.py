"""All that a network sees in a picture as one long vector: the maps of its last stages, pooled by height, and colours.

The last stage of a network that learnt to tell some characters apart has forgotten much of what tells others apart. Its
earlier stages, where in the picture they answered, and plain colours have not (Hariharan et al. 2015 call the stages
together a hypercolumn). One linear layer over all of it, fitted once, generalises better to people whom nobody trained
on than the layer that learnt along.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

HEIGHTS = (0.12, 0.5, 0.88)
"""Centres of the regions, from the top of the square (hair) over the middle (eyes) to its foot (chin, collar)."""
TALL, BROAD = 0.18, 0.3
"""Standard deviations of a region, as shares of the square."""
COLOUR_SIDE = 32
"""About how many pixels of a side colours are counted in."""
COLOUR_WIDTH = 0.08
"""Distance in luma and chroma (0 to 1) over which one counted colour blends into the next."""
LUMA_CHROMA = ((0.3, 0.6, 0.1), (0.9, -0.9, 0.0), (0.45, 0.45, -0.9))
"""Brightness, red against green, yellow against blue."""


def regions(height: int, width: int, *, whole: bool, like: torch.Tensor) -> torch.Tensor:
    """Weights (regions, height * width), each region's adding up to 1: overlapping Gaussian patches, and the whole."""
    rows = torch.linspace(0, 1, height, device=like.device, dtype=like.dtype)[:, None]
    columns = torch.linspace(0, 1, width, device=like.device, dtype=like.dtype)[None, :]
    patches = [
        torch.exp(-((rows - centre) ** 2) / (2 * TALL**2) - (columns - 0.5) ** 2 / (2 * BROAD**2)) for centre in HEIGHTS
    ]
    if whole:
        patches.append(torch.ones(height, width, device=like.device, dtype=like.dtype))
    stacked = torch.stack(patches).flatten(1)
    return stacked / stacked.sum(1, keepdim=True)


def pooled(maps: torch.Tensor, *, whole: bool) -> torch.Tensor:
    """(N, C, H, W) to (N, regions * C): the square root of each channel's mean in each region.

    The root tames the few channels that answer strongly (Perronnin et al. 2010); negative answers count as none.
    """
    weights = regions(maps.shape[2], maps.shape[3], whole=whole, like=maps)
    means = (maps.flatten(2) @ weights.T).transpose(1, 2)
    return (means.clamp(min=0) + 1e-6).sqrt().flatten(1)


class ColourLayout(nn.Module):
    """How much of each of K colours lies in the upper, middle and lower part of a picture: (N, 3 * K).

    Each pixel is shared out among the counted colours by a softmax of -distance^2 / (2 * width^2) in luma and chroma.
    """

    to_colour: torch.Tensor
    shift: torch.Tensor
    counted: torch.Tensor

    def __init__(self, colours: int) -> None:
        super().__init__()
        self.register_buffer("to_colour", torch.zeros(3, 3))
        self.register_buffer("shift", torch.zeros(3))
        self.register_buffer("counted", torch.zeros(colours, 3))

    @torch.no_grad()
    def set_colours(
        self, counted: torch.Tensor, mean: tuple[float, float, float], std: tuple[float, float, float]
    ) -> None:
        """Count these colours (K, 3; luma and chroma), in pictures normalised by mean and std."""
        matrix = torch.tensor(LUMA_CHROMA)
        self.to_colour.copy_(matrix * torch.tensor(std))
        self.shift.copy_(matrix @ torch.tensor(mean))
        self.counted.copy_(counted)

    def pixels(self, pictures: torch.Tensor) -> torch.Tensor:
        """Luma and chroma of normalised pictures, shrunk to about COLOUR_SIDE: (N, 3, h, w)."""
        shrunk = functional.avg_pool2d(pictures.float(), max(1, pictures.shape[3] // COLOUR_SIDE))
        return functional.conv2d(shrunk, self.to_colour.float()[:, :, None, None], self.shift.float())

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Normalised pictures (N, 3, S, S) to (N, 3 * K)."""
        pixels, counted = self.pixels(pictures), self.counted.float() / COLOUR_WIDTH**2
        weights = regions(pixels.shape[2], pixels.shape[3], whole=False, like=pixels)
        # |p - c|^2 without |p|^2, which is the same for all colours and falls out of the softmax.
        nearness = pixels.flatten(2).transpose(1, 2) @ counted.T - 0.5 * (counted * self.counted).sum(1)
        return (weights @ functional.softmax(nearness, dim=2) + 1e-6).sqrt().flatten(1)


class Hypercolumn(nn.Module):
    """Maps of several stages (N, C_i, H_i, W_i) and their pictures to encodings (N, D), not yet of unit length."""

    def __init__(self, channels: list[int], *, colours: int, dimension: int) -> None:
        super().__init__()
        self.colours = ColourLayout(colours)
        self.widths = [*((len(HEIGHTS) + 1) * one for one in channels), len(HEIGHTS) * colours]
        self.linear = nn.Linear(sum(self.widths), dimension)

    def features(self, pictures: torch.Tensor, maps: list[torch.Tensor]) -> torch.Tensor:
        """The long vector (N, F): each stage's regions from first to last stage, then the colour layout."""
        with torch.autocast(pictures.device.type, enabled=False):
            return torch.cat([*(pooled(one.float(), whole=True) for one in maps), self.colours(pictures)], dim=1)

    def forward(self, pictures: torch.Tensor, maps: list[torch.Tensor]) -> torch.Tensor:
        """The encodings."""
        features = self.features(pictures, maps)
        with torch.autocast(pictures.device.type, enabled=False):  # a few bits are not enough for what cancels here
            encodings: torch.Tensor = self.linear(features)
        return encodings
