"""What the documents tell of encoders of others is what is built in."""

import json
import re
from pathlib import Path

from embedder.foreign_settings import NEEDED, TOLD
from embedder.recipes import CCIP, recipe_for

DOCUMENT = (Path(__file__).parents[2] / "docs" / "encoders.md").read_text()


def test_the_document_shows_ccip_as_it_is() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", DOCUMENT, re.S)
    assert json.loads(shown) == CCIP == recipe_for("model_feat.onnx")
    assert recipe_for("other.onnx") is None


def test_every_setting_is_told() -> None:
    for field in (*NEEDED, *TOLD):
        assert f"`{field}`" in DOCUMENT, field


def test_a_recipe_is_a_copy() -> None:
    recipe = recipe_for("model_feat.onnx")
    assert recipe is not None
    recipe["name"] = "another"
    assert recipe_for("model_feat.onnx") == CCIP
