"""Collections: which pictures are measured on, and how they are grouped."""

import json

import numpy as np
import pytest

from bench import Collection, load_collection
from data.errors import UnusableSource


def test_all_identities_without_a_list(three_colours):
    collection = load_collection(three_colours)
    assert collection.names == ("blau", "grün", "rot")
    assert np.bincount(collection.identities).tolist() == [8, 8, 8]
    assert collection.groups is None and collection.notes == ()


def test_listed_identities_only_and_the_missing_are_told(three_colours, tmp_path):
    (tmp_path / "dev.json").write_text(json.dumps({"characters": {"refs": ["rot", "gelb", "blau"]}}))
    collection = load_collection(three_colours, tmp_path / "dev.json", groups=[r"/(\d)\.png"])
    assert collection.names == ("blau", "rot")
    assert "such as gelb" in collection.notes[0]
    assert collection.groups.tolist() == [*range(8), *range(8)]
    (tmp_path / "none").write_text("gelb\n")
    with pytest.raises(UnusableSource, match="none of the 1 identities"):
        load_collection(three_colours, tmp_path / "none")


def test_some_pictures_of_a_collection(three_colours):
    collection = load_collection(three_colours, groups=[r"(\d)\.png"])
    some = collection.only(np.arange(24) % 2 == 1)
    assert [path.name for path in some.paths[:4]] == ["1.png", "3.png", "5.png", "7.png"]
    assert some.identities.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert some.groups.tolist() == [1, 3, 5, 7] * 3


def test_lengths_are_checked(tmp_path):
    with pytest.raises(ValueError, match="of one length"):
        Collection(tmp_path, ("rem",), (tmp_path,), np.array([0, 0]), None)
