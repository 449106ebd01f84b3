import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import GalleryDamaged, GalleryError, GalleryMismatch, GalleryMissing, UnknownIdentity
from index.gallery import Gallery
from index.records import EncoderStamp, NewReference, Outcome, overlap, proper_name
from index.sqlite.schema import FORMAT

STAMP = EncoderStamp("fake", "f" * 64, 8)


def encoding(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=8)
    return (vector / np.linalg.norm(vector)).astype(np.float16)


def new(
    identity: str, picture: int, seed: int | None = None, box=(0, 0, 10, 10), hash: int | None = None
) -> NewReference:
    return NewReference(
        identity=identity,
        sha256=picture.to_bytes(32, "big"),
        source=f"refs/{identity}/{picture}.png",
        box=box,
        region="whole",
        detection=1.0,
        hash=(picture * 0x9E3779B97F4A7C15) % 2**64 if hash is None else hash,
        encoding=encoding(picture if seed is None else seed),
        crop=b"a picture",
    )


@pytest.fixture
def gallery(tmp_path: Path):
    with Gallery.create(tmp_path / "gallery.kaodex", device="cpu") as made:
        yield made


def names(gallery: Gallery) -> dict[str, int]:
    return {who.name: who.references for who in gallery.identities("character")}


def nearest(gallery: Gallery, seed: int, k: int = 3) -> list[int]:
    return gallery.search(encoding(seed).astype(np.float32)[None], k).references[0].tolist()


def test_enrolled_references_are_found_and_told(gallery):
    results = gallery.enroll([new("rem", 1), new("rem", 2), new("ram", 3)], STAMP)
    assert [result.outcome for result in results] == [Outcome.ADDED] * 3
    assert names(gallery) == {"ram": 1, "rem": 2}
    neighbours = gallery.search(encoding(2).astype(np.float32)[None], 2)
    assert neighbours.references[0, 0] == results[1].reference
    assert neighbours.similarities[0, 0] == pytest.approx(1, abs=2e-3)
    told = gallery.references("rem")
    assert [one.source for one in told] == ["refs/rem/1.png", "refs/rem/2.png"]
    assert told[0].box == (0, 0, 10, 10) and gallery.crop(told[0].id) == b"a picture"
    assert len(gallery) == 3 and "2 identities, 3 references" in repr(gallery)


def test_search_equals_a_matrix_product_after_many_changes(gallery):
    gallery.enroll([new(f"who{number % 7}", number) for number in range(60)], STAMP)
    gallery.search(encoding(0).astype(np.float32)[None], 1)  # the shelf is in memory from here on
    gallery.remove(["who3"])
    gallery.rename("who4", "somebody")
    gallery.merge(["who5", "who6"], "who5")
    gallery.enroll([new("late", 100), new("who1", 101)], STAMP)
    gallery.undo()
    gallery.enroll([new("later", 102)], STAMP)
    held = gallery.store.vectors("character")
    ids, stored = held.references, held.encodings
    asked = np.stack([encoding(seed) for seed in range(200, 220)]).astype(np.float32)
    product = asked @ stored.astype(np.float32).T
    expected = ids[np.argsort(-product, axis=1)[:, :5]]
    found = gallery.search(asked, 5)
    assert np.array_equal(found.references, expected)
    fresh = Gallery.open(gallery.path, device="cpu")
    again = fresh.search(asked, 5)
    assert np.array_equal(again.references, expected) and np.array_equal(again.identities, found.identities)
    fresh.close()


def test_every_command_can_be_undone_in_turn(gallery):
    gallery.enroll([new("rem", 1), new("rem", 2), new("ram", 3)], STAMP)
    states = [names(gallery)]
    for change in (
        lambda: gallery.remove(["ram"]),
        lambda: gallery.rename("rem", "レム"),
        lambda: gallery.enroll([new("ram", 3), new("emilia", 4)], STAMP),
        lambda: gallery.merge(["emilia", "ram"], "レム"),
        lambda: gallery.remove_references([gallery.references("レム")[0].id]),
    ):
        change()
        states.append(names(gallery))
    assert states[-1] == {"レム": 3}
    for before in reversed(states[:-1]):
        gallery.undo()
        assert names(gallery) == before
        assert gallery.check() == []
    gallery.undo()
    assert names(gallery) == {}
    with pytest.raises(GalleryError, match="nothing to undo"):
        gallery.undo()


def test_renaming_onto_a_taken_name_is_refused_and_removed_names_are_free(gallery):
    gallery.enroll([new("rem", 1), new("ram", 2)], STAMP)
    with pytest.raises(GalleryError, match="gallery merge"):
        gallery.rename("rem", "ram")
    gallery.remove(["ram"])
    assert gallery.rename("rem", "ram") == 1 and names(gallery) == {"ram": 1}


def test_an_unknown_name_changes_nothing_and_is_told_with_near_ones(gallery):
    gallery.enroll([new("rem", 1), new("ram", 2)], STAMP)
    revision = gallery.store.revision()
    with pytest.raises(UnknownIdentity, match="no character named rme: did you mean rem"):
        gallery.remove(["ram", "rme"])
    assert gallery.store.revision() == revision and names(gallery) == {"ram": 1, "rem": 1}
    with pytest.raises(GalleryError, match="no reference 99"):
        gallery.remove_references([1, 99])
    assert names(gallery) == {"ram": 1, "rem": 1}


def test_another_encoder_is_refused_in_words(gallery):
    gallery.enroll([new("rem", 1)], STAMP)
    with pytest.raises(GalleryMismatch, match="were made by encoder fake"):
        gallery.enroll([new("ram", 2)], EncoderStamp("other", "0" * 64, 8))
    with pytest.raises(ValueError, match=r"shape \(8,\), but fake makes \(4,\)"):
        gallery.enroll([new("ram", 2)], EncoderStamp("fake", "f" * 64, 4))
    assert names(gallery) == {"rem": 1}


def test_artists_and_characters_are_kept_apart(gallery):
    gallery.enroll([new("rem", 1)], STAMP)
    art = EncoderStamp("art", "a" * 64, 8)
    assert gallery.enroll([new("somebody", 1)], art, kind="artist")[0].outcome is Outcome.ADDED
    assert gallery.kinds() == ["character", "artist"]
    assert gallery.search(encoding(1).astype(np.float32)[None], 3, "artist").references[0].tolist()[1:] == [-1, -1]
    with pytest.raises(GalleryError, match="no kind 'singer'"):
        gallery.enroll([new("x", 2)], STAMP, kind="singer")


def test_changes_of_another_process_are_seen(gallery):
    gallery.enroll([new("rem", 1)], STAMP)
    assert nearest(gallery, 2)[1] == -1
    with Gallery.open(gallery.path, device="cpu") as other:
        added = other.enroll([new("ram", 2)], STAMP)[0].reference
    assert nearest(gallery, 2)[0] == added
    with Gallery.open(gallery.path, device="cpu") as other:
        other.remove(["ram"])
    assert added not in nearest(gallery, 2)


def test_two_writers_take_turns(gallery, tmp_path):
    def write(start: int) -> None:
        with Gallery.open(gallery.path, device="cpu") as other:
            for number in range(start, start + 40):
                other.enroll([new(f"who{start}", number), new("shared", 1000 + number % 40)], STAMP)

    threads = [threading.Thread(target=write, args=(start,)) for start in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(gallery) == {"shared": 40, "who0": 40, "who100": 40}
    assert gallery.check() == []


def test_opening_what_is_no_gallery(tmp_path):
    with pytest.raises(GalleryMissing, match="kaodex enroll FOLDER"):
        Gallery.open(tmp_path / "none.kaodex")
    text = tmp_path / "text.kaodex"
    text.write_text("this is no gallery " * 100)
    with pytest.raises(GalleryDamaged, match="damaged or no gallery"):
        Gallery.open(text)
    foreign = tmp_path / "foreign.kaodex"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    with pytest.raises(GalleryDamaged, match="no gallery of Kaodex"):
        Gallery.create(foreign)


def test_a_newer_format_is_refused(gallery, tmp_path):
    newer = tmp_path / "newer.kaodex"
    gallery.export(newer)
    connection = sqlite3.connect(newer)
    connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    with pytest.raises(GalleryMismatch, match="install a newer Kaodex"):
        Gallery.open(newer)


def test_a_making_that_was_interrupted_is_finished(tmp_path):
    path = tmp_path / "gallery.kaodex"
    path.touch()
    with Gallery.create(path, device="cpu") as made:
        made.enroll([new("rem", 1)], STAMP)
        assert made.check() == []


def test_export_is_whole_and_refuses_to_overwrite(gallery, tmp_path):
    gallery.enroll([new("rem", 1)], STAMP)
    target = tmp_path / "copy.kaodex"
    gallery.export(target)
    with Gallery.open(target, device="cpu") as copy:
        assert names(copy) == {"rem": 1} and copy.check() == []
    with pytest.raises(GalleryError, match="exists"):
        gallery.export(target)
    assert not list(tmp_path.glob(".copy*"))


def test_import_joins_two_galleries(gallery, tmp_path):
    gallery.enroll([new("rem", 1), new("ram", 2)], STAMP)
    with Gallery.create(tmp_path / "other.kaodex", device="cpu") as other:
        other.enroll([new("rem", 1), new("emilia", 3), new("someone else", 2)], STAMP)
        counts = gallery.absorb(other)
        assert counts == {Outcome.ADDED: 1, Outcome.DUPLICATE: 1, Outcome.CONFLICT: 1}
        assert names(gallery) == {"emilia": 1, "ram": 1, "rem": 1}
        assert gallery.crop(gallery.references("emilia")[0].id) == b"a picture"
        gallery.undo()
        assert names(gallery) == {"ram": 1, "rem": 1}
    with Gallery.create(tmp_path / "foreign.kaodex", device="cpu") as foreign:
        foreign.enroll([new("rem", 9)], EncoderStamp("other", "0" * 64, 8))
        with pytest.raises(GalleryMismatch, match="cannot be mixed"):
            gallery.absorb(foreign)


def test_check_finds_damage(gallery):
    gallery.enroll([new("rem", 1), new("rem", 2), new("ram", 3)], STAMP)
    connection = sqlite3.connect(gallery.path)
    connection.execute("UPDATE reference SET encoding = x'00' WHERE id = 1")
    connection.execute("DELETE FROM crop WHERE reference = 2")
    connection.execute("UPDATE reference SET identity = NULL WHERE id = 3")
    connection.commit()
    connection.close()
    problems = " | ".join(gallery.check())
    assert "encoding of reference 1 has 1 bytes instead of 16" in problems
    assert "reference 2 has lost its crop" in problems
    assert "reference 3 belongs to identity None, the journal says" in problems
    with pytest.raises(GalleryDamaged, match="damaged encoding"):
        Gallery.open(gallery.path).shelf("character")


def test_near_duplicates_are_those_of_the_identity(gallery):
    results = gallery.enroll(
        [
            new("rem", 1, hash=0b1111),
            new("rem", 2, hash=0b0111),
            new("ram", 3, hash=0b1111),
            new("rem", 4, hash=2**64 - 1),
        ],
        STAMP,
    )
    ids = [result.reference for result in results]
    assert gallery.near_duplicates(ids) == [[], [ids[0]], [], []]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("enroll"), st.integers(0, 4), st.integers(0, 30)),
            st.tuples(st.just("remove"), st.integers(0, 4), st.just(0)),
            st.tuples(st.just("rename"), st.integers(0, 4), st.integers(0, 4)),
            st.tuples(st.just("merge"), st.integers(0, 4), st.integers(0, 4)),
        ),
        max_size=14,
    )
)
def test_undoing_everything_walks_through_every_state(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("undo") / "gallery.kaodex"
    with Gallery.create(path, device="cpu") as gallery:
        states = []
        for verb, one, other in steps:
            before = names(gallery)
            revision = gallery.store.revision()
            try:
                if verb == "enroll":
                    gallery.enroll([new(f"who{one}", other)], STAMP)
                elif verb == "remove":
                    gallery.remove([f"who{one}"])
                elif verb == "rename":
                    gallery.rename(f"who{one}", f"who{other}")
                else:
                    gallery.merge([f"who{one}"], f"who{other}")
            except GalleryError:
                assert names(gallery) == before
            if gallery.store.revision() != revision:
                states.append(before)
            shelf = gallery.shelf("character")
            held = gallery.store.vectors("character")
            enrolled = shelf.identities >= 0
            for name in ("references", "identities", "pictures", "hashes", "encodings"):
                assert np.array_equal(getattr(shelf, name)[enrolled], getattr(held, name)), name
        assert gallery.check() == []
        for before in reversed(states):
            gallery.undo()
            assert names(gallery) == before
        assert names(gallery) == {}


def test_names():
    assert proper_name("  \u30ec\u30e0 ") == "レム"
    assert proper_name("e\u0301") == "é"
    for bad, match in (("  ", "not empty"), ("x" * 201, "at most 200"), ("a\tb", "control")):
        with pytest.raises(GalleryError, match=match):
            proper_name(bad)


@given(*(st.tuples(*(st.integers(0, 12),) * 4) for _ in range(2)))
def test_overlap_equals_counting_pixels(one, other):
    def sound(box):
        return (min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]) + 1, max(box[1], box[3]) + 1)

    one, other = sound(one), sound(other)
    masks = [np.zeros((14, 14), bool) for _ in range(2)]
    for mask, box in zip(masks, (one, other), strict=True):
        mask[box[1] : box[3], box[0] : box[2]] = True
    assert overlap(one, other) == pytest.approx((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())
