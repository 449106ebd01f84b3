from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

from data.errors import UnusableEncoder
from embedder.training.recipe import Recipe
from embedder.training.schedule import Schedule


def test_schedules() -> None:
    schedule = Schedule(Recipe(steps=1000, warm_up=0.1, learning_rate=1.0, margin_ramp=0.2))
    assert [schedule.learning_rate(share) for share in (0.05, 0.1, 0.55, 1.0)] == pytest.approx([0.5, 1.0, 0.5, 0.0])
    assert 0 < schedule.learning_rate(0.0) < 0.02
    assert [schedule.margin_share(share) for share in (0.0, 0.1, 0.2, 0.9)] == pytest.approx([0.0, 0.5, 1.0, 1.0])
    assert Schedule(Recipe(margin_ramp=0.0)).margin_share(0.0) == 1.0


def test_a_run_ends_by_steps_or_by_time() -> None:
    assert Schedule(Recipe(steps=100)).share(25, seconds=1e6) == 0.25
    assert Schedule(Recipe(steps=None, minutes=2.0)).share(10**6, seconds=30.0) == 0.25
    assert Schedule(Recipe(steps=100, minutes=2.0)).share(50, seconds=30.0) == 0.5
    assert Schedule(Recipe(steps=100, minutes=2.0)).share(50, seconds=90.0) == 0.75


def test_small_pictures_come_first() -> None:
    schedule = Schedule(Recipe(input_size=96, small_size=64, small_share=0.5))
    assert [schedule.side(share) for share in (0.0, 0.49, 0.5, 1.0)] == [64, 64, 96, 96]


@pytest.mark.parametrize("steps", [30, 1000, 7])
def test_ten_validations_and_the_last_step(steps: int) -> None:
    schedule = Schedule(Recipe(steps=steps))
    found = [step for step in range(1, steps + 1) if schedule.validates(step, (step - 1) / steps, step / steps)]
    assert found[-1] == steps and len(found) == min(10, steps)
    every = Schedule(Recipe(steps=steps, validate_every=4))
    found = [step for step in range(1, steps + 1) if every.validates(step, (step - 1) / steps, step / steps)]
    assert found == sorted({*range(4, steps + 1, 4), steps})


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0}, {"warm_up": 1.5}, {"margin": 28.6}, {"scale": -1.0}, {"loss": "no such"}, {"balance": "even"},
        {"precision": "fp8"}, {"small_size": 64}, {"small_size": 128, "small_share": 0.5}, {"miner": "gold"},
        {"batch": 10, "accumulate": 3}, {"weights": {"a": -1.0}}, {"recolour": -1}, {"minutes": 0.0},
        {"weight_decay": -0.1},
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).replace("_", ".")):
        Recipe(**wrong)


def test_a_run_needs_an_end() -> None:
    with pytest.raises(ValueError, match="needs an end"):
        Recipe(steps=None)


def test_arguments_are_plain_and_a_recipe_is_json() -> None:
    with pytest.raises(UnusableEncoder, match="plain JSON"):
        Recipe(arguments={"act_layer": object()})
    assert json.loads(Recipe().as_json())["loss"] == "arcface"
    assert Recipe(seed=1).digest == Recipe().digest != Recipe(seed=2).digest
