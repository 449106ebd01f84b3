"""The strangers of an encoder of artists: whom it never learnt from, as the product encodes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from embedder.picture_style import mean_direction, see_views
from embedder.style_training.paintings import (
    FAN_ART,
    HALF_BODIES,
    Painting,
    fan_art,
    half_bodies,
    portraits,
    read_kept_out,
    to_learn_from,
)
from embedder.style_training.strangers import drawn_strangers, real_strangers, strangers_to_be
from tests.drawings import hatched, write

LISTED = {
    "characters": {"holoen": ["ame"], "kancolle": [], "arknights": []},
    "artists": {"art/arknights": ["a002"], "kancolle illustrator_id": []},
}


def test_a_picture_of_fan_art_stands_for_one_artist_once(tmp_path: Path) -> None:
    (tmp_path / "dev_identities.json").write_text(json.dumps(LISTED))
    paintings = [
        Painting(HALF_BODIES, "a001", "x", tmp_path / "1.png"),
        Painting(HALF_BODIES, "a002", "x", tmp_path / "2.png"),
        Painting(HALF_BODIES, "a002", "y", tmp_path / "3.png"),
        Painting(FAN_ART, "source 1", "ame", tmp_path / "4.png"),
        Painting(FAN_ART, "source 1", "ame", tmp_path / "5.png"),
        Painting(FAN_ART, "source 2", "gura", tmp_path / "6.png"),
    ]
    found = [(one.collection, one.artist) for one in strangers_to_be(paintings, tmp_path)]
    assert found == [(HALF_BODIES, "a002")] * 2 + [(FAN_ART, "source 1")]


def test_strangers_are_encoded_by_their_views(tmp_path: Path, fake_encoder) -> None:
    pictures = [hatched((220, 30, 30)), hatched((30, 220, 30)), np.full((99, 99, 3), 255, np.uint8)]
    paintings = [
        Painting(HALF_BODIES, artist, "x", write(tmp_path / f"{number}.png", picture))
        for number, (artist, picture) in enumerate(zip("aba", pictures, strict=True))
    ]
    encodings, whose = real_strangers(fake_encoder, paintings)
    assert whose.tolist() == [0, 1], "what shows no drawing is left out"
    for encoding, picture in zip(encodings, pictures, strict=False):
        wanted = mean_direction(fake_encoder.encode(see_views(picture, fake_encoder).crops))
        assert encoding == pytest.approx(wanted, abs=1e-3)


def test_drawn_strangers_are_each_their_own(fake_encoder) -> None:
    encodings, whose = drawn_strangers(fake_encoder, 4)
    assert encodings.shape == (4, 3) and encodings.dtype == np.float16 and whose.tolist() == [0, 1, 2, 3]
    assert len(np.unique(encodings, axis=0)) == 4


def test_nobody_learnt_from_is_a_stranger(shared_data: Path) -> None:
    everything = [*half_bodies(shared_data), *portraits(shared_data), *fan_art(shared_data)]
    strangers = strangers_to_be(everything, shared_data)
    learnt = to_learn_from(everything, read_kept_out(shared_data))
    assert len(strangers) > 500
    assert not {(one.collection, one.artist) for one in strangers} & {(one.collection, one.artist) for one in learnt}
