"""The network of a face detector: a light backbone, a feature pyramid, and one map of scores and boxes at stride 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import timm
import torch
from torch import nn
from torchvision.ops import FeaturePyramidNetwork

STRIDE = 8
"""Pixels between two cells of the map."""

DEFAULT_ARGUMENTS: dict[str, Any] = {
    "layers": [1, 2, 2, 1],
    "channels": [16, 48, 96, 160],  # multiples of 16, which matrix units take whole
    "stem_type": "deep",
    "stem_width": 8,
}
LARGEST_REACH = 5.0
"""Of the logarithm of a distance in strides, so that no early step overflows: 8 exp(5) is 1,187 pixels."""


class FaceNetwork(nn.Module):
    """Pictures to a map of faces, one cell for each 8 x 8 pixels.

    A cell says how likely it is the middle of a face, and how far the four sides of that face's box are from it: the
    dense boxes of FCOS (Tian et al. 2019) at one level, with the faces' middles of CenterNet (Zhou et al. 2019). One
    level is enough because a picture is searched at several scales.

    backbone, arguments: any network of timm that hands out its features, and what builds it. channels: of the pyramid
    and of the head.
    """

    def __init__(
        self, backbone: str = "resnet18", arguments: Mapping[str, Any] | None = None, *, channels: int = 48
    ) -> None:
        super().__init__()
        arguments = dict(DEFAULT_ARGUMENTS if arguments is None else arguments)
        self.description: dict[str, Any] = {"backbone": backbone, "arguments": arguments, "channels": channels}
        made: nn.Module = timm.create_model(backbone, features_only=True, out_indices=(2, 3, 4), **arguments)
        self.backbone = made
        widths = cast(Any, made).feature_info.channels()
        self.pyramid = FeaturePyramidNetwork(widths, channels, norm_layer=nn.BatchNorm2d)
        # The pyramid's outputs at strides 16 and 32 are not asked for: what they learnt is in the one at stride 8.
        for unused in self.pyramid.layer_blocks[1:]:
            unused.requires_grad_(False)
        self.head = nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.score = nn.Conv2d(channels, 1, 1)
        self.reach = nn.Conv2d(channels, 4, 1)
        assert self.score.bias is not None
        nn.init.constant_(self.score.bias, -4.6)  # a share of 1 % at first, as in RetinaNet (Lin et al. 2017)

    def maps(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Normalised pictures (N, 3, H, W) to score logits (N, H/8, W/8) and boxes (N, H/8, W/8, 4) in pixels."""
        features = self.pyramid({str(level): one for level, one in enumerate(self.backbone(pictures))})["0"]
        features = self.head(features)
        logits = self.score(features)[:, 0].float()
        reach = STRIDE * self.reach(features).float().clamp(-LARGEST_REACH, LARGEST_REACH).exp().permute(0, 2, 3, 1)
        rows, columns = logits.shape[1:]
        down = (torch.arange(rows, device=logits.device) * STRIDE + STRIDE / 2)[:, None].expand(rows, columns)
        across = (torch.arange(columns, device=logits.device) * STRIDE + STRIDE / 2)[None].expand(rows, columns)
        boxes = torch.stack(
            [across - reach[..., 0], down - reach[..., 1], across + reach[..., 2], down + reach[..., 3]], dim=-1
        )
        return logits, boxes

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """RGB bytes (N, H, W, 3), H and W multiples of 32, to scores in [0, 1] and boxes in pixels."""
        logits, boxes = self.maps(normalised(pictures))
        return logits.sigmoid(), boxes


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    """RGB bytes (N, H, W, 3) to numbers in [-2, 2], (N, 3, H, W)."""
    return (pictures.permute(0, 3, 1, 2).float() - 127.5) / 63.75
