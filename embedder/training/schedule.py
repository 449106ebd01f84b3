"""What changes over a run, as functions of the share of it that is over."""

from __future__ import annotations

import math

from embedder.training.recipe import Recipe

VALIDATIONS = 10


class Pace:
    """How far a run is, and its learning rate and validations at a `share` of it: 0 at the start, 1 at the end.

    steps, minutes: the run's length, whichever ends first. warm_up: the share in which the learning rate climbs.
    """

    def __init__(
        self,
        *,
        steps: int | None,
        minutes: float | None,
        learning_rate: float,
        warm_up: float,
        validate_every: int | None,
    ) -> None:
        self._steps, self._minutes = steps, minutes
        self._peak, self._warm_up = learning_rate, warm_up
        self._validate_every = validate_every

    def share(self, step: int, seconds: float) -> float:
        """How much of the run is over: of its steps or of its minutes, whichever is more."""
        steps, minutes = self._steps, self._minutes
        return max(step / steps if steps else 0.0, seconds / (60 * minutes) if minutes else 0.0)

    def learning_rate(self, share: float) -> float:
        """Linear warm-up, then half a cosine down to 0 (Loshchilov and Hutter 2017, without restarts)."""
        peak, warm = self._peak, self._warm_up
        if share < warm:
            # Not 0 at the very first step, which would be learnt for nothing.
            return peak * max(share / warm, 1e-2)
        return peak * 0.5 * (1 + math.cos(math.pi * min((share - warm) / (1 - warm), 1.0)))

    def validates(self, step: int, before: float, after: float) -> bool:
        """Whether the step that took the run from one share to another ends with a validation."""
        if after >= 1:
            return True
        if self._validate_every is not None:
            return step % self._validate_every == 0
        return int(before * VALIDATIONS + 1e-9) < int(after * VALIDATIONS + 1e-9)


class Schedule(Pace):
    """The pace of a recipe for encoders, its margin and its input size."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(
            steps=recipe.steps,
            minutes=recipe.minutes,
            learning_rate=recipe.learning_rate,
            warm_up=recipe.warm_up,
            validate_every=recipe.validate_every,
        )
        self._recipe = recipe

    def margin_share(self, share: float) -> float:
        """Of the full margin; it climbs over the first `margin_ramp` of the run."""
        ramp = self._recipe.margin_ramp
        return min(share / ramp, 1.0) if ramp else 1.0

    def side(self, share: float) -> int:
        """Pixels of a side: small at first, where the recipe wants it.

        Learning at a smaller size first costs little of the result and half the time of those steps (Howard and Gugger,
        "fastai: A Layered API for Deep Learning", 2020, call it progressive resizing).
        """
        recipe = self._recipe
        return recipe.small_size if recipe.small_size and share < recipe.small_share else recipe.input_size
