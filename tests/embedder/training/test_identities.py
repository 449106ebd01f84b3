from __future__ import annotations

import json
from pathlib import Path

import pytest

from data.errors import UnusableSource
from embedder.training.identities import collect_identities, read_excluded, split_off


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
