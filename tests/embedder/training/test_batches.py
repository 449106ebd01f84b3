from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

from data.errors import UnusableSource
from embedder.training.batches import Batches
from embedder.training.identities import Identity
from embedder.training.material import Material, check_material, collect_material, collection_shares
from embedder.training.recipe import Recipe

RECIPE = Recipe(
    input_size=24,
    batch=60,
    recolour=2,
    drawn=3,
    augmentation="none",
    mirror=False,
    weights={"drawn": 1.0, "loose": 1.0},
)


@pytest.fixture
def people(tmp_path: Path) -> tuple[list[Identity], list[Identity]]:
    """Two real identities, red and yellow, and two single pictures, white and black."""
    colours = {"red": (0, 0, 250), "yellow": (0, 250, 250), "white": (255, 255, 255), "black": (0, 0, 0)}
    files = {}
    for name, colour in colours.items():
        files[name] = tmp_path / f"{name}.png"
        cv2.imwrite(str(files[name]), np.full((32, 32, 3), colour, np.uint8))
    return (
        [Identity("real", name, (files[name],)) for name in ("red", "yellow")],
        [Identity("loose", name, (files[name],)) for name in ("white", "black")],
    )


@pytest.fixture
def material(people: tuple[list[Identity], list[Identity]], tmp_path: Path) -> Material:
    return collect_material(RECIPE, *people, tmp_path / "cache")


def test_every_colouring_and_picture_has_its_label(material: Material) -> None:
    assert (material.real, material.stored, material.first_drawn, material.identities) == (2, 4, 8, 11)
    assert material.labels.tolist() == [0, 1, 6, 7, *np.repeat([8, 9, 10], 4)]
    batch = Batches(RECIPE, material, 1).at(0, 24)
    assert set(batch.labels.tolist()) >= {6, 7, 8, 9, 10}
    middle = (batch.pictures[:, :, 12, 12] * 0.25 + 0.5) * 255
    hues = {0: (250, 0, 0), 2: (0, 250, 0), 4: (0, 0, 250), 1: (250, 250, 0), 3: (0, 250, 250), 5: (250, 0, 250)}
    colours = {**hues, 6: (255, 255, 255), 7: (0, 0, 0)}
    for label, pixel in zip(batch.labels.tolist(), middle, strict=True):
        if label in colours:
            np.testing.assert_allclose(pixel, colours[label], atol=6)
    seen = {label for step in range(20) for label in Batches(RECIPE, material, 1).at(step, 24).labels.tolist()}
    assert seen == set(range(11))


def test_processes_share_one_batch(material: Material) -> None:
    whole = Batches(RECIPE, material, 2).at(3, 24)
    parts = [Batches(RECIPE, material, 2, process=one, processes=3).at(3, 24) for one in range(3)]
    for number, part in enumerate(parts):
        np.testing.assert_array_equal(part.labels, whole.labels[number::3])
        np.testing.assert_array_equal(part.pictures, whole.pictures[number::3])


def test_a_teacher_knows_pictures_in_their_own_colours(material: Material) -> None:
    taught = np.eye(4, dtype=np.float32)
    batch = Batches(RECIPE, material, 1, taught=taught).at(1, 24)
    for label, row in zip(batch.labels.tolist(), batch.taught, strict=True):
        expected = {0: 0, 1: 1, 6: 2, 7: 3}.get(label)
        np.testing.assert_array_equal(row, np.zeros(4) if expected is None else taught[expected])


def test_plain_pictures_show_every_label(material: Material) -> None:
    pictures, labels = (np.concatenate(one) for one in zip(*Batches(RECIPE, material, 1).plain(), strict=True))
    assert sorted(set(labels.tolist())) == list(range(11)) and pictures.shape[1:] == (3, 24, 24)


def test_shares(people: tuple[list[Identity], list[Identity]]) -> None:
    assert collection_shares(RECIPE, *people) == (1.0, 1.0, 1.0)
    assert collection_shares(Recipe(drawn=5), *people) == (1.0, 0.2, 0.2)
    both = [*people[0], Identity("more", "blue", people[0][0].files * 4)]
    assert collection_shares(Recipe(weights={"more": 3.0}), both, []) == pytest.approx((0.5, 1.5))
    with pytest.raises(UnusableSource, match="'drawn', but the collections are real, loose"):
        collection_shares(Recipe(weights={"drawn": 1.0}), *people)
    with pytest.raises(UnusableSource, match="give it once"):
        check_material(Recipe(), people[0], people[0])


def test_a_collection_without_a_readable_picture_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    broken = [Identity("broken", "a", (tmp_path / "a.png",))]
    with pytest.raises(UnusableSource, match="no picture of broken"):
        collect_material(Recipe(input_size=24), broken, [], tmp_path / "cache")
