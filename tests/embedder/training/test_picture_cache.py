from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from data.errors import UnreadablePicture
from embedder.training.pictures import CHUNK, cached, decode_square, on_white


def test_decoding_cuts_the_centre_square_as_rgba(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture = np.random.default_rng(0).integers(0, 256, (10, 16, 3), np.uint8)
    cv2.imwrite(str(path), picture)
    square = decode_square(path, 10)
    np.testing.assert_array_equal(square[..., :3], picture[:, 3:13, ::-1])
    assert (square[..., 3] == 255).all()
    assert decode_square(path, 5).shape == (5, 5, 4)


def test_hidden_colours_do_not_bleed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:, :4] = (0, 0, 200, 255)  # red, opaque (OpenCV writes BGR)
    picture[:, 4:] = (0, 255, 0, 0)  # green that nobody sees
    cv2.imwrite(str(path), picture)
    small = decode_square(path, 3)
    assert small[1, 1, 3] in range(100, 156)
    assert small[1, 1, 0] > 190 and small[1, 1, 1] < 5
    laid = on_white(small[None])[0]
    assert laid[0, 2].tolist() == [255, 255, 255]


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    (tmp_path / "b.png").touch()
    for name in ("a.png", "b.png"):
        with pytest.raises(UnreadablePicture, match=name):
            decode_square(tmp_path / name, 8)


def test_transparent_pictures_have_the_limits_of_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (40, 40, 4), np.uint8))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadablePicture):
        decode_square(path, 8)
    path.write_bytes(whole)
    monkeypatch.setattr("data.pictures.MAX_PIXELS", 1000)
    with pytest.raises(UnreadablePicture, match="40 x 40 pixels"):
        decode_square(path, 8)


def test_an_interrupted_cache_is_continued_and_another_key_starts_anew(tmp_path: Path) -> None:
    made: list[int] = []
    fails_at = CHUNK + 5

    def make(position: int) -> np.ndarray:
        if position == fails_at:
            raise KeyboardInterrupt
        made.append(position)
        return np.full((2, 2, 3), position % 256, np.uint8)

    keys = [str(number) for number in range(CHUNK + 40)]
    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path, "some", keys, (2, 2, 3), make)
    fails_at = -1
    made.clear()
    array = cached(tmp_path, "some", keys, (2, 2, 3), make)
    assert made == list(range(CHUNK, CHUNK + 40))
    np.testing.assert_array_equal(array[:, 0, 0, 0], np.arange(CHUNK + 40) % 256)
    made.clear()
    cached(tmp_path, "some", keys, (2, 2, 3), make)
    assert made == []
    cached(tmp_path, "some", [*keys[:-1], "another"], (2, 2, 3), make)
    assert len(made) == CHUNK + 40
