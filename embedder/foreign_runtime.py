"""Running an ONNX encoder of others: its own names, widths and batch sizes, checked before it is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from data.errors import UnusableEncoder
from embedder.foreign import ForeignCard
from embedder.foreign_settings import NEEDED
from embedder.recipes import recipe_for
from embedder.runtime import open_session

FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
PIXELS_AT_ONCE = 64 * 160 * 160
"""Of all pictures in one pass: a large network on many large pictures would not fit into memory."""


class ForeignRuntime:
    """An ONNX encoder of others in ONNX Runtime on the CPU; `dimension` is what it was seen to give."""

    name = "onnxruntime cpu"
    feeders = 1

    def __init__(self, card: ForeignCard, device: str) -> None:
        """Raises UnusableEncoder where the file is not what its settings say."""
        if device not in ("auto", "cpu"):
            raise UnusableEncoder(f"an ONNX file runs on the CPU, not on '{device}'; use --device auto or cpu")
        self._card = card
        self._session = open_session(card.path)
        inputs = {one.name: one for one in self._session.get_inputs()}
        outputs = {one.name: one for one in self._session.get_outputs()}
        if list(inputs) != [card.input] or card.output not in outputs:
            raise UnusableEncoder(
                f"{card.path} takes {', '.join(inputs)} and gives {', '.join(outputs)}; its settings name the input "
                f"'{card.input}' and the output '{card.output}', and an encoder takes one picture and nothing else"
            )
        taken = inputs[card.input]
        if taken.type not in FLOATS:
            raise UnusableEncoder(f"{card.path} takes {taken.type}, not float32 or float16 pictures: export it again")
        self._float = FLOATS[taken.type]
        wanted = (3, card.height, card.width) if card.layout == "nchw" else (card.height, card.width, 3)
        shape = list(taken.shape)
        fits = len(shape) == 4 and all(
            not isinstance(side, int) or side == want for side, want in zip(shape[1:], wanted, strict=True)
        )
        if not fits:
            raise UnusableEncoder(
                f"{card.path} takes pictures of shape {_shown(shape)}, its settings make (N, {_shown(wanted)[1:]}: "
                "correct size or layout"
            )
        self._batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None
        grey = np.full((2 * card.height, 2 * card.width, 3), 128, np.uint8)
        self.dimension = self.forward(card.prepare([grey])).shape[1]
        if card.dimension not in (None, self.dimension):
            raise UnusableEncoder(
                f"{card.path} gives {self.dimension} numbers, its settings say {card.dimension}: another file?"
            )

    def forward(self, batch: Float32[np.ndarray, "crops _ _ _"]) -> Float32[np.ndarray, "crops dim"]:
        """What the network gives, one vector for each picture; a fixed batch is filled up with black and cut again."""
        step = self._batch or max(1, PIXELS_AT_ONCE // (self._card.height * self._card.width))
        parts = []
        for start in range(0, len(batch), step):
            part = batch[start : start + step]
            if self._batch and len(part) < step:
                part = np.concatenate([part, np.zeros((step - len(part), *part.shape[1:]), np.float32)])
            parts.append(self._run(part))
        return np.concatenate(parts)[: len(batch)]

    def on_one_core(self) -> None:
        """Networks of others may be large: one copy of the weights, and its memory for one batch."""

    def _run(self, batch: np.ndarray) -> np.ndarray:
        card = self._card
        pictures = np.ascontiguousarray(batch, self._float)
        try:
            found = self._session.run([card.output], {card.input: pictures})[0]
        except Exception as error:  # onnxruntime's own errors share no base class
            raise UnusableEncoder(f"{card.path} fails on a batch of {_shown(batch.shape)}: {error}") from error
        if found.ndim != 2 or len(found) != len(batch) or found.shape[1] < 1:
            raise UnusableEncoder(
                f"the output '{card.output}' of {card.path} has the shape {_shown(found.shape)} for {len(batch)} "
                "pictures; an encoder gives (N, D), one vector for each: choose another output, or export it so"
            )
        encodings = found.astype(np.float32, copy=False)
        if not np.isfinite(encodings).all():
            raise UnusableEncoder(f"{card.path} gives numbers that are not finite: are scale, mean and std right?")
        return encodings


def template(path: Path) -> dict[str, Any]:
    """Settings with what the ONNX file itself tells, and null where only its makers know; a known file is all told."""
    session = open_session(path)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape = list(inputs[0].shape) if inputs else []
    known = recipe_for(path.name)
    if known and known["input"] == inputs[0].name and known["output"] in [one.name for one in outputs]:
        return known
    channels_last = len(shape) == 4 and shape[3] == 3 and shape[1] != 3
    sides = shape[1:3] if channels_last else shape[2:4]
    size = list(sides) if len(sides) == 2 and all(isinstance(side, int) for side in sides) else None
    flat = [one for one in outputs if len(one.shape) == 2] or outputs
    width = flat[0].shape[-1] if flat and flat[0].shape else None
    told: dict[str, Any] = dict.fromkeys(NEEDED)
    told |= {
        "name": path.stem,
        "size": size[0] if size and size[0] == size[1] else size,
        "layout": "nhwc" if channels_last else "nchw",
        "input": inputs[0].name if inputs else None,
        "output": flat[0].name if flat else None,
        "dimension": width if isinstance(width, int) else None,
        "licence": None,
    }
    return told


def _shown(shape: Any) -> str:
    return "(" + ", ".join(str(side) if isinstance(side, int) else (side or "?") for side in shape) + ")"
