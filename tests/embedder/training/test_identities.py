from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.errors import UnusableSource
from embedder.training.identities import (
    Identity,
    collect_identities,
    collect_instances,
    draw_dev,
    read_excluded,
    split_off,
)


@pytest.fixture
def collections(tmp_path: Path) -> list[Path]:
    for place in ("game/chen", "game/chen2", "game/amiya", "icons/Chen", "icons/lisa", "icons/.hidden"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "a.webp").touch()
        (tmp_path / place / ".b.webp").touch()
        (tmp_path / place / "notes.txt").touch()
    (tmp_path / "icons" / "empty").mkdir()
    return [tmp_path / "game", tmp_path / "icons"]


def test_identities_in_a_stable_order(collections: list[Path]) -> None:
    found = collect_identities(collections)
    names = [(one.collection, one.name) for one in found]
    assert names == [("game", "amiya"), ("game", "chen"), ("game", "chen2"), ("icons", "Chen"), ("icons", "lisa")]
    assert all([path.name for path in one.files] == ["a.webp"] for one in found)


def test_dev_identities_are_kept_out_under_every_name(collections: list[Path]) -> None:
    training, dev = split_off(collect_identities(collections), {"game": ["chen"], "other": ["nobody"]})
    assert [one.name for one in training] == ["amiya", "lisa"]
    assert {name: [one.name for one in some] for name, some in dev.items()} == {"game": ["chen"]}


def test_numbers_tell_people_apart_where_nobody_has_the_bare_name() -> None:
    everyone = [Identity("signs", f"sign{number:02}", (Path("a.png"),)) for number in range(5)]
    training, dev = split_off(everyone, {"signs": ["sign03"]})
    assert [one.name for one in training] == ["sign00", "sign01", "sign02", "sign04"]
    assert [one.name for one in dev["signs"]] == ["sign03"]
    training, _ = split_off([*everyone, Identity("signs", "7", (Path("a.png"),))], {"other": ["8"]})
    assert len(training) == 6
    training, _ = split_off(everyone, {"other": ["Sign"]})  # now it is a name, and they are all its outfits
    assert not training


def test_dev_identities_are_drawn_by_the_seed() -> None:
    everyone = [
        Identity(f"c{number % 2}", f"n{number}", tuple(Path(f"{one}.png") for one in range(2 + number % 4)))
        for number in range(80)
    ]
    chosen = draw_dev(everyone, None, seed=3)
    assert sum(map(len, chosen.values())) == 4 == 0.1 * sum(len(one.files) >= 4 for one in everyone)
    assert chosen == draw_dev(everyone, None, seed=3) != draw_dev(everyone, None, seed=4)
    files = {one.name: len(one.files) for one in everyone}
    assert all(files[name] >= 4 for names in chosen.values() for name in names)
    assert draw_dev(everyone, 0, seed=3) == {}
    assert sum(map(len, draw_dev(everyone, 40, seed=3).values())) == 40
    with pytest.raises(UnusableSource, match="41 dev identities were asked for"):
        draw_dev(everyone, 41, seed=3)


def test_single_pictures_are_identities(collections: list[Path]) -> None:
    found = collect_instances(collections[1:])
    assert [(one.collection, one.name, len(one.files)) for one in found] == [
        ("icons", "Chen/a.webp", 1), ("icons", "lisa/a.webp", 1),
    ]  # fmt: skip
    with pytest.raises(UnusableSource, match="no pictures"):
        collect_instances([collections[1] / "empty"])


def test_two_collections_of_one_name_are_refused(collections: list[Path], tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "game").symlink_to(collections[0])
    with pytest.raises(UnusableSource, match="two collections are called 'game'"):
        collect_identities([collections[0], tmp_path / "more" / "game"])


def test_reading_the_list(tmp_path: Path, collections: list[Path]) -> None:
    path = tmp_path / "dev.json"
    path.write_text(json.dumps({"characters": {"game": ["chen"]}, "artists": {}}))
    assert read_excluded(path) == {"game": ["chen"]}
    path.write_text("[]")
    with pytest.raises(UnusableSource, match="no list of dev identities"):
        read_excluded(path)


def test_what_is_no_collection_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableSource, match="there is no folder"):
        collect_identities([tmp_path / "nowhere"])
    with pytest.raises(UnusableSource, match="no identity folders"):
        collect_identities([tmp_path])


def test_no_dev_identity_of_the_real_list_is_left(shared_data: Path) -> None:
    excluded = read_excluded(shared_data / "dev_identities.json")
    folders = [path for path in sorted((shared_data / "faces").iterdir()) if path.is_dir()]
    training, dev = split_off(collect_identities(folders), excluded)
    forbidden = {(collection, name) for collection, names in excluded.items() for name in names}
    assert not forbidden & {(one.collection, one.name) for one in training}
    assert {(one.collection, one.name) for some in dev.values() for one in some} == forbidden
    assert "chen2" not in {one.name for one in training}
