import fcntl
import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import index.shelf
import index.sole_writer
from data.errors import GalleryError
from index.gallery import Gallery
from index.records import EncoderStamp
from index.shelf_files import ShelfFiles
from tests.index.test_gallery import STAMP, encoding, new
from tests.index.test_shelf import COLUMNS, equal_to_the_store, told

SMALLEST = 10
FILES = ("stamp.json", "vectors.f16", "references.npy", "identities.npy", "pictures.npy", "hashes.npy")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Snapshots of small galleries."""
    monkeypatch.setattr(index.shelf, "SMALLEST", SMALLEST)


@pytest.fixture
def path(tmp_path) -> Path:
    """A gallery of 30 references, with a snapshot beside it."""
    path = tmp_path / "gallery.kaodex"
    with Gallery.create(path, device="cpu") as gallery:
        gallery.enroll([new(f"who{number % 7}", number) for number in range(30)], STAMP)
        assert gallery.shelf("character").snapshot is not None
    return path


def folders(path: Path) -> list[str]:
    return sorted(one.name for one in path.with_name(f"{path.name}.search").iterdir() if one.name != "lock")


def opened_and_equal(path: Path) -> bool:
    """Whether a new client reads the snapshot; what it shows is in either case what the store holds."""
    with Gallery.open(path, device="cpu") as gallery, pytest.MonkeyPatch.context() as patched:
        read_all = []
        batches = gallery.store.vectors_in_batches
        patched.setattr(gallery.store, "vectors_in_batches", lambda kind: read_all.append(kind) or batches(kind))
        shelf = gallery.shelf("character")
        used = not read_all
        patched.undo()
        equal_to_the_store(gallery, shelf)
    return used


def test_a_large_gallery_opens_from_its_snapshot(path):
    assert folders(path) == ["character-30"]
    assert opened_and_equal(path)
    with Gallery.open(path, device="cpu") as gallery:
        gallery.enroll([new("late", 100)], STAMP)
        gallery.remove(["who3"])
    assert opened_and_equal(path), "the journal tells what happened since"
    with Gallery.open(path, device="cpu") as gallery:
        snapshot = ShelfFiles(gallery.store).newest("character", STAMP)
        held = gallery.store.vectors("character")
        assert snapshot.stamp.count == len(held.references)
        assert np.array_equal(snapshot.vectors(), held.encodings) and isinstance(snapshot.vectors(), np.memmap)
        assert np.array_equal(snapshot.column("references"), held.references)


def test_a_small_gallery_has_none_and_a_long_tail_is_written(tmp_path, monkeypatch):
    path = tmp_path / "gallery.kaodex"
    with Gallery.create(path, device="cpu") as gallery:
        gallery.enroll([new("rem", number) for number in range(SMALLEST - 1)], STAMP)
        gallery.shelf("character")
        gallery.keep_shelves()
        assert not (tmp_path / "gallery.kaodex.search").exists()
        gallery.enroll([new("rem", 100 + number) for number in range(16 * 3)], STAMP)
        gallery.shelf("character")
        gallery.keep_shelves()
        assert folders(path) == ["character-57"]
        gallery.enroll([new("rem", 200 + number) for number in range(3)], STAMP)
        gallery.shelf("character")
        gallery.keep_shelves()
        assert folders(path) == ["character-57"], "3 rows for 60 references are few"
        gallery.enroll([new("ram", 300)], STAMP)
    assert opened_and_equal(path)
    assert folders(path) == ["character-61"], "readers write it too"


def test_a_snapshot_too_far_behind_is_not_read(path):
    with Gallery.open(path, device="cpu") as gallery:
        gallery.enroll([new("late", 100 + number) for number in range(7)], STAMP)
    kept = shutil.copytree(path.with_name("gallery.kaodex.search"), path.with_name("kept"))
    assert opened_and_equal(path)
    with Gallery.open(path, device="cpu") as gallery:
        gallery.remove_references([gallery.references("late")[0].id])
    shutil.rmtree(path.with_name("gallery.kaodex.search"))
    kept.rename(path.with_name("gallery.kaodex.search"))
    assert not opened_and_equal(path) and folders(path) == ["character-38"]


def test_each_kind_has_its_own(path):
    with Gallery.open(path, device="cpu") as gallery:
        for kind in ("artist", "character stranger"):
            gallery.enroll([new(f"who{number}", 500 + number) for number in range(12)], STAMP, kind=kind)
            gallery.shelf(kind)
    assert folders(path) == ["artist-42", "character-30", "character-stranger-54"]
    assert not opened_and_equal(path), "the journal tells of all kinds, and has grown long"
    assert folders(path) == ["artist-42", "character-54", "character-stranger-54"]


def damaged(file: Path, how: str) -> None:
    whole = file.read_bytes()
    if how == "missing":
        file.unlink()
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "truncated":
        file.write_bytes(whole[: len(whole) - 3])
    elif how == "longer":
        file.write_bytes(whole + b"more")
    elif how == "another byte":
        at = len(whole) * 3 // 4
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
    elif how == "another beginning":
        file.write_bytes(b"\x00\xff{" + whole[3:])


@pytest.mark.parametrize("how", ["missing", "empty", "truncated", "longer", "another byte", "another beginning"])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_snapshot_is_read_past_and_written_anew(path, name, how):
    damaged(path.with_name("gallery.kaodex.search") / "character-30" / name, how)
    opened_and_equal(path)  # some bytes of a column's header or of the stamp's spaces mean nothing
    assert folders(path) == ["character-30"]
    assert opened_and_equal(path)


@pytest.mark.parametrize("name", ["vectors.f16", "references.npy", "identities.npy"])
def test_another_byte_of_an_array_is_noticed(path, name):
    damaged(path.with_name("gallery.kaodex.search") / "character-30" / name, "another byte")
    assert not opened_and_equal(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("kind", "artist"),
        ("revision", 29),
        ("revision", 31),
        ("encoder", "0" * 64),
        ("dimension", 4),
        ("count", 15),
        ("count", "30"),
        ("witness", "0" * 64),
        ("sums", {}),
        ("sums", None),
        ("more", 1),
    ],
)
def test_a_stamp_that_does_not_fit_is_refused(path, field, value):
    stamp = path.with_name("gallery.kaodex.search") / "character-30" / "stamp.json"
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {field: value}))
    assert not opened_and_equal(path)
    assert opened_and_equal(path)


def test_columns_with_pickled_objects_are_not_opened(path):
    column = path.with_name("gallery.kaodex.search") / "character-30" / "identities.npy"
    np.save(column, np.array([{}] * 30, object), allow_pickle=True)
    assert not opened_and_equal(path)


def test_another_gallery_in_its_place_is_noticed(path, tmp_path):
    other = tmp_path / "other.kaodex"
    with Gallery.create(other, device="cpu") as gallery:
        gallery.enroll([new(f"who{number % 7}", 200 + number) for number in range(40)], STAMP)
    for left in tmp_path.glob("gallery.kaodex-*"):
        left.unlink()
    other.replace(path)
    assert not opened_and_equal(path)
    assert folders(path) == ["character-40"]


def test_a_gallery_brought_back_from_an_export_is_noticed(path, tmp_path):
    with Gallery.open(path, device="cpu") as gallery:
        gallery.export(tmp_path / "export.kaodex")
        gallery.enroll([new("late", 100 + number) for number in range(20)], STAMP)
        gallery.shelf("character")
    assert opened_and_equal(path) and folders(path) == ["character-50"]
    for left in tmp_path.glob("gallery.kaodex-*"):
        left.unlink()
    (tmp_path / "export.kaodex").replace(path)
    assert not opened_and_equal(path), "the snapshot is of a later revision than the gallery"
    with Gallery.open(path, device="cpu") as gallery:
        gallery.enroll([new("late", 200 + number) for number in range(7)], STAMP)
    assert opened_and_equal(path)


def test_a_later_snapshot_of_another_past_is_noticed(path, tmp_path):
    with Gallery.open(path, device="cpu") as gallery:
        gallery.export(tmp_path / "export.kaodex")
        gallery.enroll([new("late", 100 + number) for number in range(20)], STAMP)
        gallery.shelf("character")
    kept = shutil.copytree(tmp_path / "gallery.kaodex.search" / "character-50", tmp_path / "kept")
    assert opened_and_equal(path)
    for left in tmp_path.glob("gallery.kaodex-*"):
        left.unlink()
    (tmp_path / "export.kaodex").replace(path)
    with Gallery.open(path, device="cpu") as gallery:
        gallery.enroll([new("late", 200 + number) for number in range(25)], STAMP)
    shutil.rmtree(tmp_path / "gallery.kaodex.search")
    shutil.copytree(kept, tmp_path / "gallery.kaodex.search" / "character-50")
    assert not opened_and_equal(path)
    assert folders(path) == ["character-55"]


def test_other_encodings_under_the_same_journal_are_noticed(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE reference SET encoding = ? WHERE id = 30", (encoding(999).astype("<f2").tobytes(),))
    connection.commit()
    connection.close()
    assert not opened_and_equal(path)


def test_another_encoder_means_another_snapshot(path):
    connection = sqlite3.connect(path)
    connection.execute("UPDATE encoder SET fingerprint = ?", ("0" * 64,))
    connection.commit()
    connection.close()
    assert not opened_and_equal(path)
    with Gallery.open(path, device="cpu") as gallery:
        assert ShelfFiles(gallery.store).newest("character", EncoderStamp("fake", "0" * 64, 8)) is not None
        assert ShelfFiles(gallery.store).newest("character", STAMP) is None


def test_without_room_for_files_the_gallery_works(path):
    folder = path.with_name("gallery.kaodex.search")
    shutil.rmtree(folder)
    folder.write_text("a file stands in the way")
    assert not opened_and_equal(path) and not opened_and_equal(path)
    assert folder.read_text() == "a file stands in the way"


def test_the_folder_may_be_deleted_while_a_client_has_it_open(path):
    with Gallery.open(path, device="cpu") as gallery:
        shelf = gallery.shelf("character")
        snapshot = shelf.snapshot
        vectors = snapshot.vectors()
        shutil.rmtree(path.with_name("gallery.kaodex.search"))
        assert np.array_equal(vectors, gallery.store.vectors("character").encodings), "open files live on"
        gallery.enroll([new("late", 100 + number) for number in range(20)], STAMP)
        equal_to_the_store(gallery, gallery.shelf("character"))
        gallery.keep_shelves()
        assert folders(path) == ["character-50"]


def test_who_may_read_the_gallery_may_read_the_folder(path):
    folder = path.with_name("gallery.kaodex.search")
    shutil.rmtree(folder)
    path.chmod(0o640)
    assert not opened_and_equal(path)
    assert folder.stat().st_mode & 0o777 == 0o750


def test_only_one_writes(path):
    folder = path.with_name("gallery.kaodex.search")
    shutil.rmtree(folder / "character-30")
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not opened_and_equal(path) and folders(path) == []
    assert not opened_and_equal(path) and folders(path) == ["character-30"]


def test_leftovers_go_and_an_index_that_is_being_written_stays(path):
    folder = path.with_name("gallery.kaodex.search")
    shutil.rmtree(folder / "character-30")
    for name in ("character-29.unfinished", "character-30.unfinished", "character-approximate.unfinished"):
        (folder / name).mkdir()
        (folder / name / "part").touch()
    assert not opened_and_equal(path)
    assert folders(path) == ["character-30", "character-approximate.unfinished"]
    assert [file.name for file in (folder / "character-approximate.unfinished").iterdir()] == ["part"]


def test_killed_at_any_moment_of_writing(path):
    folder = path.with_name("gallery.kaodex.search")
    sync = index.sole_writer._sync
    with Gallery.open(path, device="cpu") as gallery:
        shelf = gallery.shelf("character")
        gallery.enroll([new("late", 100 + number) for number in range(6)], STAMP)
        shelf.refresh()
        older = shutil.copytree(folder, path.with_name("older"))
        seen = set()
        for moment in range(9):
            shutil.rmtree(folder)
            shutil.copytree(older, folder)
            child = os.fork()
            if child == 0:
                left = iter(range(moment))

                def sync_or_die(what, left=left):
                    if next(left, None) is None:
                        os.kill(os.getpid(), signal.SIGKILL)
                    sync(what)

                index.sole_writer._sync = sync_or_die
                shelf.keep()
                os._exit(0)
            _, status = os.waitpid(child, 0)
            seen.add((os.WIFSIGNALED(status), *folders(path)))
            assert opened_and_equal(path)
            assert folders(path)[-1] == "character-36" and not list(folder.glob("*.unfinished"))
    assert seen == {
        (True, "character-30", "character-36.unfinished"),
        (True, "character-30", "character-36"),
        (False, "character-36"),
    }


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enroll", "enroll", "remove", "rename", "merge", "undo", "reopen", "keep"]),
        st.integers(0, 4),
        st.integers(0, 30),
    ),
    max_size=16,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_whatever_is_done_the_shelf_is_what_the_store_holds(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("shelf") / "gallery.kaodex"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(index.shelf, "SMALLEST", 3)
        patched.setattr(index.shelf, "TAIL", 2)
        patched.setattr(index.shelf, "_PIECE", 3)
        gallery = Gallery.create(path, device="cpu")
        try:
            for verb, one, other in steps:
                try:
                    if verb == "enroll":
                        gallery.enroll([new(f"who{one}", other), new(f"who{one}", other + 40)], STAMP)
                    elif verb == "remove":
                        gallery.remove([f"who{one}"])
                    elif verb == "rename":
                        gallery.rename(f"who{one}", f"who{other % 5}")
                    elif verb == "merge":
                        gallery.merge([f"who{one}"], f"who{other % 5}")
                    elif verb == "undo":
                        gallery.undo()
                    elif verb == "keep":
                        gallery.keep_shelves()
                    else:
                        gallery.close()
                        gallery = Gallery.open(path, device="cpu")
                except GalleryError:
                    pass
                held = gallery.store.vectors("character")
                assert told(gallery.shelf("character")) == {name: getattr(held, name).tolist() for name in COLUMNS}
            equal_to_the_store(gallery, gallery.shelf("character"))
            assert gallery.check() == []
        finally:
            gallery.close()
