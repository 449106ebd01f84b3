"""What every store must do, held to one suite: the file, and Milvus where its server can be installed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import GalleryError, GalleryMismatch, GalleryMissing, UnknownIdentity
from index.calibrator import Population
from index.gallery import Gallery
from index.records import EncoderStamp, NewReference, Outcome

STAMP = EncoderStamp("fake", "f" * 64, 8)
OTHER = EncoderStamp("other", "0" * 64, 8)


PLACES = ("sqlite", pytest.param("milvus", marks=pytest.mark.slow))
SEARCHED = pytest.mark.parametrize(
    "place", [*PLACES, pytest.param("milvus, searched by the server", marks=pytest.mark.slow)], indirect=True
)
"""For what depends on who searches."""


@pytest.fixture(params=PLACES)
def place(request, tmp_path):
    """An empty place for a gallery."""
    if request.param == "sqlite":
        return tmp_path / "gallery.kaodex"
    address = request.getfixturevalue("milvus_place")
    return replace(address, search="client" if request.param == "milvus" else "server")


@pytest.fixture
def client(place) -> Iterator[Callable[[], Gallery]]:
    """client(): one more client of the same gallery."""
    opened: list[Gallery] = []

    def open_one() -> Gallery:
        opened.append(Gallery.open(place, device="cpu") if opened else Gallery.create(place, device="cpu"))
        return opened[-1]

    yield open_one
    for gallery in opened:
        gallery.close()


@pytest.fixture
def gallery(client) -> Gallery:
    return client()


def encoding(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=8)
    return (vector / np.linalg.norm(vector)).astype(np.float16)


def new(identity: str, picture: int, seed: int | None = None, box=(0, 0, 10, 10)) -> NewReference:
    return NewReference(
        identity=identity,
        sha256=picture.to_bytes(32, "big"),
        source=f"refs/{identity}/“{picture}”.png",
        box=box,
        region="face",
        detection=0.75,
        hash=(picture * 0x9E3779B97F4A7C15) % 2**64,
        encoding=encoding(picture if seed is None else seed),
        crop=f"crop {picture}".encode() * (30_000 if picture == 77 else 1),
    )


def names(gallery: Gallery, kind: str = "character") -> dict[str, int]:
    return {who.name: who.references for who in gallery.identities(kind)}


def nearest(gallery: Gallery, seed: int, k: int = 3) -> list[int]:
    return gallery.search(encoding(seed).astype(np.float32)[None], k).references[0].tolist()


def told(one: NewReference) -> tuple:
    """All of a reference, in an order of fields that sorts."""
    fields = (one.identity, one.sha256, one.box, one.region, one.detection, one.hash, one.source, one.crop)
    return (*fields, one.encoding.tobytes())


def whole(gallery: Gallery, kind: str = "character") -> list[tuple]:
    """All that is enrolled, in an order that does not depend on ids."""
    return sorted(told(one) for batch in gallery.store.contents(kind, batch=2) for one in batch)


@SEARCHED
def test_what_is_enrolled_is_told_found_and_there_after_reopening(gallery, client):
    references = [new("rem", 1), new("レム", 2), new("ram", 77)]
    results = gallery.enroll(references, STAMP)
    assert [result.outcome for result in results] == [Outcome.ADDED] * 3
    ids = [result.reference for result in results]
    assert ids == sorted(ids)
    for one in (gallery, client()):
        assert names(one) == {"ram": 1, "rem": 1, "レム": 1} and one.kinds() == ["character"] and len(one) == 3
        neighbours = one.search(encoding(2).astype(np.float32)[None], 2)
        assert neighbours.references[0, 0] == ids[1]
        assert neighbours.similarities[0, 0] == pytest.approx(1, abs=2e-3)
        (shown,) = one.references("レム")
        assert (shown.id, shown.identity, shown.kind) == (ids[1], "レム", "character")
        assert (shown.source, shown.box, shown.region) == ("refs/レム/“2”.png", (0, 0, 10, 10), "face")
        assert one.crop(ids[2]) == b"crop 77" * 30_000
        assert one.store.encoder("character") == STAMP
        held = one.store.vectors("character")
        assert held.references.tolist() == ids
        assert np.array_equal(held.encodings, np.stack([reference.encoding for reference in references]))
        assert held.hashes.tolist() == [reference.hash for reference in references]
        assert held.pictures.tolist() == [int.from_bytes(reference.sha256[:8], "big") for reference in references]
        assert one.check() == []
    assert whole(gallery) == sorted(map(told, references))


def test_counts_and_encodings_in_parts(gallery, client):
    gallery.enroll([new(f"who{number % 3}", number) for number in range(12)], STAMP)
    gallery.enroll([new("somebody", 50)], STAMP, kind="artist")
    gallery.remove(["who1"])
    for one in (gallery, client()):
        assert (one.store.count(), one.store.count("character"), one.store.count("artist")) == (9, 8, 1)
        assert one.store.count("artist stranger") == 0 and len(one) == 9
        with one.store.snapshot():
            held, parts = one.store.vectors("character"), list(one.store.vectors_in_batches("character"))
            assert list(one.store.vectors_in_batches("artist stranger")) == []
        for name, column in vars(held).items():
            assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), column), name
        assert held.identities.min() >= 0 and len(held.references) == 8


def test_duplicates_and_conflicts(gallery):
    first = gallery.enroll([new("rem", 1)], STAMP)[0].reference
    revision = gallery.store.revision()
    duplicate, conflict = gallery.enroll([new("rem", 1), new("ram", 1, seed=5, box=(0, 0, 10, 9))], STAMP)
    assert (duplicate.outcome, duplicate.reference) == (Outcome.DUPLICATE, first)
    assert (conflict.outcome, conflict.reference, conflict.holder) == (Outcome.CONFLICT, first, "rem")
    assert names(gallery) == {"rem": 1} and gallery.store.revision() == revision
    assert {one.identity for one in gallery.store.holders("character", [new("x", 1).sha256])[new("x", 1).sha256]} == {
        "rem"
    }
    twice = [new("ram", 1), new("ram", 1), new("subaru", 1, seed=9, box=(50, 50, 60, 60))]
    allowed = gallery.enroll(twice, STAMP, allow_conflicts=True)
    assert [one.outcome for one in allowed] == [Outcome.ADDED, Outcome.DUPLICATE, Outcome.ADDED]
    assert names(gallery) == {"ram": 1, "rem": 1, "subaru": 1} and gallery.check() == []


def test_remove_rename_merge_and_undo_walk_through_every_state(gallery, client):
    gallery.enroll([new("rem", 1), new("rem", 2), new("ram", 3)], STAMP)
    states = [names(gallery)]
    other = client()
    for change in (
        lambda: gallery.remove(["ram"]),
        lambda: gallery.rename("rem", "レム"),
        lambda: other.enroll([new("ram", 3), new("emilia", 4)], STAMP),
        lambda: gallery.merge(["emilia", "ram"], "レム"),
        lambda: other.remove_references([gallery.references("レム")[0].id]),
    ):
        change()
        states.append(names(gallery))
    assert states == [
        {"ram": 1, "rem": 2},
        {"rem": 2},
        {"レム": 2},
        {"emilia": 1, "ram": 1, "レム": 2},
        {"レム": 4},
        {"レム": 3},
    ]
    assert [command.references for command in gallery.history()] == [1, 2, 2, 2, 1, 3]
    for before in reversed(states[:-1]):
        undone = gallery.undo()
        assert undone.references and names(gallery) == names(other) == before
    assert client().undo().words == "enroll" and names(gallery) == {} and gallery.check() == []
    with pytest.raises(GalleryError, match="nothing to undo"):
        gallery.undo()
    assert [command.undone for command in gallery.history()] == [False] * 6 + [True] * 6


def test_a_rename_looks_two_names_up_and_lists_nobody(gallery, monkeypatch):
    gallery.enroll([new("rem", 1), new("ram", 2)], STAMP)
    with monkeypatch.context() as patch:
        patch.setattr(type(gallery.store), "identities", lambda *_: pytest.fail("all identities were listed"))
        with pytest.raises(GalleryError, match="holds a character named ram already"):
            gallery.rename("rem", "ram")
        assert gallery.rename("rem", "emilia") == 1
    assert names(gallery) == {"emilia": 1, "ram": 1}
    assert gallery.store.identity_named("character", "rem") is None
    assert gallery.store.identity_named("artist", "ram") is None
    assert gallery.store.identity_named("character", "ram") == gallery.store.identity("character", "ram")


@SEARCHED
def test_the_search_follows_every_change(gallery, client):
    gallery.enroll([new(f"who{number % 3}", number) for number in range(12)], STAMP)
    nearest(gallery, 0)  # in memory from here on
    other = client()
    other.remove(["who1"])
    gallery.enroll([new("late", 100)], STAMP)
    other.rename("who2", "somebody")
    other.undo()
    asked = np.stack([encoding(seed) for seed in range(200, 206)]).astype(np.float32)
    found = gallery.search(asked, 5)
    held = gallery.store.vectors("character")
    product = asked @ held.encodings.astype(np.float32).T
    assert np.array_equal(found.references, held.references[np.argsort(-product, axis=1)[:, :5]])
    again = other.search(asked, 5)
    assert np.array_equal(again.references, found.references) and np.array_equal(again.identities, found.identities)
    assert set(names(gallery)) == {"late", "who0", "who2"}


@SEARCHED
def test_a_search_among_some_and_the_names_in_the_answer(gallery):
    gallery.enroll([new(f"who{number % 3}", number) for number in range(12)], STAMP)
    bank = (Population(np.stack([encoding(seed) for seed in range(500, 900)]), np.arange(400)),)
    asked = encoding(4).astype(np.float32)[None]
    (answer,) = gallery.recognize(asked, fpir=0.2, bank=bank)
    assert answer.candidates[0].identity == "who1" and answer.neighbours[0].source == "refs/who1/“4”.png"
    (among,) = gallery.recognize(asked, fpir=0.2, bank=bank, only=["who0", "who2"])
    assert {candidate.identity for candidate in among.candidates} == {"who0", "who2"}
    assert {near.identity for near in among.neighbours} == {"who0", "who2"}
    with pytest.raises(UnknownIdentity, match="no character named who9: did you mean"):
        gallery.recognize(asked, only=["who9"])


@SEARCHED
def test_a_removed_reference_comes_back_as_itself(gallery):
    first = gallery.enroll([new("rem", 1)], STAMP)[0].reference
    gallery.remove(["rem"])
    assert nearest(gallery, 1) == [-1, -1, -1]
    with pytest.raises(UnknownIdentity):
        gallery.references("rem")
    assert gallery.enroll([new("ram", 1)], STAMP)[0].reference == first
    assert nearest(gallery, 1)[0] == first and gallery.references("ram")[0].id == first


def test_an_unknown_name_or_number_changes_nothing(gallery):
    first, _ = gallery.enroll([new("rem", 1), new("ram", 2)], STAMP)
    revision = gallery.store.revision()
    with pytest.raises(UnknownIdentity, match="no character named rme: did you mean rem"):
        gallery.remove(["ram", "rme"])
    with pytest.raises(GalleryError, match="no reference 99"):
        gallery.remove_references([first.reference, 99])
    with pytest.raises(GalleryError, match="no reference 99"):
        gallery.crop(99)
    with pytest.raises(GalleryError, match="gallery merge"):
        gallery.rename("rem", "ram")
    assert gallery.store.revision() == revision and names(gallery) == {"ram": 1, "rem": 1}


def test_another_encoder_is_refused_by_every_client(gallery, client):
    gallery.enroll([new("rem", 1)], STAMP)
    for one in (gallery, client()):
        with pytest.raises(GalleryMismatch, match="were made by encoder fake"):
            one.enroll([new("ram", 2)], OTHER)
        with pytest.raises(GalleryMismatch, match="were made by encoder fake"):
            one.store.check_stamp("character", OTHER)
    assert gallery.enroll([new("somebody", 1)], OTHER, kind="artist")[0].outcome is Outcome.ADDED
    assert gallery.kinds() == ["character", "artist"] and names(gallery) == {"rem": 1}
    assert nearest(gallery, 1)[1:] == [-1, -1]


@SEARCHED
def test_calibration_is_kept_with_it_and_told_how_old_it_is(gallery, client):
    gallery.enroll([new("rem", 1), new("ram", 2)], STAMP)
    revision = gallery.store.revision()
    value = np.random.default_rng(0).bytes(150_000)
    gallery.store.keep_calibration("character", "key", revision, b"older", STAMP)
    gallery.store.keep_calibration("character", "key", revision, value, STAMP)
    gallery.store.keep_calibration("character", "other", revision, b"of another encoder", OTHER)
    gallery.enroll([new("emilia", 3)], STAMP)
    other = client()
    for store in (gallery.store, other.store):
        kept = store.calibration("character", "key", STAMP)
        assert kept is not None and kept[1] == value
        assert [change.after for change in store.changes(kept[0], "character")] == [
            store.identity("character", "emilia")
        ]
        assert store.calibration("character", "other") is store.calibration("character", "none") is None
        assert store.calibration("character", "key", OTHER) is None
    calibrated = gallery.calibrator("character").neighbourhoods()
    again = client().calibrator("character")
    assert np.array_equal(again.neighbourhoods().samples, calibrated.samples)


def test_who_is_enrolled_is_no_stranger_any_more(gallery):
    gallery.enroll([new("a stranger", 1), new("another", 2)], STAMP, kind="character stranger")
    gallery.enroll([new("rem", 1)], STAMP)
    assert names(gallery, "character stranger") == {"another": 1}
    gallery.undo()
    assert names(gallery, "character stranger") == {"a stranger": 1, "another": 1} and gallery.kinds() == []


def test_undo_between_the_batches_of_an_enrolment(gallery):
    command = gallery.begin("enroll refs")
    gallery.enroll([new("rem", 1)], STAMP, command=command)
    gallery.undo()
    gallery.enroll([new("rem", 2)], STAMP, command=command)
    gallery.remove(["rem"])
    gallery.enroll([new("rem", 2), new("rem", 3)], STAMP, command=command)
    assert names(gallery) == {"rem": 2}
    for left in ({}, {"rem": 1}, {}):
        gallery.undo()
        assert names(gallery) == left


def test_a_second_client_writes_meanwhile(gallery, client, place):
    def write(start: int) -> None:
        with Gallery.open(place, device="cpu") as opened:
            for number in range(start, start + 3):
                opened.enroll([new(f"who{start}", number), new("shared", 1000 + number % 100)], STAMP)

    gallery.store.stamp("character", STAMP)
    writers = [threading.Thread(target=write, args=(start,)) for start in (0, 100)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    assert names(gallery) == {"shared": 3, "who0": 3, "who100": 3}
    assert names(client()) == names(gallery) and gallery.check() == []
    with gallery.store.snapshot():
        before = gallery.store.revision()
        client().enroll([new("late", 5000)], STAMP)
        assert gallery.store.revision() == before and "late" not in names(gallery)
    assert names(gallery)["late"] == 1


def test_an_export_is_a_gallery_in_a_file(gallery, tmp_path):
    gallery.enroll([new("rem", 1), new("rem", 2), new("ram", 3)], STAMP)
    gallery.remove(["ram"])
    target = tmp_path / "copy.kaodex"
    gallery.export(target)
    with Gallery.open(target, device="cpu") as copy:
        assert whole(copy) == whole(gallery) and copy.check() == []
    with pytest.raises(GalleryError, match="exists"):
        gallery.export(target)
    assert list(tmp_path.glob("*copy*")) == [target]


def test_where_nothing_is_no_gallery_opens(place):
    nowhere = place.with_name("nowhere") if isinstance(place, Path) else replace(place, collection="nowhere")
    with pytest.raises(GalleryMissing, match="kaodex enroll FOLDER"):
        Gallery.open(nowhere)
