"""What a detector is to be trained on, read and checked before anything long begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from data.errors import UnusableSource
from embedder.detector_training.box_files import BoxedPicture, read_boxes
from embedder.detector_training.recipe import DetectorRecipe
from embedder.detector_training.run import Validation
from embedder.detector_training.sprites import Cast, draw_sprites, gather_cast
from embedder.detector_training.validation import dev_pictures, dev_scenes
from embedder.detectors.card import WEIGHTS, find_detector, read_detector_card

STEPS, STEPS_ON = 4000, 1000
"""Of a run, where its length is not given; of one that goes on from a detector."""
GENTLE = 5e-4
DEV_SCENES = 150
DEV_DRAWN, FIRST_DEV_DRAWN = 100, 1 << 20
"""Pictures drawn to validate on, from a seed that no training reaches."""


@dataclass(frozen=True)
class DetectorPlan:
    """Settings, boxed pictures under `root`, those kept out, and the weights to start from."""

    root: Path
    recipe: DetectorRecipe
    boxed: Mapping[str, BoxedPicture]
    kept_out: Mapping[str, BoxedPicture]
    start: dict[str, torch.Tensor] | None

    @property
    def digest(self) -> str:
        """What a checkpoint of this plan is stamped with."""
        return self.recipe.digest(self.root, self.boxed)

    @property
    def faces(self) -> int:
        """How many boxes there are to learn from."""
        return sum(len(one.boxes) for one in self.boxed.values())

    def cast(self, say: Callable[[str], None]) -> Cast:
        """The sprites to learn from."""
        return gather_cast(self.root, self.boxed, drawn=self.recipe.drawn, say=say)

    def validation(self, say: Callable[[str], None]) -> Validation:
        """Pictures kept out, and scenes composed of them; nothing where none were."""
        if not self.kept_out:
            return {}
        cast = gather_cast(self.root, self.kept_out, say=say)
        acting = cast
        if self.recipe.drawn:
            acting = Cast((*cast.faces, tuple(draw_sprites(DEV_DRAWN, FIRST_DEV_DRAWN))), cast.clutter)
        return {"pictures": dev_pictures(cast), "scenes": dev_scenes(acting, DEV_SCENES)}


def make_detector_plan(
    root: Path,
    box_files: Sequence[Path],
    dev_box_files: Sequence[Path],
    settings: Mapping[str, Any],
    *,
    init: str | None = None,
) -> DetectorPlan:
    """Read the box files (a later one has the last word on a picture) and settle what was not given.

    Raises UnusableSource for box files without a face or with pictures that are kept out and learnt from, ValueError
    for impossible settings, UnusableEncoder for an `init` that is no detector of ours.
    """
    boxed = {name: one for path in box_files for name, one in read_boxes(path).items()}
    kept_out = {name: one for path in dev_box_files for name, one in read_boxes(path).items()}
    both = sorted(boxed.keys() & kept_out.keys())
    if both:
        raise UnusableSource(f"{len(both):,} pictures are both learnt from and kept out, such as {both[0]}")
    if not any(len(one.boxes) for one in boxed.values()):
        raise UnusableSource(f"there is no face box in {', '.join(map(str, box_files))}")
    asked, start = dict(settings), None
    if init:
        card = read_detector_card(find_detector(init))
        start = {name: value.float() for name, value in load_file(card.file(WEIGHTS)).items()}
        asked = {"learning_rate": GENTLE, **asked, **card.network, "start": card.files[WEIGHTS]}
    if not asked.get("minutes"):
        asked.setdefault("steps", STEPS_ON if init else STEPS)
    return DetectorPlan(root, DetectorRecipe(**asked), boxed, kept_out, start)
