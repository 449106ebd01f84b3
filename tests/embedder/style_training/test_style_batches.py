from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="style training needs torch; install kaodex[train]")

from embedder.style_training.batches import Shares, Walls, _varied
from embedder.style_training.crops import style_crop
from embedder.style_training.paintings import FAN_ART, HALF_BODIES, PORTRAITS, Painting

SHARES = Shares(studios=2, studio_artists=3, studio_pictures=2, fan_pictures=4, labelled_artists=3, labelled_pictures=2)


def flat(value: int) -> np.ndarray:
    """A picture whose hue says which it is, with black lines in it so that it is no empty one."""
    picture = np.full((40, 40, 3), (value, 255 - value, 90), np.uint8)
    picture[::4] = 0
    return picture


@pytest.fixture
def walls() -> Walls:
    paintings = [Painting(FAN_ART, f"source {number}", f"who {number % 2}", Path("x")) for number in range(20)]
    for collection in (HALF_BODIES, PORTRAITS):
        paintings += [
            Painting(collection, f"artist {number % 4}", f"{collection} {number % 12}", Path("x"))
            for number in range(24)
        ]
    studios = np.stack(
        [np.stack([np.stack([flat(40 * s + 10 * a + c) for c in range(4)]) for a in range(5)]) for s in range(3)]
    )
    return Walls(paintings, [flat(3 * place) for place in range(len(paintings))], studios)


def test_a_batch_depends_on_seed_and_step_alone(walls: Walls) -> None:
    one, again, next_one = walls.batch(1, 5, 32, SHARES), walls.batch(1, 5, 32, SHARES), walls.batch(1, 6, 32, SHARES)
    for found, expected in zip(again, one, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(one.pictures, next_one.pictures)


def test_groups_hold_one_kind_each_and_artists_are_in_one_group(walls: Walls) -> None:
    batch = walls.batch(1, 0, 32, SHARES)
    assert np.bincount(batch.groups).tolist() == [6, 6, 8, 6, 6]
    for artist in np.unique(batch.artists):
        own = batch.groups[batch.artists == artist]
        assert len(own) == 2 and len(set(own.tolist())) == 1
    assert batch.pictures.shape == (32, 3, 32, 32)


def test_in_a_studio_every_artist_shows_the_same_characters_and_none_twice() -> None:
    # Each picture is of one grey of its own: what is in a view can be read from it.
    studios = np.empty((1, 4, 5, 40, 40, 3), np.uint8)
    for artist in range(4):
        for character in range(5):
            studios[0, artist, character] = 60 + 20 * artist + 4 * character
            studios[0, artist, character, ::2] = 0
    batch = Walls([], [], studios).batch(3, 0, 40, Shares(studios=1, studio_artists=4, studio_pictures=3))
    greys = (np.array([one.max() for one in batch.pictures]) * 0.25 + 0.5) * 255
    shown: dict[int, set[int]] = {}
    for artist, grey in zip(batch.artists.tolist(), greys.tolist(), strict=True):
        shown.setdefault(artist, set()).add(round(grey))
    assert [len(one) for one in shown.values()] == [3] * 4


def test_labelled_artists_show_as_many_characters_as_they_can() -> None:
    random = np.random.default_rng(0)
    subjects = {"a": [0, 1, 2, 3], "b": [4], "c": [5, 6]}
    for _ in range(20):
        shown = sorted("aaaabcc"[place] for place in _varied(subjects, 3, random))
        assert shown == ["a", "b", "c"]
    assert len(_varied({"a": [7]}, 4, random)) == 4


def test_pictures_must_be_as_many_as_paintings() -> None:
    with pytest.raises(ValueError, match="1 paintings, but 0 pictures"):
        Walls([Painting(FAN_ART, "a", "b", Path("x"))], [], np.empty((0, 1, 1, 8, 8, 3), np.uint8))


def test_a_crop_keeps_hues_and_avoids_empty_places() -> None:
    picture = np.full((120, 120, 3), 255, np.uint8)
    picture[:60] = (200, 40, 40)
    picture[:60:3] = 0
    shown = 0
    for seed in range(30):
        view = style_crop(picture, 32, np.random.default_rng(seed))
        assert view.shape == (32, 32, 3)
        coloured = view[view.max(axis=2).astype(int) - view.min(axis=2) > 60].astype(int)
        if len(coloured):
            shown += 1
            assert np.median(coloured[:, 0] - coloured[:, 1]) > 60
            assert abs(np.median(coloured[:, 1] - coloured[:, 2])) < 30
    assert shown >= 28
