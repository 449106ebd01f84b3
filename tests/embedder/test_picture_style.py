"""A picture's style: its views, as large as they may be, and the mean of their encodings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UnreadablePicture
from embedder.picture_style import (
    LONGEST_SIDE,
    bounded,
    encode_views,
    mean_direction,
    see_views,
    style_fingerprint,
)
from embedder.views import picture_views
from tests.drawings import hatched

RED, BLUE = (220, 30, 30), (30, 30, 220)


def test_a_picture_is_seen_as_its_views_at_the_encoders_size(fake_encoder):
    picture = hatched(RED, 200, 300)
    seen = see_views(picture, fake_encoder)
    assert seen.views == tuple(picture_views(picture))
    for view, crop in zip(seen.views, seen.crops, strict=True):
        assert (crop == fake_encoder.fit(view.cut(picture))).all() and crop.shape == (8, 8, 3)
    assert [view.name for view in see_views(picture, fake_encoder, fast=True).views] == ["whole", "centre"]


def test_a_large_picture_is_shrunk_first_and_its_boxes_are_in_its_own_pixels(fake_encoder):
    picture = hatched(RED, 2 * LONGEST_SIDE, LONGEST_SIDE)
    small = bounded(picture)
    assert small.shape == (LONGEST_SIDE, LONGEST_SIDE // 2, 3)
    seen, of_small = see_views(picture, fake_encoder), see_views(small, fake_encoder)
    assert [view.name for view in seen.views] == [view.name for view in of_small.views]
    assert all((one == other).all() for one, other in zip(seen.crops, of_small.crops, strict=True))
    assert [view.box for view in seen.views] == [tuple(2 * edge for edge in view.box) for view in of_small.views]
    assert bounded(small) is small


def test_a_blank_picture_has_no_style(fake_encoder):
    with pytest.raises(UnreadablePicture, match=r"page 3.*one colour"):
        see_views(np.full((200, 200, 3), 250, np.uint8), fake_encoder, name="page 3")


def test_pictures_are_encoded_together_and_told_apart(fake_encoder):
    pictures = [[hatched(RED), hatched(BLUE)], [hatched(BLUE)], [hatched(RED)] * 3]
    together = encode_views(pictures, fake_encoder)
    assert [len(one) for one in together] == [2, 1, 3]
    for crops, encodings in zip(pictures, together, strict=True):
        assert (encodings == fake_encoder.encode(crops)).all()
    assert encode_views([], fake_encoder) == []


@given(st.integers(1, 8), st.integers(0, 99))
def test_the_mean_direction_is_nearest_to_all_together(count, seed):
    encodings = np.random.default_rng(seed).normal(size=(count, 5)).astype(np.float32)
    encodings /= np.linalg.norm(encodings, axis=1, keepdims=True)
    direction = mean_direction(encodings)
    assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-5)
    for other in np.random.default_rng(seed + 1).normal(size=(20, 5)):
        assert (encodings @ direction).sum() >= (encodings @ (other / np.linalg.norm(other))).sum() - 1e-4


def test_a_single_encoding_stays_as_it_is():
    encoding = np.array([[0.6, 0.8]], np.float32)
    assert (mean_direction(encoding) == encoding[0]).all()


def test_another_encoder_is_another_space():
    assert style_fingerprint("a") != style_fingerprint("b") != "b"
