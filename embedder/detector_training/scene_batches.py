"""Batches of scenes: what a step learns from, made from the recipe's seed and the step's number alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from embedder.detector_training.collage import compose
from embedder.detector_training.recipe import DetectorRecipe
from embedder.detector_training.sprites import Cast
from embedder.detector_training.targets import Target, target_of

AHEAD = 2
"""Batches that are composed before they are asked for."""


class SceneBatch(NamedTuple):
    """Scenes and what the network should say of them."""

    views: UInt8[np.ndarray, "scenes size size 3"]
    target: Target


def scene_batch(cast: Cast, recipe: DetectorRecipe, step: int) -> SceneBatch:
    """The batch of a step; equal for equal recipes and casts, so that a resumed run meets what it would have met."""
    views, targets = [], []
    for number in range(recipe.batch):
        scene = compose(cast, recipe.scene, np.random.default_rng([recipe.seed, step, number]))
        views.append(scene.view)
        targets.append(target_of(*scene.truth(), recipe.scene))
    return SceneBatch(np.stack(views), Target(*(np.stack(parts) for parts in zip(*targets, strict=True))))


@contextmanager
def scene_batches(cast: Cast, recipe: DetectorRecipe, step: int) -> Iterator[Iterator[SceneBatch]]:
    """Yield the batches from a step on, without an end, composed in a thread while the network learns."""
    with ThreadPoolExecutor(1, thread_name_prefix="scenes") as pool:

        def batches() -> Iterator[SceneBatch]:
            waiting = [pool.submit(scene_batch, cast, recipe, step + ahead) for ahead in range(AHEAD)]
            for coming in range(step + AHEAD, 1 << 62):
                yield waiting.pop(0).result()
                waiting.append(pool.submit(scene_batch, cast, recipe, coming))

        yield batches()
        pool.shutdown(cancel_futures=True)
