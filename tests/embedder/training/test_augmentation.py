from __future__ import annotations

import colorsys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.training import augmentation
from embedder.training.augmentation import (
    AUGMENTATIONS,
    BY_NAME,
    CHANGES,
    augment,
    background,
    lay_on,
    move,
    opaque,
    posterise,
)

VARIED = [kind for kind in AUGMENTATIONS if kind != "none"]


def noise_picture(seed: int, side: int = 32, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, channels), np.uint8)


def hue(colour: np.ndarray) -> float:
    return 360 * colorsys.rgb_to_hsv(*(colour / 255))[0]


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([3, 4]),
    st.sampled_from([24, 40]),
    st.sampled_from(AUGMENTATIONS),
    st.booleans(),
)
def test_a_view_is_a_picture_and_repeats(seed: int, channels: int, size: int, kind: str, mirror: bool) -> None:
    picture = noise_picture(seed, channels=channels)
    before = picture.copy()
    view = augment(picture, size, np.random.default_rng(seed), kind, mirror)
    assert view.shape == (size, size, 3) and view.dtype == np.uint8
    np.testing.assert_array_equal(view, augment(picture, size, np.random.default_rng(seed), kind, mirror))
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("kind", VARIED)
def test_views_differ(kind: str) -> None:
    picture, random = noise_picture(0), np.random.default_rng(0)
    views = {augment(picture, 24, random, kind).tobytes() for _ in range(50)}
    assert len(views) == 50


def test_kinds_are_known_by_name() -> None:
    with pytest.raises(ValueError, match="one of none, plain, drawings, hand-drawn, not 'wild'"):
        augment(noise_picture(0), 24, np.random.default_rng(0), "wild")


def test_memory_maps_are_read_and_left_alone() -> None:
    picture = noise_picture(0, channels=4)
    picture.setflags(write=False)
    for kind in AUGMENTATIONS:
        for seed in range(20):
            augment(picture[..., :3], 24, np.random.default_rng(seed), kind)
            augment(picture, 24, np.random.default_rng(seed), kind)


def test_none_is_a_plain_resize_on_white() -> None:
    picture = noise_picture(1, side=36, channels=4)
    alpha = picture[..., 3:] / 255
    white = np.floor(picture[..., :3] * alpha + 255 * (1 - alpha) + 0.5)
    halved = white.reshape(18, 2, 18, 2, 3).mean(axis=(1, 3))
    random = np.random.default_rng(0)
    state = random.bit_generator.state
    np.testing.assert_allclose(augment(picture, 18, random, "none"), halved, atol=0.76)
    assert random.bit_generator.state == state
    np.testing.assert_array_equal(augment(picture[..., :3], 36, random, "none"), picture[..., :3])


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_keeps_the_shape_and_the_original(name: str) -> None:
    for side in (17, 31, 96):
        picture = cv2.GaussianBlur(noise_picture(0, side), (0, 0), 3)
        before = picture.copy()
        views = [BY_NAME[name](picture, np.random.default_rng(seed)) for seed in range(30)]
        assert {(view.shape, view.dtype) for view in views} == {(picture.shape, np.dtype(np.uint8))}
        assert any((view != picture).any() for view in views)
        np.testing.assert_array_equal(picture, before)
        again = BY_NAME[name](picture, np.random.default_rng(7))
        np.testing.assert_array_equal(again, views[7])


def test_every_change_is_in_the_table_and_none_is_made_of_share_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(CHANGES) == set(BY_NAME)
    made: list[str] = []
    for name in CHANGES:
        monkeypatch.setitem(BY_NAME, name, lambda view, random, name=name: (made.append(name), view)[1])
    random, view = np.random.default_rng(0), noise_picture(0)
    for _ in range(2000):
        augmentation.change(view, random, {**CHANGES, "blur": 0.0})
    assert "blur" not in made
    for name, share in CHANGES.items():
        if name != "blur":
            assert made.count(name) / 2000 == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 2000))


@pytest.mark.parametrize("degrees", [0, 36, 126, 216, 288])
def test_hue_is_nearly_untouched(degrees: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("grey", "line_art", "screentone", "cover_corner", "frame", "erase"):
        monkeypatch.setitem(CHANGES, name, 0.0)
    picture = np.full((32, 32, 3), np.array(colorsys.hsv_to_rgb(degrees / 360, 0.6, 0.7)) * 255, np.uint8)
    monkeypatch.setattr(augmentation, "background", lambda size, random: np.full((size, size, 3), picture[0, 0]))
    moved = []
    for seed in range(400):
        seen = augment(picture, 24, np.random.default_rng(seed))[4:20, 4:20].mean(axis=(0, 1))
        moved.append(abs((hue(seen) - degrees + 180) % 360 - 180))
    assert np.median(moved) < 6
    assert np.percentile(moved, 95) < 18


@pytest.mark.parametrize("name", ["contours", "posterise", "paint", "soft_light", "vignette", "coarsen", "blur"])
def test_changes_of_style_keep_hue(name: str) -> None:
    colour = np.array([170, 90, 120], np.uint8)
    for seed in range(50):
        view = BY_NAME[name](np.full((24, 24, 3), colour), np.random.default_rng(seed))
        assert abs(hue(view[12, 12]) - hue(colour)) < 4


@pytest.mark.parametrize("name", ["line_art", "screentone"])
def test_views_without_colour_have_none(name: str) -> None:
    view = BY_NAME[name](noise_picture(0), np.random.default_rng(0))
    assert (view == view[..., :1]).all()


def test_posterising_leaves_few_tones() -> None:
    ramp = np.repeat(np.repeat(np.arange(128, dtype=np.uint8)[None, :, None] * 2, 128, axis=0), 3, axis=2)
    for seed in range(20):
        assert 5 <= len(np.unique(posterise(ramp, np.random.default_rng(seed)))) <= 10


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_colours_under_transparency_never_show(kind: str) -> None:
    alpha = np.zeros((40, 40, 1), np.uint8)
    cv2.circle(alpha, (20, 20), 12, 255, -1)
    drawn = noise_picture(0, 40)
    hidden = [np.where(alpha > 0, drawn, np.uint8(value)) for value in (0, 90, 255)]
    for seed in range(60):
        views = [augment(np.concatenate([one, alpha], axis=2), 32, np.random.default_rng(seed), kind) for one in hidden]
        np.testing.assert_array_equal(views[0], views[1])
        np.testing.assert_array_equal(views[0], views[2])


def test_no_colour_stands_for_transparency() -> None:
    empty = np.zeros((16, 16, 4), np.uint8)
    middles = [move(empty, 16, np.random.default_rng(seed))[8, 8] for seed in range(400)]
    colours, counts = np.unique(middles, axis=0, return_counts=True)
    assert colours[counts.argmax()].tolist() == [255, 255, 255] and 0.2 < counts.max() / 400 < 0.4
    assert np.sort(counts)[-2] < 8


def test_backgrounds_are_often_white() -> None:
    backgrounds = [background(8, np.random.default_rng(seed)) for seed in range(400)]
    assert 0.2 < np.mean([bool((one == 255).all()) for one in backgrounds]) < 0.4


def test_laying_on_a_background_is_the_formula() -> None:
    picture, behind = noise_picture(3, 20, 4), noise_picture(4, 20)
    alpha = picture[..., 3:] / 255
    weighed = np.concatenate([picture[..., :3] * alpha + 0.5, picture[..., 3:]], axis=2).astype(np.uint8)
    expected = picture[..., :3] * alpha + behind * (1 - alpha)
    np.testing.assert_allclose(lay_on(behind, weighed), expected, atol=1.01)


def test_opaque_is_white_behind_alpha() -> None:
    assert opaque(np.zeros((2, 2, 4), np.uint8)).tolist() == np.full((2, 2, 3), 255).tolist()


def test_moving_keeps_the_middle_in_sight_from_tight_to_wide() -> None:
    picture = np.zeros((48, 48, 3), np.uint8)
    picture[18:30, 18:30, 0] = 255
    areas = []
    for seed in range(300):
        seen = move(picture, 48, np.random.default_rng(seed)).astype(int)
        red = (seen[..., 0] > 200) & (seen[..., 1] < 20) & (seen[..., 2] < 20)
        assert red.sum() > 20
        areas.append(red.sum())
    assert min(areas) < 0.45 * 144 and max(areas) > 1.5 * 144


def handedness(view: np.ndarray) -> float:
    """Above 0 where a red half lies to the left of a blue half."""
    columns = np.arange(view.shape[1])
    red = np.clip(view[..., 0].astype(float) - view[..., 2], 0, None).sum(axis=0)
    blue = np.clip(view[..., 2].astype(float) - view[..., 0], 0, None).sum(axis=0)
    return float((columns * blue).sum() / blue.sum() - (columns * red).sum() / red.sum())


@pytest.mark.parametrize("kind", ["plain", "drawings"])
@pytest.mark.parametrize("channels", [3, 4])
def test_views_are_mirrored_half_of_the_time_or_never(
    kind: str, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CHANGES:
        monkeypatch.setitem(CHANGES, name, 0.0)
    monkeypatch.setattr(augmentation, "erase", lambda view, random, most: view)
    monkeypatch.setattr(augmentation, "colourless", lambda view: view)
    monkeypatch.setattr(augmentation, "stretched_patch", lambda picture, size, random: background(size, random))
    monkeypatch.setattr(augmentation, "background", lambda size, random: np.zeros((size, size, 3), np.uint8))
    picture = np.zeros((40, 40, channels), np.uint8)
    picture[..., -1] = 255
    picture[:, :20, :3], picture[:, 20:, :3] = (255, 0, 0), (0, 0, 255)
    sides = {
        mirror: [handedness(augment(picture, 32, np.random.default_rng(seed), kind, mirror)) > 0 for seed in range(300)]
        for mirror in (True, False)
    }
    assert 0.4 < np.mean(sides[True]) < 0.6
    assert all(sides[False])


def test_what_lies_beyond_the_border_is_not_mirrored_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augmentation, "REFLECTED", 1.0)
    picture = np.full((40, 40, 3), 255, np.uint8)
    picture[4:36, 4:36] = 0  # ink within a border of white paper: a mirror behind the border shows it again
    inks = {
        mirror: [
            cv2.connectedComponents(
                (move(picture, 40, np.random.default_rng(seed), mirror)[..., 0] < 128).view(np.uint8)
            )[0]
            for seed in range(100)
        ]
        for mirror in (True, False)
    }
    assert set(inks[False]) == {2}  # the ground and one piece of ink
    assert max(inks[True]) > 2


def test_erasing_covers_no_more_than_it_may() -> None:
    view = np.full((60, 60, 3), 7, np.uint8)
    for most in (0.05, 0.12, 0.2):
        covered = [
            (augmentation.erase(view, np.random.default_rng(seed), most) != 7).any(axis=2).mean() for seed in range(200)
        ]
        assert 0.8 * most < max(covered) < 1.2 * most + 0.01 and min(covered) > 0.02
