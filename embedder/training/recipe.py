"""The recipe: every setting that decides what a training run does, in one frozen object."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from embedder.network import POOLINGS, STEMS, check_plain
from embedder.training import sampling

PRECISIONS = ("bf16", "fp16", "fp32")
BALANCES = tuple(sampling.BALANCES)

DEFAULT_BACKBONE = "resnet18"
DEFAULT_ARGUMENTS: dict[str, Any] = {
    "layers": [1, 1, 2, 2],
    "channels": [32, 64, 128, 256],
    "stem_type": "deep",  # its width, 32 channels, is all that the small stem takes from it
    "stem_width": 16,
}
DEFAULT_STEM = "small"


@dataclass(frozen=True)
class Recipe:
    """Settings of a run. Raises ValueError, or UnusableEncoder for a network's, for impossible ones."""

    name: str = "mine"
    seed: int = 1
    start: str = ""
    """Fingerprint of the encoder whose weights the run starts from; empty for none."""
    pretrained: bool = False
    """Whether the backbone starts from timm's own weights."""

    backbone: str = DEFAULT_BACKBONE
    arguments: dict[str, Any] = field(default_factory=lambda: dict(DEFAULT_ARGUMENTS))
    stem: str = DEFAULT_STEM
    pooling: str = "average"
    dimension: int = 256
    head: dict[str, Any] | None = None
    """Of the network while it learns: None for an embedding layer, or that of the encoder that the run starts from."""
    discriminant: int = 0
    """Dimensions of the linear discriminant that replaces the layer that learnt along; 0: none. See `head.py`."""
    input_size: int = 96
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    small_size: int = 0
    """Pixels of a side during the first `small_share` of the run; 0 for the full size throughout."""
    small_share: float = 0.0

    loss: str = "arcface"
    margin: float | None = None
    """None: the loss's own default; in radians where the margin is an angle."""
    margin_ramp: float = 0.2
    """Share of the run in which the margin climbs from 0, where the loss has a margin that can."""
    scale: float | None = None
    label_smoothing: float | None = None
    """None: 0.05 where the loss has labels to smooth."""
    miner: str | None = None
    teacher: str = ""
    """Fingerprint of the encoder whose similarities the run imitates; empty for none."""
    teacher_weight: float = 1.0

    steps: int | None = 3000
    minutes: float | None = None
    """The run ends when its steps or its minutes are used up, whichever comes first; None: no bound of that kind."""
    batch: int = 128
    accumulate: int = 1
    """Parts in which a batch is learnt, one after the other, where it does not fit in memory whole."""
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    warm_up: float = 0.05
    """Share of the run in which the learning rate climbs from 0; it falls along a cosine to 0 afterwards."""
    clip: float = 5.0
    """Longest gradient."""
    average_decay: float = 0.998
    """Of the moving average of the weights, which is what is validated and exported."""
    precision: str = "bf16"

    balance: str = "root"
    per_identity: int | None = None
    """Pictures of each identity in a batch; None: what the loss wants."""
    weights: dict[str, float] = field(default_factory=dict)
    """How much oftener than by itself a collection comes. By themselves, real collections come by their identities and
    `balance`, and a collection of single pictures, or the drawn characters, as often as all real ones together; those
    two kinds weigh `BESIDES` where no weight is given, the others 1."""
    drawn: int = 0
    """Characters drawn by program, as one more collection named `drawn`."""
    recolour: int = 0
    """How many more times each identity appears in other colours, as somebody else; see `recolour.py`."""
    augmentation: str = "drawings"
    mirror: bool = True

    dev: dict[str, list[str]] = field(default_factory=dict)
    """Whom the run is validated on and never learns from: collection name to identity names."""
    validate_every: int | None = None
    """Steps between validations; None: ten times a run."""

    def __post_init__(self) -> None:
        from embedder.training.augmentation import AUGMENTATIONS
        from embedder.training.losses import LOSSES, Objective

        check_plain(self.arguments, "arguments")
        for name, known in (
            ("pooling", POOLINGS), ("stem", STEMS), ("loss", LOSSES), ("precision", PRECISIONS),
            ("balance", BALANCES), ("augmentation", AUGMENTATIONS),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                choices = ", ".join(str(one) for one in known if one)
                raise ValueError(f"{name} is one of {choices}, not '{getattr(self, name)}'")
        positive = ("dimension", "batch", "accumulate", "learning_rate", "clip", "steps", "minutes")
        for name in (*positive, "per_identity", "validate_every", "teacher_weight"):
            value = getattr(self, name)
            if value is not None and not (0 < value < math.inf):
                raise ValueError(f"{name} must be above 0, but is {value}")
        for name in ("drawn", "recolour", "small_size", "seed", "discriminant"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, but is {getattr(self, name)}")
        for name in ("margin_ramp", "warm_up", "average_decay", "small_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is a share from 0 to below 1, but is {getattr(self, name)}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must be 0 or more, but is {self.weight_decay}")
        # The loss knows which margin, scale and miner it goes with.
        Objective(
            self.loss, 2, 2, margin=self.margin, scale=self.scale, miner=self.miner,
            label_smoothing=self.label_smoothing or 0.0,
        )  # fmt: skip
        self._check_together()

    def _check_together(self) -> None:
        if self.steps is None and self.minutes is None:
            raise ValueError("a run needs an end: give steps, minutes, or both")
        if self.input_size < 16:
            raise ValueError(f"input_size is at least 16 pixels, not {self.input_size}")
        if bool(self.small_size) != bool(self.small_share) or not (self.small_size == 0 or self.small_size >= 16):
            raise ValueError(
                f"small_size ({self.small_size}) and small_share ({self.small_share}) belong together: say 64 and 0.6"
            )
        if self.small_size >= self.input_size:
            raise ValueError(f"small_size ({self.small_size}) must be below input_size ({self.input_size})")
        if self.batch % self.accumulate:
            raise ValueError(f"batch ({self.batch}) must be a multiple of accumulate ({self.accumulate})")
        if self.per_identity is not None and self.batch < 2 * self.per_identity:
            raise ValueError(f"batch ({self.batch}) must hold two identities or more of {self.per_identity} pictures")
        if any(not 0 <= weight < math.inf for weight in self.weights.values()):
            raise ValueError(f"weights of collections are 0 or more, not {self.weights}")

    @property
    def cache_side(self) -> int:
        """Pixels of a side in the picture cache: a third more than the input, so that crops may zoom in."""
        return self.input_size * 4 // 3

    def as_json(self) -> str:
        """The recipe as canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def digest(self) -> str:
        """What a checkpoint is stamped with, so that it never continues under other settings."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()
