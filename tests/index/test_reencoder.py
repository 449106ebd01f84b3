"""Moving a gallery to another encoder: all of it or nothing, whatever happens on the way."""

import sqlite3
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from data.errors import GalleryError, GalleryMismatch
from data.pictures import read_picture
from embedder.views import picture_views
from index.gallery import Gallery
from index.kind_encoders import stamp_of
from index.recognizer import Recognizer
from index.records import STRANGERS_OF, EncoderStamp, NewReference
from index.reencoder import Reencoder
from index.staged_encodings import StagedEncodings
from tests.conftest import FakeEncoder


class GridEncoder(FakeEncoder):
    """Mean colours of a grid of cells, from mid-grey, as a unit vector: 3 numbers for each cell."""

    def __init__(self, name: str, cells: int, turn: float = 0.0) -> None:
        super().__init__(name)
        self.cells = cells
        self.turn = turn
        self.dimension = 3 * cells * cells
        self.strangers = ()
        self.calls = 0
        self.before_batch = lambda call: None

    def fit(self, crop: np.ndarray) -> np.ndarray:
        return cv2.resize(crop, (8, 8), interpolation=cv2.INTER_AREA)

    def encode(self, crops, batch_size: int = 64) -> np.ndarray:
        self.calls += 1
        self.before_batch(self.calls)
        rows = np.empty((len(crops), self.dimension), np.float32)
        for row, crop in enumerate(crops):
            cells = cv2.resize(self.fit(crop), (self.cells, self.cells), interpolation=cv2.INTER_AREA).astype(float)
            row_of = (cells - 127.5 + self.turn * np.arange(3)).ravel()
            rows[row] = row_of / np.linalg.norm(row_of)
        return rows


OLD, NEW, SAME_LENGTH = GridEncoder("old", 1), GridEncoder("new", 2), GridEncoder("other", 1, turn=40.0)


def stamp(encoder: FakeEncoder) -> EncoderStamp:
    return EncoderStamp(encoder.name, encoder.fingerprint, encoder.dimension)


def jpeg(picture: int) -> bytes:
    small = np.random.default_rng(picture).integers(0, 256, (6, 6, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(small, (40, 40), interpolation=cv2.INTER_NEAREST))[1].tobytes()


def new(identity: str, picture: int, encoder: FakeEncoder = OLD, crop: bytes | None = None) -> NewReference:
    stored = jpeg(picture)
    return NewReference(
        identity=identity,
        sha256=picture.to_bytes(32, "big"),
        source=f"refs/{identity}/{picture}.png",
        box=(0, 0, 10, 10),
        region="whole",
        detection=1.0,
        hash=picture,
        encoding=encoder.encode([encoder.fit(read_picture(stored))])[0].astype(np.float16),
        crop=stored if crop is None else crop,
    )


def fill(gallery: Gallery, encoder: FakeEncoder) -> None:
    """Enrolments of all kinds, the artists by the old encoder, with a removal, a renaming, a merge and an undo."""
    gallery.enroll([new(f"{n % 5}", n, encoder) for n in range(40)], stamp(encoder), command=gallery.begin("enroll a"))
    gallery.enroll([new("painter", 50 + n) for n in range(3)], stamp(OLD), kind="artist")
    gallery.enroll([new(f"s{n}", 60 + n, encoder) for n in range(4)], stamp(encoder), kind=STRANGERS_OF["character"])
    gallery.remove(["3"])
    gallery.rename("1", "one")
    gallery.merge(["2"], "one")
    gallery.undo()
    gallery.remove_references([1])


def tables(gallery: Gallery) -> dict[str, list[tuple]]:
    """All that a gallery holds, less the times of its commands and what can be computed again."""
    return {
        name: gallery.store.rows(f"SELECT {columns} FROM {name} ORDER BY 1")
        for name, columns in {
            "encoder": "kind, name, fingerprint, dimension",
            "identity": "*",
            "reference": "*",
            "crop": "*",
            "command": "id, words, undone_by, undoes",
            "journal": "*",
            "sqlite_schema": "name, sql",
        }.items()
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gallery.kaodex"
    with Gallery.create(path, device="cpu") as made:
        fill(made, OLD)
    return path


@pytest.fixture
def gallery(path: Path):
    with Gallery.open(path, device="cpu") as opened:
        yield opened


def damage(path: Path, reference: int, crop: bytes | None = b"no picture") -> None:
    connection = sqlite3.connect(path)
    with connection:
        if crop is None:
            connection.execute("DELETE FROM crop WHERE reference = ?", (reference,))
        else:
            connection.execute("UPDATE crop SET picture = ? WHERE reference = ?", (crop, reference))
    connection.close()


@pytest.mark.parametrize("target", [NEW, SAME_LENGTH], ids=["another dimension", "the same dimension"])
def test_a_moved_gallery_is_one_enrolled_anew_by_the_new_encoder(gallery, tmp_path, target):
    gallery.calibrator("character").neighbourhoods()
    moved = Reencoder(gallery, target).run()
    assert moved.switched and moved.moved == moved.encoded == 44 and not moved.unreadable
    with Gallery.create(tmp_path / "twin.kaodex", device="cpu") as twin:
        fill(twin, target)
        assert tables(gallery) == tables(twin)
        query = target.encode([read_picture(jpeg(7)), read_picture(jpeg(8))])
        found, wanted = gallery.search(query, 5), twin.search(query, 5)
        assert (found.references == wanted.references).all() and (found.similarities == wanted.similarities).all()
        assert gallery.store.rows("SELECT * FROM calibration") == []
        ours, theirs = (one.calibrator("character").neighbourhoods() for one in (gallery, twin))
        np.testing.assert_equal(asdict(ours), asdict(theirs))
    assert gallery.check() == []
    again = Reencoder(gallery, target)
    assert again.needless and again.waiting == 0 and not again.run().switched


def test_undo_walks_back_across_a_move(gallery, tmp_path):
    Reencoder(gallery, NEW).run()
    with Gallery.create(tmp_path / "twin.kaodex", device="cpu") as twin:
        fill(twin, NEW)
        for _ in range(6):
            assert gallery.undo().words == twin.undo().words
            assert tables(gallery) == tables(twin)
        with pytest.raises(GalleryError, match="nothing to undo"):
            gallery.undo()


def test_artists_of_another_encoder_stay(tmp_path):
    with Gallery.create(tmp_path / "two.kaodex", device="cpu") as gallery:
        gallery.enroll([new("a", 1)], stamp(OLD))
        gallery.enroll([new("p", 2, SAME_LENGTH)], stamp(SAME_LENGTH), kind="artist")
        before = gallery.store.vectors("artist").encodings
        assert Reencoder(gallery, NEW).run().moved == 1
        assert gallery.store.encoder("artist") == stamp(SAME_LENGTH)
        assert (gallery.store.vectors("artist").encodings == before).all()


def test_artists_move_by_their_views_and_characters_stay(gallery):
    before = gallery.store.vectors("character").encodings
    moved = Reencoder(gallery, NEW, "artist").run()
    assert moved.switched and moved.moved == 3
    assert gallery.store.encoder("artist") == stamp_of(NEW, "artist") != stamp(NEW)
    assert gallery.store.encoder("character") == stamp(OLD)
    assert (gallery.store.vectors("character").encodings == before).all()
    held = gallery.store.vectors("artist")
    for reference, encoding in zip(held.references.tolist(), held.encodings, strict=True):
        picture = read_picture(gallery.crop(reference))
        of_views = np.stack([NEW.encode([view.cut(picture)])[0] for view in picture_views(picture)])
        mean = of_views.mean(axis=0)
        assert encoding == pytest.approx(mean / np.linalg.norm(mean), abs=2e-3)
    assert Reencoder(gallery, NEW, "artist").needless and not Reencoder(gallery, NEW).needless


def test_a_move_of_the_other_kind_begins_anew(gallery):
    StagedEncodings(gallery.store, "character", stamp(NEW)).keep([1], NEW.encode([np.zeros((8, 8, 3), np.uint8)]))
    artists = Reencoder(gallery, NEW, "artist")
    assert artists.waiting == 3 and artists.run().moved == 3
    assert Reencoder(gallery, NEW).waiting == 44


def test_an_empty_gallery_has_nothing_to_move(tmp_path):
    with Gallery.create(tmp_path / "empty.kaodex") as gallery:
        moving = Reencoder(gallery, NEW)
        assert moving.needless and moving.report.source is None and not moving.run().switched


def test_a_stopped_move_changes_nothing_and_goes_on_where_it_stopped(gallery, path, tmp_path, monkeypatch):
    monkeypatch.setattr("index.reencoder.BATCH", 10)
    before = {name: rows for name, rows in tables(gallery).items() if name != "sqlite_schema"}
    stopping = GridEncoder("new", 2)

    def stop(call: int) -> None:
        if call == 3:
            raise KeyboardInterrupt

    stopping.before_batch = stop
    with pytest.raises(KeyboardInterrupt):
        Reencoder(gallery, stopping).run()
    with Gallery.open(path, device="cpu") as other:
        assert {name: rows for name, rows in tables(other).items() if name != "sqlite_schema"} == before
        assert other.check() == []
        other.export(tmp_path / "copy.kaodex")
    with Gallery.open(tmp_path / "copy.kaodex", device="cpu") as copy:  # the unfinished move stays at home
        assert not copy.store.rows("SELECT * FROM sqlite_schema WHERE name LIKE 'reencod%'")
    resumed = Reencoder(gallery, NEW)
    assert resumed.waiting == 24
    assert resumed.run().encoded == 24 and resumed.report.moved == 44
    with Gallery.create(tmp_path / "twin.kaodex", device="cpu") as twin:
        fill(twin, NEW)
        assert tables(gallery) == tables(twin)


def test_what_was_made_for_another_encoder_is_not_taken(gallery, monkeypatch):
    monkeypatch.setattr("index.reencoder.BATCH", 10)
    StagedEncodings(gallery.store, "character", stamp(SAME_LENGTH)).keep(
        [1, 2], SAME_LENGTH.encode([np.zeros((8, 8, 3), np.uint8)] * 2)
    )
    moving = Reencoder(gallery, NEW)
    assert moving.waiting == 44 and moving.run().encoded == 44
    StagedEncodings(gallery.store, "character", stamp(OLD))
    back = Reencoder(gallery, NEW)
    assert back.needless and back.given_up == "old"


def test_what_another_process_enrols_meanwhile_is_caught_up_with(gallery, path, monkeypatch):
    monkeypatch.setattr("index.reencoder.BATCH", 20)
    encoder = GridEncoder("new", 2)
    real_switch = StagedEncodings.switch

    def enrol(call: int) -> None:
        if call == 2:
            with Gallery.open(path, device="cpu") as other:
                other.enroll([new("late", 90), new("late", 91)], stamp(OLD))

    def switch(self, *arguments):
        if not late:
            late.append(True)
            with Gallery.open(path, device="cpu") as other:
                other.enroll([new("later", 92)], stamp(OLD))
                other.remove(["0"])
        return real_switch(self, *arguments)

    late: list[bool] = []
    encoder.before_batch = enrol
    monkeypatch.setattr(StagedEncodings, "switch", switch)
    report = Reencoder(gallery, encoder).run()
    assert report.switched and report.moved == 47 and gallery.check() == []
    assert {"late", "later"} <= {who.name for who in gallery.identities()}
    held = gallery.store.vectors("character")
    for reference, encoding in zip(held.references.tolist(), held.encodings, strict=True):
        crop = NEW.fit(read_picture(gallery.crop(reference)))
        assert (encoding == NEW.encode([crop])[0].astype(np.float16)).all()


def test_an_enrolment_that_began_before_the_switch_is_refused_after_it(gallery, path):
    with Gallery.open(path, device="cpu") as other:
        other.enroll([new("early", 90)], stamp(OLD))
        Reencoder(gallery, SAME_LENGTH).run()
        with pytest.raises(GalleryMismatch, match="kaodex gallery reencode"):
            other.store.add("character", [new("late", 91)], stamp(OLD), 1)  # past the first look at the stamp
    assert "late" not in {who.name for who in gallery.identities()}


def test_who_asks_meanwhile_sees_the_old_gallery_or_the_new_one(gallery, path):
    query = [read_picture(jpeg(n)) for n in (0, 7, 23)]
    with (
        Recognizer.open(path, encoder="old", device="cpu", kinds=["character"]) as asking,
        Gallery.open(path, device="cpu") as plain,
    ):
        old_answers = asking.gallery.recognize(OLD.encode(query))
        plain.search(OLD.encode(query), 3)
        late = Recognizer(Gallery.open(path, device="cpu"), OLD)
        Reencoder(gallery, NEW).run()
        gallery.enroll([new("0", 93, NEW)], stamp(NEW))
        gallery.calibrator("character").neighbourhoods()
        kept = gallery.store.rows("SELECT * FROM calibration")
        # who has read the old encodings goes on with them, and leaves what belongs to the new ones alone
        assert asking.gallery.recognize(OLD.encode(query)) == old_answers
        asking.gallery.calibrator("character", ["0"]).neighbourhoods()
        assert gallery.store.rows("SELECT * FROM calibration") == kept
        # who had not read them yet is told
        with late, pytest.raises(GalleryMismatch, match="speaks another language"):
            late.gallery.recognize(OLD.encode(query))
        # who asks in no encoder's name gets the new ones
        assert plain.search(NEW.encode(query), 1).similarities[1, 0] == pytest.approx(1, abs=2e-3)
    with Recognizer(Gallery.open(path, device="cpu"), NEW) as fresh:
        assert fresh.gallery.recognize(NEW.encode(query))[1].neighbours[0].identity == "2"


@pytest.fixture(autouse=True)
def loaded_by_name(monkeypatch):
    encoders = {one.name: one for one in (OLD, NEW, SAME_LENGTH)}
    monkeypatch.setattr("embedder.Encoder.load", lambda name, **options: encoders[name])


def test_lost_crops_stop_the_move_until_they_are_dropped(gallery, path, tmp_path):
    damage(path, 5)
    damage(path, 6, None)
    damage(path, 4)  # one of the removed identity
    before = gallery.store.vectors("character").encodings
    refused = Reencoder(gallery, NEW).run()
    assert not refused.switched and sorted(refused.unreadable) == [4, 5, 6]
    assert refused.unreadable[4].identity is None and "missing" in refused.unreadable[6].reason
    assert (gallery.store.vectors("character").encodings == before).all()
    revision = gallery.store.revision()

    report = Reencoder(gallery, NEW).run(drop_unreadable=True, export_before=tmp_path / "before.kaodex")
    assert report.switched and report.encoded == 0 and report.moved == 41
    assert [(change.reference, change.after) for change in gallery.store.changes(revision, "character")] == [
        (5, None),
        (6, None),
    ]
    assert gallery.history(1)[0].words == "reencode from old to new: remove unreadable crops"
    with Gallery.open(tmp_path / "before.kaodex", device="cpu") as snapshot:
        assert snapshot.store.encoder("character") == stamp(OLD)
        assert (snapshot.store.vectors("character").encodings == before).all()
    # undo brings back only what has an encoding
    undone = gallery.undo()
    assert (undone.references, undone.lost) == (0, 2)
    gallery.undo()  # remove_references
    while gallery.undo().words != "remove 3":
        pass
    assert gallery.search(NEW.encode([read_picture(jpeg(8))]), 1).similarities[0, 0] == pytest.approx(1, abs=2e-3)
    assert len(gallery.references("3")) == 7, "all of 3 but the one that was lost"
    assert not [problem for problem in gallery.check() if "lost its crop" not in problem]
    # and a later move does not stumble over them again
    again = Reencoder(gallery, SAME_LENGTH).run()
    assert again.switched and not again.unreadable and again.moved == 41


def test_a_copy_that_exists_is_refused_before_anything_is_encoded(gallery, tmp_path):
    (tmp_path / "there.kaodex").write_bytes(b"")
    encoder = GridEncoder("new", 2)
    with pytest.raises(GalleryError, match="exists"):
        Reencoder(gallery, encoder).run(export_before=tmp_path / "there.kaodex")
    assert encoder.calls == 0


def test_two_commands_do_not_mix(gallery, path):
    first = Reencoder(gallery, NEW)
    with Gallery.open(path, device="cpu") as other:
        Reencoder(other, SAME_LENGTH)
        with pytest.raises(GalleryMismatch, match="another command"):
            first.run()
        assert Reencoder(other, SAME_LENGTH).run().switched
        with pytest.raises(GalleryMismatch, match="another command"):
            first.run()
    assert gallery.store.encoder("character") == stamp(SAME_LENGTH) and gallery.check() == []
