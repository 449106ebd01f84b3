"""Settings of encoders of others that are known by their file: what their makers feed them, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CCIP: dict[str, Any] = {
    "name": "ccip",
    "size": 384,
    "resize": "stretch",
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "scale": 255,
    "colour": "rgb",
    "layout": "nchw",
    "input": "input",
    "output": "output",
    "dimension": 768,
    "licence": None,
}
"""The community's character encoder CCIP, file `model_feat.onnx`; alpha lies on white before it is asked."""

RECIPES: Mapping[str, dict[str, Any]] = {"model_feat.onnx": CCIP}
"""By the name of the ONNX file."""


def recipe_for(file: str) -> dict[str, Any] | None:
    """A copy of the settings for an ONNX file of this name; None where nothing is known of it.

    >>> recipe_for("model_feat.onnx")["size"]
    384
    """
    return dict(RECIPES[file]) if file in RECIPES else None
