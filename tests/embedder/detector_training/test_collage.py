from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")

from data.errors import UnusableSource
from embedder.detector_training import collage
from embedder.detector_training.box_files import BoxedPicture, read_boxes, write_boxes
from embedder.detector_training.collage import compose
from embedder.detector_training.geometry import share_inside
from embedder.detector_training.scene import Scene
from embedder.detector_training.sprites import Cast, Sprite, collection_of, draw_sprites, gather_cast
from embedder.detector_training.targets import target_of

NONE = np.zeros((0, 4), np.float32)
SIZE = 192


def red_face(side: int = 120) -> Sprite:
    """A red oval on blue; the oval's box is the face."""
    picture = np.zeros((side, side, 4), np.uint8)
    picture[..., 2:] = 255
    box = np.array([[0.25, 0.2, 0.75, 0.8]], np.float32) * side
    middle, half = (int(side * 0.5), int(side * 0.5)), (int(side * 0.25), int(side * 0.3))
    cv2.ellipse(picture, middle, half, 0, 0, 360, (255, 0, 0, 255), -1)
    return Sprite(picture, box, NONE)


def clutter() -> Sprite:
    random = np.random.default_rng(3)
    picture = np.full((64, 64, 4), 255, np.uint8)
    picture[..., 1] = random.integers(100, 256, (64, 64))
    picture[..., 0] = 0
    return Sprite(picture, NONE, NONE)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenes without changes of colour, so that a face stays red."""
    monkeypatch.setattr(collage, "change", lambda view, random, shares: view)
    monkeypatch.setattr(collage, "any_hue", lambda view, random: view)
    monkeypatch.setattr(collage, "write_words", lambda view, random: (0, 0, 0, 0))


@pytest.mark.usefixtures("plain")
def test_boxes_lie_where_the_faces_are() -> None:
    cast = Cast(((red_face(),),), (clutter(),))
    exact = []
    for seed in range(150):
        scene = compose(cast, SIZE, np.random.default_rng(seed))
        boxes, ignore = scene.truth()
        red = scene.view[..., 0] > 80 + scene.view[..., 1:].max(axis=2).astype(int)
        for box in boxes:
            x0, y0, x1, y1 = np.clip(np.round(box), 0, SIZE).astype(int)
            assert red[y0:y1, x0:x1].mean() > 0.25, (seed, box)
        if len(boxes) == 1 and not len(ignore) and share_inside(boxes, SIZE, SIZE)[0] == 1:
            rows, columns = np.nonzero(red)
            if scene.visible.max() > 0.99 and len(rows):
                found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                exact.append(np.allclose(found, boxes[0], atol=3))
    assert len(exact) > 20 and np.mean(exact) > 0.85  # a backdrop may be red too


@pytest.mark.usefixtures("plain")
def test_scenes_are_equal_for_equal_seeds_and_have_every_kind_of_truth() -> None:
    cast = Cast(((red_face(),), (red_face(60), red_face(90))), (clutter(),))
    counts, sides = [], []
    for seed in range(200):
        scene = compose(cast, SIZE, np.random.default_rng(seed))
        again = compose(cast, SIZE, np.random.default_rng(seed))
        assert np.array_equal(scene.view, again.view) and np.array_equal(scene.boxes, again.boxes)
        boxes, ignore = scene.truth()
        counts.append((len(boxes), len(ignore)))
        sides += (boxes[:, 2:] - boxes[:, :2]).max(axis=1).tolist()
        heat = target_of(boxes, ignore, SIZE).heat
        assert (heat.sum() > 0) == (len(boxes) > 0)
    faces = [faces for faces, _ in counts]
    assert min(faces) == 0 and max(faces) >= 4 and max(ignored for _, ignored in counts) > 0
    assert min(sides) < 20 and max(sides) > 120


def test_what_covers_a_face_takes_it_out_of_the_truth() -> None:
    scene = Scene(np.zeros((100, 100, 3), np.uint8))
    shown = np.ones((100, 100), bool)
    scene.add(np.array([[0, 0, 40, 40], [50, 50, 90, 90]], np.float32), NONE, shown)
    cover = np.zeros((100, 100), bool)
    cover[:30, :40] = True  # three quarters of the first face
    scene.cover(cover)
    boxes, ignore = scene.truth()
    assert boxes.tolist() == [[50, 50, 90, 90]] and ignore.tolist() == [[0, 0, 40, 40]]
    cover[:40, :40] = True
    scene.cover(cover)
    assert not len(scene.truth()[1])


def test_drawn_sprites_have_their_true_boxes_and_seeds_apart() -> None:
    first, again, other = (next(iter(draw_sprites(1, seed))) for seed in (5, 5, 6))
    assert np.array_equal(first.picture, again.picture) and not np.array_equal(first.boxes, other.boxes)
    height, width = first.picture.shape[:2]
    assert first.opaque and (first.boxes >= 0).all() and (first.boxes <= [width, height, width, height]).all()


def test_a_cast_is_read_from_a_box_file(tmp_path: Path, paint: Callable[..., Path]) -> None:
    paint(tmp_path / "mine" / "rem" / "1.png", (200, 0, 0), 1)
    paint(tmp_path / "mine" / "ram" / "1.png", (0, 0, 200), 2)
    paint(tmp_path / "empty" / "1.png", (0, 200, 0), 3)
    boxed = {
        "mine/rem/1.png": BoxedPicture(np.array([[1, 2, 20, 30]], np.float32), NONE),
        "mine/ram/1.png": BoxedPicture(NONE, np.array([[1, 2, 20, 30]], np.float32)),
        "empty/1.png": BoxedPicture(NONE, NONE),
        "mine/rem/gone.png": BoxedPicture(np.array([[1, 2, 20, 30]], np.float32), NONE),
    }
    write_boxes(tmp_path / "boxes.json", boxed)
    back = read_boxes(tmp_path / "boxes.json")
    assert back.keys() == boxed.keys()
    assert all(np.array_equal(back[name].boxes, boxed[name].boxes) for name in boxed)
    told: list[str] = []
    cast = gather_cast(tmp_path, back, drawn=2, say=told.append)
    assert [len(one) for one in cast.faces] == [1, 2] and len(cast.clutter) == 1
    assert np.allclose(cast.weights, [1 / (1 + 2**0.5), 2**0.5 / (1 + 2**0.5)])
    assert len(told) == 1 and "gone.png" in told[0]
    assert collection_of("mine/rem/1.png") == "mine" and collection_of("empty/1.png") == "empty"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("no json", "cannot be read"),
        ("[]", "no box file"),
        (json.dumps({"a.png": {"boxes": [[3, 0, 1, 5]]}}), "a.png"),
        (json.dumps({"a.png": {"boxes": [[3, 0, 1]]}}), "a.png"),
        (json.dumps({"a.png": 3}), "a.png"),
    ],
)
def test_an_unusable_box_file_is_named(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "boxes.json").write_text(text)
    with pytest.raises(UnusableSource, match=word):
        read_boxes(tmp_path / "boxes.json")


def test_a_cast_needs_a_face() -> None:
    with pytest.raises(UnusableSource, match="no picture with a face box"):
        Cast((), (clutter(),))
