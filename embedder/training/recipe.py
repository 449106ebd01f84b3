"""The recipe: every setting that decides what a training run does, in one frozen object."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from embedder.network import check_plain


@dataclass(frozen=True)
class Recipe:
    """Settings of a run; the defaults are those that `faces-1` started with. Raises ValueError for impossible ones."""

    name: str = "faces-1"
    seed: int = 1
    start: str = ""
    """Fingerprint of the encoder whose weights the run starts from; empty for random weights."""

    backbone: str = "resnet18"
    arguments: dict[str, Any] = field(
        default_factory=lambda: {
            "layers": [1, 1, 2, 2],
            "channels": [32, 64, 128, 256],
            "stem_type": "deep",  # its width, 32 channels, is all that the small stem takes from it
            "stem_width": 16,
        }
    )
    stem: str = "small"
    pooling: str = "average"
    dimension: int = 128
    input_size: int = 96
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)

    margin: float = 0.3
    """ArcFace's additive angle, in radians; ramped up from 0 over the first `margin_ramp` of the run."""
    margin_ramp: float = 0.2
    scale: float = 24.0
    label_smoothing: float = 0.05

    steps: int = 3000
    batch: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warm_up: float = 0.05
    """Share of the run in which the learning rate climbs from 0; it falls along a cosine to 0 afterwards."""
    average_decay: float = 0.998
    """Of the moving average of the weights, which is what is validated and exported."""

    drawn_characters: int = 0
    drawn_pictures: int = 8
    """Pictures rendered of each drawn character."""
    drawn_first: float = 0.4
    """Share of drawn characters in the first batches; it falls linearly to `drawn_last` at `drawn_fall`."""
    drawn_last: float = 0.06
    drawn_fall: float = 0.25

    def __post_init__(self) -> None:
        check_plain(self.arguments, "arguments")
        for name in ("dimension", "input_size", "steps", "batch", "scale", "learning_rate", "drawn_pictures"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, but is {getattr(self, name)}")
        if not 0 <= self.margin < math.pi / 2:
            raise ValueError(f"margin is an angle in radians from 0 to pi/2, but is {self.margin}")
        for name in ("margin_ramp", "warm_up", "label_smoothing", "average_decay", "drawn_first", "drawn_last"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is a share from 0 to below 1, but is {getattr(self, name)}")

    @property
    def cache_side(self) -> int:
        """Pixels of a side in the picture cache: a third more than the input, so that crops may zoom in."""
        return self.input_size * 4 // 3

    def margin_at(self, step: int) -> float:
        """The margin in radians at a step."""
        return self.margin * _climbed(step, self.margin_ramp * self.steps)

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to 0."""
        warm = self.warm_up * self.steps
        if step < warm:
            return self.learning_rate * (step + 1) / (warm + 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(self.steps - warm, 1)))

    def drawn_share_at(self, step: int) -> float:
        """Share of drawn characters in the batch of a step."""
        if not self.drawn_characters:
            return 0.0
        fallen = _climbed(step, self.drawn_fall * self.steps)
        return self.drawn_first + (self.drawn_last - self.drawn_first) * fallen

    def as_json(self) -> str:
        """The recipe as canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def digest(self) -> str:
        """What a checkpoint is stamped with, so that it never continues under other settings."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()


def _climbed(step: int, length: float) -> float:
    return min(step / length, 1.0) if length > 0 else 1.0
