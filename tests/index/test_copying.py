"""A copy is the same gallery elsewhere, or an error."""

import numpy as np
import pytest

from data.errors import GalleryError, GalleryMismatch
from index.copying import contents, copy_gallery
from index.gallery import Gallery
from index.records import EncoderStamp, NewReference

STAMP = EncoderStamp("fake", "f" * 64, 8)


def new(identity: str, picture: int, box=(0, 0, 10, 10)) -> NewReference:
    vector = np.random.default_rng(picture).normal(size=8)
    return NewReference(
        identity=identity,
        sha256=picture.to_bytes(32, "big"),
        source=f"refs/{identity}/{picture}.png",
        box=box,
        region="face",
        detection=0.75,
        hash=picture,
        encoding=(vector / np.linalg.norm(vector)).astype(np.float16),
        crop=f"crop {picture}".encode(),
    )


@pytest.fixture
def source(tmp_path):
    with Gallery.create(tmp_path / "source.kaodex", device="cpu") as gallery:
        gallery.enroll([new(f"who{number % 5}", number) for number in range(20)], STAMP)
        gallery.enroll([new("who1", 3)], STAMP, allow_conflicts=True)
        gallery.enroll([new("nobody", 90), new("who1", 1)], STAMP, kind="character stranger")
        gallery.enroll([new("somebody", 3)], EncoderStamp("art", "a" * 64, 8), kind="artist")
        gallery.remove(["who4"])
        yield gallery


@pytest.fixture(params=["sqlite", pytest.param("milvus", marks=pytest.mark.slow)])
def target(request, tmp_path):
    place = tmp_path / "target.kaodex" if request.param == "sqlite" else request.getfixturevalue("milvus_place")
    with Gallery.create(place, device="cpu") as gallery:
        yield gallery


def test_a_copy_is_the_same_and_comes_back_the_same(source, target, tmp_path):
    told: list[int] = []
    copied = copy_gallery(source.store, target.store, told.append)
    assert copied == contents(source.store) == contents(target.store)
    assert copied.references == sum(told) == 20 - 4 + 1 + 2 + 1 and target.check() == []
    with Gallery.create(tmp_path / "again.kaodex", device="cpu") as again:
        assert copy_gallery(target.store, again.store) == copied
        assert [(who.kind, who.name, who.references) for who in again.identities()] == [
            (who.kind, who.name, who.references) for who in source.identities()
        ]


def test_an_interrupted_copy_goes_on(source, target, monkeypatch):
    monkeypatch.setattr("index.copying.BATCH", 4)
    calls: list[int] = []

    def stop(count: int) -> None:
        calls.append(count)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_gallery(source.store, target.store, stop)
    assert len(target) == 8
    assert copy_gallery(source.store, target.store) == contents(source.store)
    assert copy_gallery(source.store, target.store) == contents(source.store)  # nothing to do any more
    for left in (8, 0):
        target.undo()
        assert len(target) == left


def test_what_is_no_copy_is_refused_and_left_as_it_is(source, tmp_path):
    with Gallery.create(tmp_path / "full.kaodex", device="cpu") as full:
        full.enroll([new("somebody else", 500)], STAMP)
        with pytest.raises(GalleryError, match="gallery import"):
            copy_gallery(source.store, full.store)
        assert len(full) == 1
    with Gallery.create(tmp_path / "other.kaodex", device="cpu") as other:
        other.store.stamp("character", EncoderStamp("other", "0" * 64, 8))
        with pytest.raises(GalleryMismatch, match="speaks another language"):
            copy_gallery(source.store, other.store)
        assert len(other) == 0


def test_a_copy_that_differs_is_told(source, tmp_path, monkeypatch):
    with Gallery.create(tmp_path / "target.kaodex", device="cpu") as target:
        copy_gallery(source.store, target.store)
        source.remove(["who2"])
        with pytest.raises(GalleryError, match=r"the copy differs: .* holds 16 references .* 20 \(checksum"):
            copy_gallery(source.store, target.store)
    with Gallery.create(tmp_path / "damaged.kaodex", device="cpu") as target:
        keep = target.store.add
        monkeypatch.setattr(target.store, "add", lambda kind, new, *rest, **how: keep(kind, new[1:], *rest, **how))
        with pytest.raises(GalleryError, match="the copy differs"):
            copy_gallery(source.store, target.store)


def test_one_face_twice_under_one_name_becomes_one(source, tmp_path):
    source.merge(["who3", "who1"], "who1")  # both have picture 3
    with Gallery.create(tmp_path / "target.kaodex", device="cpu") as target:
        assert copy_gallery(source.store, target.store).references == 19
        assert len(source) == 20 and len(target) == 19
