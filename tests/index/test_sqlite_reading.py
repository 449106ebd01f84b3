"""What is particular to reading a file; what all stores do is in test_store_conformance.py."""

import sqlite3
import tracemalloc

import numpy as np
import pytest

from data.errors import GalleryDamaged
from index.gallery import Gallery
from tests.index.test_gallery import STAMP, new


@pytest.fixture
def gallery(tmp_path):
    with Gallery.create(tmp_path / "gallery.kaodex", device="cpu") as made:
        made.enroll([new(f"who{number % 5}", number) for number in range(23)], STAMP)
        yield made


def test_parts_are_as_large_as_asked_and_make_the_whole(gallery):
    with gallery.store.snapshot():
        parts = list(gallery.store.vectors_in_batches("character", 7))
    assert [len(part.references) for part in parts] == [7, 7, 7, 2]
    held = gallery.store.vectors("character")
    for name, column in vars(held).items():
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), column), name
    some = gallery.store.vectors("character", [9, 3, 3000])
    assert some.references.tolist() == [3, 9] and np.array_equal(some.encodings, held.encodings[[2, 8]])


def test_a_damaged_encoding_is_told_by_each_way_of_reading(gallery):
    connection = sqlite3.connect(gallery.path)
    connection.execute("UPDATE reference SET encoding = x'00' WHERE id = 9")
    connection.commit()
    connection.close()
    for read in (
        lambda: gallery.store.vectors("character"),
        lambda: gallery.store.vectors("character", [9]),
        lambda: list(gallery.store.vectors_in_batches("character", 4)),
    ):
        with pytest.raises(GalleryDamaged, match=r"reference 9 of .* has a damaged encoding"):
            read()


def test_all_encodings_are_read_into_one_place(gallery, monkeypatch):
    wide = 4096
    stamp = type(STAMP)("wide", "1" * 64, wide)
    vector = np.zeros(wide, np.float16)
    vector[0] = 1
    references = [
        type(one)(**{**vars(one), "encoding": vector}) for one in (new("somebody", 100 + at) for at in range(600))
    ]
    gallery.enroll(references, stamp, kind="artist")
    in_batches = gallery.store.vectors_in_batches
    monkeypatch.setattr(gallery.store, "vectors_in_batches", lambda kind: in_batches(kind, 32))
    size = 2 * wide * len(references)
    tracemalloc.start()
    try:
        held = gallery.store.vectors("artist")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held.encodings.nbytes == size and peak < 1.4 * size
