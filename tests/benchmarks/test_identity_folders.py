"""Who takes part in a benchmark: artists by their characters, and drawn characters in folders of their own."""

import sys

import numpy as np
import pytest

from bench.collection import Collection, load_collection
from data.errors import UnusableSource
from data.pictures import read_picture


def test_artists_by_characters_then_pictures_then_names(script, tmp_path):
    most_characters = script("most_characters").most_characters
    drew = {"d": [1, 1, 1, 1], "b": [1, 2], "a": [3, 4, 4], "c": [5, 6]}
    artists = np.array([number for number, shown in enumerate(drew.values()) for _ in shown], np.int64)
    characters = np.array([one for shown in drew.values() for one in shown], np.int64)
    paths = tuple(tmp_path / f"{number}.png" for number in range(len(artists)))
    collection = Collection(tmp_path, tuple(drew), paths, artists, None, characters=characters)
    assert most_characters(collection, 3) == ["a", "b", "c"] and most_characters(collection, 9)[-1] == "d"
    bare = Collection(tmp_path, tuple(drew), paths, artists, None)
    with pytest.raises(UnusableSource, match="no table says who is shown"):
        most_characters(bare, 3)


def test_a_drawn_folder_is_a_collection_without_near_duplicates(script, tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["drawn_folder.py", str(tmp_path / "drawn"), "--characters", "2", "--pictures", "3"]
    )
    drawing = script("drawn_folder")
    drawing.main()
    collection = load_collection(tmp_path / "drawn", groups=("([^/]+/[^/]+)$",))
    assert collection.names == ("character 0000", "character 0001") and len(set(collection.groups.tolist())) == 6
    pictures = [read_picture(path) for path in collection.paths]
    assert {picture.shape for picture in pictures} == {(128, 128, 3)}
    assert len({picture.tobytes() for picture in pictures}) == 6
    kept = collection.paths[0].stat().st_mtime_ns
    drawing.main()  # what is there is not drawn again
    assert collection.paths[0].stat().st_mtime_ns == kept
