"""The network: a timm backbone, pooling, an embedding layer with a batch-norm neck, and unit length."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models.resnet import ResNet
from torch import nn
from torch.nn import functional

from data.errors import MissingDependency, UnusableEncoder, UnusableSource
from embedder.hypercolumn import Hypercolumn
from embedder.stylecolumn import StyleColumn

STEMS = ("timm", "small")
POOLINGS = ("average", "gem")
COLUMNS: dict[str, type[Hypercolumn] | type[StyleColumn]] = {"places": Hypercolumn, "style": StyleColumn}
OF_FILES = ("checkpoint_path", "cache_dir")
"""Arguments of timm that read or write files of any place and kind: nothing that a card may say."""


class GeneralisedMean(nn.Module):
    """Pooling by (mean x^p)^(1/p), p learned: 1 is the average, infinity the maximum (Radenović et al. 2018)."""

    def __init__(self, exponent: float = 3.0) -> None:
        super().__init__()
        self.exponent = nn.Parameter(torch.tensor([exponent]))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C)."""
        return features.float().clamp(min=1e-6).pow(self.exponent).mean((2, 3)).pow(1 / self.exponent)


class Average(nn.Module):
    """Pooling by the mean."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, C)."""
        return features.mean((2, 3))


class Network(nn.Module):
    """Normalised pictures (N, 3, S, S) to unit vectors (N, D).

    `stem` is `timm` (the backbone's own) or `small`: one 3x3 convolution of stride 2 and no pooling, for ResNets
    that look at about 100 pixels, of which the usual stem would leave 25. Its width is what timm gives the stem.
    `head` is None for an embedding layer with a batch-norm neck over the pooled last stage, or says what a hypercolumn
    over several stages takes: `{"stages": 3, "colours": 128}`; with `"kind": "style"` besides it is a `StyleColumn`.
    `pretrained` fetches timm's own weights for the backbone: how it starts, and no part of its description. Raises
    UnusableEncoder for a network that cannot be built, UnusableSource where its weights cannot be had.
    """

    def __init__(
        self,
        backbone: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        dimension: int = 256,
        pooling: str = "average",
        stem: str = "timm",
        head: Mapping[str, Any] | None = None,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        check_plain(arguments or {}, "arguments")
        if not isinstance(backbone, str) or not timm.is_model(backbone):
            raise UnusableEncoder(f"timm {timm.__version__} knows no backbone '{backbone}'; see timm.list_models()")
        if pooling not in POOLINGS or stem not in STEMS:
            raise UnusableEncoder(f"pooling is one of {POOLINGS} and stem one of {STEMS}, not '{pooling}' and '{stem}'")
        self.dimension = int(dimension)
        self.description: dict[str, Any] = {
            "backbone": backbone,
            "arguments": dict(arguments or {}),
            "dimension": self.dimension,
            "pooling": pooling,
            "stem": stem,
        }
        if head is not None:
            self.description["head"] = dict(head)
        self.backbone: Any = _make_backbone(backbone, arguments or {}, pretrained)
        if stem == "small":
            _make_stem_small(self.backbone, backbone)
        self.hypercolumn: Hypercolumn | StyleColumn | None = None
        if head is not None:
            column, self._stages, colours = _head(head)
            channels = _channels(self.backbone, backbone, self._stages)
            self.hypercolumn = column(channels, colours=colours, dimension=self.dimension)
            return
        # Some backbones widen their features after the last stage, and say so here.
        features: Any = getattr(self.backbone, "head_hidden_size", None) or self.backbone.num_features
        self.pooling = GeneralisedMean() if pooling == "gem" else Average()
        self.embedding = nn.Linear(int(features), self.dimension, bias=False)
        self.neck = nn.BatchNorm1d(self.dimension)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Unit vectors."""
        encoding: torch.Tensor
        if self.hypercolumn is not None:
            encoding = self.hypercolumn(pictures, self._maps(pictures))
        else:
            encoding = self.neck(self.embedding(self.pooling(self._as_map(self.backbone(pictures)))))
        return functional.normalize(encoding.float(), dim=1)

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """What the hypercolumn's linear layer sees, (N, F); only for networks that have one."""
        if self.hypercolumn is None:
            raise ValueError("this network has no hypercolumn; build it with a head")
        return self.hypercolumn.features(pictures, self._maps(pictures))

    def blocks(self) -> list[int]:
        """Widths of the features' blocks: one for each stage, the last for the colour layout."""
        if self.hypercolumn is None:
            raise ValueError("this network has no hypercolumn; build it with a head")
        return list(self.hypercolumn.widths)

    def _maps(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """The maps (N, C, H, W) of the last stages."""
        maps: list[torch.Tensor] = self.backbone.forward_intermediates(
            pictures, indices=self._stages, intermediates_only=True
        )
        return maps

    def _as_map(self, features: torch.Tensor) -> torch.Tensor:
        """A backbone's features as (N, C, H, W), whichever of timm's layouts they have."""
        if features.ndim == 3:  # (N, tokens, C), the first of which stand for no place
            return features[:, getattr(self.backbone, "num_prefix_tokens", 0) :].transpose(1, 2).unsqueeze(3)
        if features.ndim == 2:
            return features[:, :, None, None]
        if getattr(self.backbone, "output_fmt", None) == "NHWC":
            return features.permute(0, 3, 1, 2)
        return features

    @torch.no_grad()
    def check_size(self, size: int) -> None:
        """Raise UnusableEncoder where the backbone cannot take pictures of size x size pixels."""
        name, learning = self.description["backbone"], self.training
        device = next(self.parameters()).device
        try:
            self.eval()(torch.zeros(1, 3, size, size, device=device))
        except (RuntimeError, ValueError, AssertionError, IndexError) as error:
            raise UnusableEncoder(
                f"'{name}' cannot take pictures of {size} x {size} pixels ({error}); give another input size, or tell "
                f"the backbone with --backbone-argument img_size={size} where it has that argument"
            ) from error
        finally:
            self.train(learning)


def build_network(description: Mapping[str, Any]) -> Network:
    """A fresh network from an encoder card's `network` field; raises UnusableEncoder for any field it does not know."""
    known = {"backbone", "arguments", "dimension", "pooling", "stem"}
    if set(description) - {"head"} != known:
        raise UnusableEncoder(f"a network is described by {sorted(known)}, but the card has {sorted(description)}")
    return Network(
        description["backbone"],
        description["arguments"],
        dimension=description["dimension"],
        pooling=description["pooling"],
        stem=description["stem"],
        head=description.get("head"),
    )


def load_network(description: Mapping[str, Any], weights: Path) -> Network:
    """The network with its weights, as float32, ready to encode; raises UnusableEncoder when they do not fit."""
    network = build_network(description)
    try:
        state = load_file(weights)
    except (OSError, SafetensorError) as error:
        raise UnusableEncoder(f"{weights} is no safetensors file: {error}") from error
    try:
        network.load_state_dict(
            {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
        )
    except RuntimeError as error:
        raise UnusableEncoder(f"{weights} does not fit the network that its card describes: {error}") from error
    return network.eval()


def check_plain(value: object, place: str) -> None:
    """Raise UnusableEncoder unless this is plain JSON: a card must never be able to name code."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str) or key.startswith("pretrained") or key in OF_FILES:
                raise UnusableEncoder(f"the card's {place} may not set '{key}'")
            check_plain(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for item in value:
            check_plain(item, place)
    elif value is not None and not isinstance(value, str | int | float | bool):
        raise UnusableEncoder(f"the card's {place} must be plain JSON, but holds a {type(value).__name__}")


def _make_backbone(name: str, arguments: Mapping[str, Any], pretrained: bool) -> Any:
    settings = {"num_classes": 0, "global_pool": "", **_tuples(arguments)}
    try:
        if not pretrained:
            return timm.create_model(name, **settings)
    except (TypeError, ValueError, RuntimeError, AssertionError, AttributeError) as error:
        raise UnusableEncoder(f"timm cannot build '{name}' with {dict(arguments)}: {error}") from error
    try:
        return timm.create_model(name, pretrained=True, **settings)
    except ImportError as error:
        raise MissingDependency(f"fetching weights needs {error.name}: pip install huggingface_hub") from error
    except Exception as error:  # the network, the hub and a file that does not fit share no base class
        raise UnusableSource(
            f"the pretrained weights of '{name}' cannot be had ({type(error).__name__}: {error}); where there is a "
            f"connection, `python -c \"import timm; timm.create_model('{name}', pretrained=True)\"` fetches them "
            "into the cache of Hugging Face, which may be copied here; or begin without --pretrained, or with --init "
            "and an encoder"
        ) from error


def _head(head: Any) -> tuple[type[Hypercolumn] | type[StyleColumn], int, int]:
    """The kind, stages and colours of a head's description."""
    described = dict(head) if isinstance(head, Mapping) else {}
    column = COLUMNS.get(str(described.pop("kind", "places")))
    numbers = tuple(described.values()) if set(described) == {"stages", "colours"} else ()
    if not numbers or column is None or not all(isinstance(one, int) and 0 < one <= 4096 for one in numbers):
        raise UnusableEncoder(f'a head is described like {{"stages": 3, "colours": 128}}, not by {head!r}')
    return column, int(described["stages"]), int(described["colours"])


def _channels(backbone: Any, name: str, stages: int) -> list[int]:
    """Widths of a backbone's last stages, as they come out of it."""
    if not hasattr(backbone, "forward_intermediates"):
        raise UnusableEncoder(f"timm's '{name}' does not hand out its stages, so it can have no hypercolumn")
    size = getattr(getattr(backbone, "patch_embed", None), "img_size", None) or (64, 64)
    learning = backbone.training
    try:
        with torch.no_grad():
            maps = backbone.eval().forward_intermediates(
                torch.zeros(1, 3, *size), indices=stages, intermediates_only=True
            )
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        raise UnusableEncoder(f"'{name}' has no {stages} stages to look at: {error}") from error
    finally:
        backbone.train(learning)
    return [int(one.shape[1]) for one in maps]


def _tuples(arguments: Mapping[str, Any]) -> dict[str, Any]:
    # JSON has lists only; timm takes tuples, and some of its builders test for them.
    return {key: tuple(item) if isinstance(item, list) else item for key, item in arguments.items()}


def _make_stem_small(backbone: Any, name: str) -> None:
    plain = isinstance(backbone, ResNet)
    if not plain:
        raise UnusableEncoder(f"the small stem is for timm's plain ResNets, and '{name}' is none; use the stem 'timm'")
    backbone.conv1 = nn.Conv2d(3, backbone.bn1.num_features, 3, stride=2, padding=1, bias=False)
    nn.init.kaiming_normal_(backbone.conv1.weight, mode="fan_out", nonlinearity="relu")
    backbone.maxpool = nn.Identity()
