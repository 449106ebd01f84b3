import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.shelf
from index.gallery import Gallery
from index.search import MOST_NEIGHBOURS
from index.shelf import MOST_TOMBSTONES, StoreShelf
from tests.index.test_gallery import STAMP, encoding, new

COLUMNS = ("references", "identities", "pictures", "hashes", "encodings")


@pytest.fixture
def gallery(tmp_path):
    with Gallery.create(tmp_path / "gallery.kaodex", device="cpu") as made:
        yield made


def told(shelf) -> dict[str, list]:
    """What is enrolled on a shelf."""
    enrolled = shelf.identities >= 0
    return {name: getattr(shelf, name)[enrolled].tolist() for name in COLUMNS}


def asked(seed: int = 0, many: int = 3) -> np.ndarray:
    return np.stack([encoding(1000 + seed + number) for number in range(many)]).astype(np.float32)


def equal_to_the_store(gallery: Gallery, shelf: StoreShelf, k: int = 4) -> None:
    """The shelf shows what the store holds, and finds what a product over it finds."""
    held = gallery.store.vectors("character")
    assert told(shelf) == {name: getattr(held, name).tolist() for name in COLUMNS}
    assert len(shelf) == len(held.references)
    found = shelf.search(asked(), k)
    if not len(held.references):
        assert (found.references == -1).all() and np.isneginf(found.similarities).all()
        return
    product = asked() @ held.encodings.astype(np.float32).T
    order = np.argsort(-product, axis=1, kind="stable")[:, :k]
    expected = np.full((len(product), k), -1, np.int64)
    expected[:, : order.shape[1]] = held.references[order]
    assert np.array_equal(found.references, expected)
    assert np.allclose(found.similarities[:, : order.shape[1]], np.take_along_axis(product, order, 1), atol=1e-6)
    assert np.isneginf(found.similarities[:, order.shape[1] :]).all()


def test_tombstones_are_put_away_when_they_are_many(gallery):
    gallery.enroll([new(f"who{number}", number) for number in range(100)], STAMP)
    shelf = gallery.shelf("character")
    few = 100 // MOST_TOMBSTONES
    gallery.remove([f"who{number}" for number in range(few)])
    shelf.refresh()
    assert len(shelf.references) == 100 and len(shelf) == 100 - few
    equal_to_the_store(gallery, shelf)
    gallery.remove([f"who{few}"])
    shelf.refresh()
    assert len(shelf.references) == len(shelf) == 99 - few
    equal_to_the_store(gallery, shelf)


def test_what_comes_back_finds_its_old_place_without_the_others_being_read(gallery, monkeypatch):
    gallery.enroll([new(f"who{number}", number) for number in range(30)], STAMP)
    gallery.remove(["who3", "who17"])
    shelf = gallery.shelf("character")  # read without these two
    read = []
    vectors = gallery.store.vectors
    monkeypatch.setattr(gallery.store, "vectors", lambda kind, ids: read.append(ids) or vectors(kind, ids))
    monkeypatch.setattr(gallery.store, "vectors_in_batches", lambda kind: pytest.fail("all was read anew"))
    monkeypatch.setattr(index.shelf, "_PIECE", 7)
    gallery.undo()
    gallery.enroll([new("late", 99)], STAMP)
    shelf.refresh()
    assert read == [[4, 18], [31]]
    monkeypatch.undo()
    equal_to_the_store(gallery, shelf)


def test_a_removed_reference_on_the_shelf_comes_back_without_being_read(gallery, monkeypatch):
    gallery.enroll([new(f"who{number}", number) for number in range(30)], STAMP)
    shelf = gallery.shelf("character")
    gallery.remove(["who3"])
    shelf.refresh()
    assert shelf.identities[3] == -1
    gallery.undo()
    with monkeypatch.context() as patched:
        patched.setattr(gallery.store, "vectors", lambda *_: pytest.fail("an encoding was read"))
        shelf.refresh()
    equal_to_the_store(gallery, shelf)


def test_as_many_neighbours_as_the_search_knows(gallery):
    gallery.enroll([new(f"who{number}", number) for number in range(20)], STAMP)
    gallery.remove(["who4"])
    shelf = gallery.shelf("character")
    found = shelf.search(asked(), MOST_NEIGHBOURS)
    assert (found.references >= 0).sum(axis=1).tolist() == [19] * 3
    for k in (0, MOST_NEIGHBOURS + 1):
        with pytest.raises(ValueError, match="k must be between 1"):
            shelf.search(asked(), k)


def test_an_empty_shelf_finds_nobody(gallery):
    shelf = gallery.shelf("character")
    assert len(shelf) == 0 and shelf.search(asked(), 2).references.tolist() == [[-1, -1]] * 3
    gallery.enroll([new("rem", 1)], STAMP)
    shelf.refresh()
    equal_to_the_store(gallery, shelf)
    gallery.remove(["rem"])
    shelf.refresh()
    assert len(shelf) == 0 and shelf.search(asked(), 2).references.tolist() == [[-1, -1]] * 3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**64 - 1)), min_size=1, max_size=30), st.integers(0, 40))
def test_alike_references_equal_a_loop(tmp_path_factory, drawn, within):
    path = tmp_path_factory.mktemp("alike") / "gallery.kaodex"
    with Gallery.create(path, device="cpu") as gallery:
        # hashes around two middles, so that some are near
        hashes = [hash & 0xFFFF | (hash >> 63) * 0xFFFFFFFF0000 for _, hash in drawn]
        gallery.enroll(
            [new(f"who{whose}", at, hash=hashes[at]) for at, (whose, _) in enumerate(drawn)],
            STAMP,
        )
        expected = [
            [
                other + 1
                for other in range(at)
                if drawn[other][0] == drawn[at][0] and (hashes[other] ^ hashes[at]).bit_count() <= within
            ]
            for at in range(len(drawn))
        ]
        assert gallery.shelf("character").alike(list(range(1, len(drawn) + 1)), within) == expected
