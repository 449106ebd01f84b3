from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.drawn import draw_face, draw_scene
from data.errors import UnreadablePicture
from embedder.views import MOST_PATCHES, PATCH, View, picture_views


def white(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    return np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)[:height, :width]


def page_of_text(height: int, width: int, *, japanese: bool = False, ink: int = 0, size: int = 20) -> np.ndarray:
    page = white(height, width)
    for row, y in enumerate(range(size + 4, height, int(size * 1.6))):
        if japanese:
            face, line = cv2.FontFace("uni"), ("日本語の漢字とかなで書く文章です。" * 9)[row:]
            cv2.putText(page, line, (2, y), (ink, ink, ink), face, size)
        else:
            line = ("who drew this picture and when? " * 9)[row:]
            cv2.putText(page, line, (2, y), cv2.FONT_HERSHEY_SIMPLEX, size / 30, (ink, ink, ink), 1, cv2.LINE_AA)
    return page


def names(picture: np.ndarray, **options: bool) -> list[str]:
    return [view.name for view in picture_views(picture, **options)]


def patches(picture: np.ndarray) -> list[View]:
    return [view for view in picture_views(picture) if view.name.startswith("patch")]


def test_a_picture_full_of_drawing_has_every_view_with_its_place() -> None:
    views = {view.name: view.box for view in picture_views(noise(192, 288))}
    assert views == {
        "whole": (0, 0, 288, 192),
        "centre": (48, 0, 240, 192),
        "quarter 1": (24, 0, 120, 96),
        "quarter 2": (168, 0, 264, 96),
        "quarter 3": (24, 96, 120, 192),
        "quarter 4": (168, 96, 264, 192),
        **{f"patch {r + 1},{c + 1}": (96 * c, 96 * r, 96 * c + 96, 96 * r + 96) for r in range(2) for c in range(3)},
    }


def test_fast_is_the_whole_and_the_centre() -> None:
    assert names(noise(192, 288), fast=True) == ["whole", "centre"]


def test_cells_overlap_rather_than_leave_the_picture() -> None:
    boxes = [view.box for view in patches(noise(100, 200))]
    assert boxes == [(0, 0, 96, 96), (52, 0, 148, 96), (104, 0, 200, 96), (0, 4, 96, 100), (52, 4, 148, 100),
                     (104, 4, 200, 100)]  # fmt: skip


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour_is_refused(value: int) -> None:
    with pytest.raises(UnreadablePicture, match=r"page\.png: it is of one colour"):
        picture_views(np.full((300, 300, 3), value, np.uint8), name="page.png")


def test_a_slow_gradient_and_faint_noise_show_nothing() -> None:
    gradient = np.broadcast_to(np.linspace(0, 255, 400).astype(np.uint8)[None, :, None], (400, 400, 3)).copy()
    grain = np.random.default_rng(0).integers(250, 256, (400, 400, 3), np.uint8)
    for picture in (gradient, grain):
        with pytest.raises(UnreadablePicture):
            picture_views(picture)


def test_patches_of_one_colour_and_empty_margins_are_dropped() -> None:
    picture = white(480, 480)
    picture[192:288, 192:288] = noise(96, 96)
    assert [view.name for view in patches(picture)] == ["patch 3,3"]
    picture[:96] = 0
    picture[384:] = (200, 30, 60)
    assert [view.name for view in patches(picture)] == ["patch 3,3"]
    assert "quarter 1" in names(picture)


def test_a_tone_of_dots_is_drawing_and_its_margin_is_none() -> None:
    picture = white(192, 288)
    rows, columns = np.mgrid[:192, :192]
    picture[:, :192][(rows % 6 < 3) & (columns % 6 < 3)] = 0
    assert {view.name for view in patches(picture)} == {"patch 1,1", "patch 1,2", "patch 2,1", "patch 2,2"}


@pytest.mark.parametrize("ink", [0, 60])
@pytest.mark.parametrize("size", [14, 20, 28])
@pytest.mark.parametrize("japanese", [False, True])
def test_a_page_of_text_is_refused(japanese: bool, size: int, ink: int) -> None:
    with pytest.raises(UnreadablePicture, match="nothing but text"):
        picture_views(page_of_text(384, 384, japanese=japanese, size=size, ink=ink))


def test_a_drawing_in_colours_of_one_grey_is_no_text() -> None:
    picture = page_of_text(96, 96)
    picture[:, :40] = (0, 216, 255)  # a grey of 154, as the next one
    picture[:, 40:] = np.where(picture[:, 40:] > 128, np.uint8([154, 154, 154]), 0)
    picture[:, :40][page_of_text(96, 40) < 128] = 0
    assert names(picture)[0] == "whole"


def test_text_beside_a_drawing_is_dropped() -> None:
    picture = page_of_text(288, 384)
    picture[:, :192] = noise(288, 192)
    assert {view.name for view in patches(picture)} == {
        f"patch {row},{column}" for row in (1, 2, 3) for column in (1, 2)
    }


@pytest.mark.parametrize("seed", range(12))
def test_drawn_faces_are_drawings_in_any_mode_of_light(seed: int) -> None:
    picture = draw_face(seed, seed, seed, 192)
    assert names(picture)[:2] == ["whole", "centre"]
    assert len(patches(picture)) >= 2


def test_line_drawings_are_no_text() -> None:
    kept = 0
    for seed in range(8):
        grey = cv2.cvtColor(draw_face(seed, seed, seed, 288), cv2.COLOR_RGB2GRAY)
        around = cv2.GaussianBlur(grey, (0, 0), 2)
        lines = cv2.addWeighted(grey, 6, around, -6, 255)
        kept += len(patches(cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB)))
    assert kept >= 8 * 5


def test_a_large_picture_has_a_bounded_number_of_views_where_the_drawing_is() -> None:
    picture = white(2400, 3600)
    scene = draw_scene([1, 2], 3, 4, (1200, 900)).picture
    picture[700:1600, 1200:2400] = scene
    views = picture_views(picture)
    found = [view.box for view in views if view.name.startswith("patch")]
    assert 5 <= len(found) <= MOST_PATCHES and len(views) <= MOST_PATCHES + 6
    for left, top, right, bottom in found:
        assert right - left == bottom - top == PATCH
        assert right > 1200 and left < 2400 and bottom > 700 and top < 1600


def test_a_drawing_between_the_cells_leaves_the_large_views() -> None:
    picture = white(3000, 3000)
    picture[1400:1420, 1400:1420] = 0
    cv2.circle(picture, (1500, 1500), 1300, (0, 0, 0), 40)
    assert names(picture)[0] == "whole"


def test_a_view_is_cut_from_its_box_and_the_whole_is_mirrored_to_a_square() -> None:
    picture = noise(40, 64)
    whole, centre = picture_views(picture)[:2]
    np.testing.assert_array_equal(centre.cut(picture), picture[:, 12:52])
    square = whole.cut(picture)
    assert square.shape == (64, 64, 3)
    np.testing.assert_array_equal(square[12:52], picture)
    np.testing.assert_array_equal(square[11], picture[1])
    np.testing.assert_array_equal(square[52], picture[38])


def test_a_long_strip_is_cut_without_filling_the_memory() -> None:
    strip = noise(16, 40_000)
    views = picture_views(strip)
    assert len(views) <= MOST_PATCHES + 6
    assert max(view.cut(strip).shape[0] for view in views) <= 512


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 5))
def test_views_lie_in_the_picture_and_are_named_once(height: int, width: int, seed: int) -> None:
    picture = noise(height, width, seed)
    try:
        views = picture_views(picture)
    except UnreadablePicture:
        return
    assert len({view.name for view in views}) == len(views) <= MOST_PATCHES + 6
    for view in views:
        left, top, right, bottom = view.box
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        square = view.cut(picture)
        assert square.shape[0] == square.shape[1] and square.dtype == np.uint8
    assert picture_views(picture, fast=True) == [v for v in views if v.name in ("whole", "centre")]
