from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.errors import UnusableSource
from embedder.style_training.paintings import (
    FAN_ART,
    HALF_BODIES,
    PORTRAITS,
    KeptOut,
    Painting,
    every_other_artist,
    fan_art,
    half_bodies,
    portraits,
    read_kept_out,
    to_judge_by,
    to_learn_from,
)

LISTED = {
    "characters": {"holoen": ["ame"], "kancolle": ["0001_a"], "arknights": ["chen"]},
    "artists": {"art/arknights": ["a002"], "kancolle illustrator_id": ["32"]},
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "dev_identities.json").write_text(json.dumps(LISTED))
    (tmp_path / "art").mkdir()
    (tmp_path / "art/arknights.csv").write_text(
        "artist,file,char_id,base_character,skin\n"
        "a001,one.webp,x,amiya,1\na001,two.webp,x,chen,1\na002,three.webp,x,kroos,1\n"
    )
    (tmp_path / "faces/holoen/ame").mkdir(parents=True)
    (tmp_path / "faces/holoen/gura").mkdir()
    for name in ("ame/" + "0" * 32 + ".jpg-1", "gura/" + "0" * 32 + ".jpg-2", "gura/" + "1" * 32 + ".jpg-1"):
        (tmp_path / "faces/holoen" / f"{name}.jpg").touch()
    (tmp_path / "faces/kancolle.csv").write_text(
        "identity,file,illustrator_id\n0001_a,a.webp,7\n0002_b,b.webp,7\n0003_c,c.webp,32\n0004_d,d.webp,\n"
    )
    return tmp_path


def test_nobody_listed_is_learnt_from_under_any_label(data: Path) -> None:
    everything = [*half_bodies(data), *portraits(data), *fan_art(data)]
    kept_out = read_kept_out(data)
    assert [(one.collection, one.artist, one.subject) for one in to_learn_from(everything, kept_out)] == [
        (HALF_BODIES, "a001", "amiya"),
        (PORTRAITS, "7", "0002_b"),
        (FAN_ART, "1" * 32, "gura"),
    ]
    assert [(one.collection, one.artist, one.subject) for one in to_judge_by(everything, kept_out)] == [
        (HALF_BODIES, "a002", "kroos"),
        (PORTRAITS, "32", "0003_c"),
    ]


def test_a_listed_character_is_left_out_of_other_collections_too() -> None:
    kept_out = KeptOut({}, {"elsewhere": frozenset({"chen"})})
    paintings = [Painting(HALF_BODIES, "a1", name, Path("x")) for name in ("chen", "amiya")]
    assert [one.subject for one in to_learn_from(paintings, kept_out)] == ["amiya"]


def test_every_other_artist_is_by_how_much_they_drew() -> None:
    drew = {"a": 1, "b": 5, "c": 3, "d": 2}
    paintings = [Painting(HALF_BODIES, name, str(n), Path("x")) for name, count in drew.items() for n in range(count)]
    paintings.append(Painting(FAN_ART, "source", "who", Path("x")))
    assert {one.artist for one in every_other_artist(paintings)} == {"b", "d", "source"}


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableSource, match="no list of dev identities"):
        read_kept_out(tmp_path)
    with pytest.raises(UnusableSource, match=r"arknights\.csv cannot be read"):
        half_bodies(tmp_path)


def test_the_shared_data_is_split_without_overlap(shared_data: Path) -> None:
    kept_out = read_kept_out(shared_data)
    everything = [*half_bodies(shared_data), *portraits(shared_data), *fan_art(shared_data)]
    learnt, judged = to_learn_from(everything, kept_out), to_judge_by(everything, kept_out)
    assert len(learnt) > 4000 and len(judged) > 400
    assert not {one.file for one in learnt} & {one.file for one in judged}
    assert not {(one.collection, one.artist) for one in learnt} & {(one.collection, one.artist) for one in judged}
    assert not {one.subject for one in learnt} & {one.subject for one in judged}
