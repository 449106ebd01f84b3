from __future__ import annotations

import json

import pytest

pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

from data.errors import UnusableEncoder
from embedder.training.recipe import Recipe


def test_schedules() -> None:
    recipe = Recipe(steps=1000, warm_up=0.1, learning_rate=1.0, margin=0.4, margin_ramp=0.2, drawn_characters=9)
    assert recipe.learning_rate_at(0) == pytest.approx(1 / 101)
    assert recipe.learning_rate_at(99) == pytest.approx(100 / 101)
    assert recipe.learning_rate_at(100) == 1.0
    assert recipe.learning_rate_at(550) == pytest.approx(0.5)
    assert recipe.learning_rate_at(1000) == pytest.approx(0.0)
    assert [recipe.margin_at(step) for step in (0, 100, 200, 900)] == pytest.approx([0.0, 0.2, 0.4, 0.4])
    shares = [recipe.drawn_share_at(step) for step in (0, 250, 900)]
    assert shares == pytest.approx([recipe.drawn_first, recipe.drawn_last, recipe.drawn_last])
    assert Recipe(drawn_characters=0).drawn_share_at(0) == 0


def test_digest_follows_the_settings() -> None:
    assert Recipe().digest == Recipe().digest
    assert len({Recipe().digest, Recipe(steps=1).digest, Recipe(margin=0.31).digest}) == 3
    assert json.loads(Recipe().as_json())["margin"] == 0.3


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"margin": 28.6}, {"warm_up": 1.5}, {"drawn_last": -0.1}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Recipe(**wrong)  # type: ignore[arg-type]


def test_arguments_are_plain() -> None:
    with pytest.raises(UnusableEncoder, match="plain JSON"):
        Recipe(arguments={"act_layer": object()})
