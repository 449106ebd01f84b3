"""Scenes composed of boxed pictures: their subsets, and that equal counts begin alike."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from bench.known_pictures import COMPOSED, composed_scenes
from embedder.detector_training.box_files import BoxedPicture, write_boxes


def test_each_subset_looks_as_it_is_called(tmp_path: Path, paint: Callable[..., Path]) -> None:
    face, none = np.array([[10, 10, 40, 40]], np.float32), np.zeros((0, 4), np.float32)
    boxed = {}
    for number, colour in enumerate([(220, 30, 30), (30, 30, 220), (220, 220, 30)]):
        paint(tmp_path / "mine" / f"who{number}" / "1.png", colour, number)
        boxed[f"mine/who{number}/1.png"] = BoxedPicture(face, none)
    paint(tmp_path / "clutter" / "1.png", (30, 220, 30), 7)
    boxed["clutter/1.png"] = BoxedPicture(none, none)
    write_boxes(tmp_path / "boxes.json", boxed)
    scenes = list(composed_scenes(tmp_path / "boxes.json", tmp_path, 24))
    assert [scene.subset for scene in scenes] == [*COMPOSED] * 6
    for scene in scenes:
        spread = np.ptp(scene.picture.astype(int), axis=2)
        if scene.subset in COMPOSED[2:]:  # paper may be tinted, the same all over
            assert np.percentile(spread, 99) < 60
    assert any(np.ptp(scene.picture.astype(int), axis=2).max() > 100 for scene in scenes if scene.subset == COMPOSED[0])
    assert sum(len(scene.boxes) for scene in scenes) > 10
    again = list(islice(composed_scenes(tmp_path / "boxes.json", tmp_path, 30), 24))
    assert all(np.array_equal(one.picture, other.picture) for one, other in zip(scenes, again, strict=True))
