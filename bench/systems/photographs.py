"""Networks that learned from photographs (ImageNet), through timm; without their weights none of them is measured."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import MissingDependency

if TYPE_CHECKING:
    from torch import nn

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in [0, 1]: how these networks want their pictures."""

NOT_AVAILABLE = "weights not available"


@dataclass(frozen=True)
class Weights:
    """Where the weights come from: the hub, or MODEL.safetensors in a folder; or there are none, and chance decides."""

    folder: Path | None = None
    random: bool = False

    def had(self, model: str) -> bool:
        """Whether a network of timm's can be made; asks the hub, or its cache, at most once for each."""
        return self.random or _can_be_made(model, self.folder)

    def network(self, model: str, classes: int | None = None) -> nn.Module:
        """The network with a new last layer for so many classes (0: none), or with its own 1,000 outputs.

        Raises what timm and the hub's client raise where the weights cannot be had: ask `had` first.
        """
        return _made(model, self.folder, self.random, classes)

    @property
    def mark(self) -> str:
        """What the name of a row says of them."""
        return " (random weights)" if self.random else ""


def require_networks() -> None:
    """Raise MissingDependency where PyTorch or timm is not installed."""
    missing = [package for package in ("torch", "timm", "torchvision") if find_spec(package) is None]
    if missing:
        raise MissingDependency(
            f'these systems are networks and need {", ".join(missing)}: pip install "kaodex[train]", or name others '
            "with --systems"
        )


@cache
def _can_be_made(model: str, folder: Path | None) -> bool:
    try:
        _made(model, folder, False, None)
    except Exception:  # the hub's client raises errors of its own and of four libraries below it
        return False
    return True


def _made(model: str, folder: Path | None, random: bool, classes: int | None) -> nn.Module:
    import timm

    settings: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    network: nn.Module
    if random:
        network = timm.create_model(model.partition(".")[0], pretrained=False, **settings)
        return network
    if folder is not None:
        settings["pretrained_cfg_overlay"] = {"file": str(folder / f"{model}.safetensors")}
    network = timm.create_model(model, pretrained=True, **settings)
    return network
