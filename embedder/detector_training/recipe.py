"""The recipe of a detector: every setting that decides what a run does, in one frozen object."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from embedder.detector_training.box_files import BoxedPicture
from embedder.detectors.network import DEFAULT_ARGUMENTS


@dataclass(frozen=True)
class DetectorRecipe:
    """Settings of a run; raises ValueError for impossible ones."""

    name: str = "mine"
    seed: int = 1
    backbone: str = "resnet18"
    """Any network of timm that hands out its features at strides 8, 16 and 32."""
    arguments: dict[str, Any] = field(default_factory=lambda: dict(DEFAULT_ARGUMENTS))
    channels: int = 48
    start: str = ""
    """Fingerprint of the weights that the run starts from; empty for none."""

    drawn: int = 1500
    """Pictures drawn by program besides the boxed ones."""
    scene: int = 192
    """Pixels of a side of the composed scenes."""
    batch: int = 64
    steps: int | None = None
    minutes: float | None = None
    """The run ends when its steps or its minutes are used up, whichever comes first; None: no bound of that kind."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warm_up: float = 0.03
    clip: float = 5.0
    average_decay: float = 0.998
    precision: str = "bf16"
    validate_every: int | None = None

    def __post_init__(self) -> None:
        for name in ("channels", "batch", "learning_rate", "clip", "steps", "minutes", "validate_every"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be above 0, but is {value}")
        if self.scene < 64 or self.scene % 32:
            raise ValueError(f"a scene's side is a multiple of 32 from 64 on, not {self.scene}")
        if self.steps is None and self.minutes is None:
            raise ValueError("a run needs an end: give steps, minutes, or both")
        if self.precision not in ("bf16", "fp32"):
            raise ValueError(f"precision is bf16 or fp32, not '{self.precision}'")

    def digest(self, root: Path, boxed: Mapping[str, BoxedPicture]) -> str:
        """sha256 of the settings and of the pictures with their boxes: what a checkpoint belongs to."""
        told = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode())
        told.update(str(root.resolve()).encode())
        for name, one in sorted(boxed.items()):
            told.update(name.encode() + one.boxes.tobytes() + one.ignore.tobytes())
        return told.hexdigest()
