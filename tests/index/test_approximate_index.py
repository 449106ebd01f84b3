import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import index.gallery
import index.shelf
from data.errors import GalleryError
from index.approximate import EXACT_UP_TO, build, build_now, described, exact_range
from index.approximate.build import BuildStopped, build_index, hold_out, recall_at
from index.approximate.files import IndexFiles
from index.gallery import Gallery
from index.records import EncoderStamp, NewReference
from index.search.approximate import ApproximateSearch
from index.shelf_files import ShelfFiles
from tests.index.search.test_approximate import DIMENSION, clustered, questions

STAMP = EncoderStamp("fake", "f" * 64, DIMENSION)
PEOPLE, EACH = 60, 10
COUNT = PEOPLE * EACH


def reference(identity: str, number: int, encoding: np.ndarray) -> NewReference:
    return NewReference(
        identity=identity,
        sha256=number.to_bytes(32, "big"),
        source=f"{identity}/{number}.png",
        box=(0, 0, 10, 10),
        region="whole",
        detection=1.0,
        hash=(number * 0x9E3779B97F4A7C15) % 2**64,
        encoding=encoding,
        crop=b"a picture",
    )


def references(vectors: np.ndarray, first: int = 0, name: str = "who") -> list[NewReference]:
    return [reference(f"{name}{row // EACH}", first + row, one) for row, one in enumerate(vectors)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Snapshots of small galleries, and no waiting."""
    monkeypatch.setattr(index.shelf, "SMALLEST", 10)
    monkeypatch.setattr(index.gallery, "PATIENCE", 1e9)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with a gallery of 600 references, its snapshot, and its index."""
    path = tmp_path_factory.mktemp("made") / "gallery.kaodex"
    with pytest.MonkeyPatch.context() as patched, Gallery.create(path, device="cpu") as gallery:
        patched.setattr(index.shelf, "SMALLEST", 10)
        gallery.enroll(references(clustered(PEOPLE, EACH)), STAMP)
        gallery.shelf("character")
        assert build_now(gallery.store, "character", exact_up_to=100)
    return path.parent


@pytest.fixture
def path(made, tmp_path) -> Path:
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy" / "gallery.kaodex"


def index_folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.search") / "character-approximate"


def searches(gallery: Gallery, monkeypatch) -> list[int]:
    """A list that grows whenever the index is searched."""
    seen: list[int] = []
    plain = ApproximateSearch.search
    monkeypatch.setattr(
        ApproximateSearch, "search", lambda self, *given: seen.append(self.width) or plain(self, *given)
    )
    return seen


def used(path: Path, monkeypatch, search: str = "auto", exact_up_to: int = 100) -> bool:
    """Whether a new client searches by the index; what it finds is what the exact search finds, or nearly."""
    with Gallery.open(path, device="cpu", exact_up_to=exact_up_to) as gallery, monkeypatch.context() as patched:
        gallery.choose_search(search)
        seen = searches(gallery, patched)
        found = gallery.search(questions(50), 10)
        gallery.choose_search("exact")
        exact = gallery.search(questions(50), 10)
        assert recall_at(found.references, exact.references).mean() > 0.8
        assert (np.diff(found.similarities) <= 0).all()
        return bool(seen)


def change(path: Path, **fields: object) -> None:
    about = json.loads((index_folder(path) / "about.json").read_text())
    (index_folder(path) / "about.json").write_text(json.dumps(about | fields))


# -- whether it is used ------------------------------------------------------------------------------------------------


def test_it_is_used_beyond_the_exact_range_alone(path, monkeypatch):
    assert used(path, monkeypatch)
    assert used(path, monkeypatch, exact_up_to=COUNT - 1)
    assert not used(path, monkeypatch, exact_up_to=COUNT)
    assert not used(path, monkeypatch, search="exact")
    assert used(path, monkeypatch, search="approximate", exact_up_to=COUNT)


def test_the_exact_range_is_a_setting(monkeypatch):
    assert exact_range() == EXACT_UP_TO == 2_000_000 and exact_range(7) == 7
    monkeypatch.setenv("KAODEX_EXACT_UP_TO", "50,000")
    assert exact_range() == 50_000 and exact_range(7) == 7
    monkeypatch.setenv("KAODEX_EXACT_UP_TO", "many")
    with pytest.raises(GalleryError, match="number of references"):
        exact_range()


def test_a_recall_under_the_least_is_refused_unless_somebody_insists(path, monkeypatch):
    told = json.loads((index_folder(path) / "about.json").read_text())["recall"]
    change(path, recall=told | {"recall": 0.989})
    assert not used(path, monkeypatch)
    assert used(path, monkeypatch, search="approximate")
    with Gallery.open(path, device="cpu") as gallery:
        assert described(gallery.store, "character", 100).startswith("exact, as the index finds less than 0.99")
    change(path, recall=None)
    assert not used(path, monkeypatch)


@pytest.mark.parametrize("name", ["index.faiss", "references.npy"])
def test_a_damaged_index_is_ignored(path, monkeypatch, name):
    file = index_folder(path) / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert not used(path, monkeypatch)
    file.write_bytes(data[: len(data) // 2])
    assert not used(path, monkeypatch)
    file.unlink()
    assert not used(path, monkeypatch)


def test_an_index_that_tells_nonsense_is_ignored(path, monkeypatch):
    for fields in (
        {"format": 99},
        {"encoder": "another"},
        {"witness": "another gallery's"},
        {"revision": 1},
        {"new": 1},
    ):
        before = (index_folder(path) / "about.json").read_text()
        change(path, **fields)
        assert not used(path, monkeypatch), fields
        (index_folder(path) / "about.json").write_text(before)
    assert used(path, monkeypatch)
    (index_folder(path) / "about.json").write_text("{")
    assert not used(path, monkeypatch)


def test_insisting_without_an_index_names_the_cure(path):
    shutil.rmtree(index_folder(path))
    with Gallery.open(path, device="cpu") as gallery:
        gallery.choose_search("approximate")
        with pytest.raises(GalleryError, match="kaodex gallery index"):
            gallery.search(questions(1), 1)
        with pytest.raises(ValueError, match="auto, exact, approximate"):
            gallery.choose_search("quick")


# -- changes -----------------------------------------------------------------------------------------------------------


def test_who_was_removed_is_never_found_and_who_came_is(path, monkeypatch):
    came = clustered(2, EACH, seed=77)
    with Gallery.open(path, device="cpu", exact_up_to=100) as gallery:
        seen = searches(gallery, monkeypatch)
        gone = gallery.references("who3")[0]
        asked = clustered(PEOPLE, EACH)[30:31].astype(np.float32)
        assert gallery.search(asked, 1).references[0, 0] == gone.id
        gallery.remove(["who3"])
        gallery.rename("who4", "somebody")
        assert not {one.id for one in gallery.references("who0")} & {gone.id}
        found = gallery.search(asked, 10)
        assert gone.id not in found.references and gallery.store.identity("character", "who0") >= 0
        added = gallery.enroll(references(came, 5000, "new"), STAMP)
        found = gallery.search(came.astype(np.float32), 1)
        assert found.references[:, 0].tolist() == [one.reference for one in added]
        assert len(seen) == 3
        gallery.undo(), gallery.undo(), gallery.undo()
        assert gallery.search(asked, 1).references[0, 0] == gone.id
        assert len(seen) == 4
    assert used(path, monkeypatch)


def test_an_index_outlives_snapshots(path, monkeypatch):
    with Gallery.open(path, device="cpu") as gallery:
        for number in range(10):
            gallery.rename(f"who{number}", f"renamed{number}")
    with Gallery.open(path, device="cpu") as gallery:
        assert gallery.shelf("character").snapshot.stamp.revision == COUNT + 10 * EACH
    assert used(path, monkeypatch)
    with Gallery.open(path, device="cpu") as gallery:
        assert described(gallery.store, "character", 100).endswith("600 of 600 covered")


def test_an_index_far_behind_is_not_used_until_it_is_renewed(path, monkeypatch):
    with Gallery.open(path, device="cpu") as gallery:
        gallery.remove([f"who{number}" for number in range(4)])
    assert used(path, monkeypatch)
    with Gallery.open(path, device="cpu") as gallery:
        gallery.remove([f"who{number}" for number in range(4, 20)])
        assert "until `kaodex gallery index` renews" in described(gallery.store, "character", 100)
    assert not used(path, monkeypatch)
    with Gallery.open(path, device="cpu") as gallery:
        assert build_now(gallery.store, "character", exact_up_to=100).count == 400
    assert used(path, monkeypatch)


def test_another_encoder_has_another_index(path, monkeypatch):
    with Gallery.open(path, device="cpu", exact_up_to=100) as gallery:
        files = IndexFiles(gallery.store, "character")
        assert files.about(STAMP)
        assert files.about(EncoderStamp("other", "e" * 64, DIMENSION)) is None
        assert files.about(EncoderStamp("fake", "f" * 64, DIMENSION + 1)) is None


# -- building ----------------------------------------------------------------------------------------------------------


def test_what_is_told_is_what_was_measured(path):

    with Gallery.open(path, device="cpu") as gallery:
        snapshot = ShelfFiles(gallery.store).newest("character", STAMP)
        about = IndexFiles(gallery.store, "character").about(STAMP)
        covered = IndexFiles(gallery.store, "character").covered()
    assert (about.count, about.dimension) == (COUNT, DIMENSION) and about.width in build.WIDTHS
    assert sorted(covered.tolist()) == snapshot.column("references").tolist()
    assert about.recall.queries == COUNT // 20 and about.recall.low <= about.recall.recall <= about.recall.high
    assert about.recall.recall >= build.AIM and about.strangers.queries == COUNT // 20
    assert about.trusted(0.99) and not about.trusted(about.recall.recall + 1e-9)
    told = described_with(path, 100)
    assert told.startswith("approximate (HNSW with 16 links in 8 bits, ranked again in float16), recall@10 ")
    assert told.endswith("600 of 600 covered") and "on 30 held-out references" in told
    assert described_with(path, 10_000).startswith("exact up to 10,000 references; with --search approximate: ")


def described_with(path: Path, exact_up_to: int) -> str:
    with Gallery.open(path, device="cpu") as gallery:
        return described(gallery.store, "character", exact_up_to)


def test_the_covered_are_counted_as_of_today(path):
    with Gallery.open(path, device="cpu") as gallery:
        gallery.remove(["who3"])
        gallery.enroll(references(clustered(1, 5, seed=5), 7000, "new"), STAMP)
        assert described(gallery.store, "character", 100).endswith("590 of 595 covered")


def test_the_held_out_are_whole_identities_and_single_references():
    identities = np.random.default_rng(0).permutation(np.repeat(np.arange(200), 10))
    mated, strangers = hold_out(identities)
    assert len(mated) == len(strangers) == 100 and not {*mated} & {*strangers}
    assert not {*identities[mated]} & {*identities[strangers]}
    assert np.isin(identities, identities[strangers]).sum() == 100, "all of their references"
    one, nobody = hold_out(np.zeros(1000, np.int64))
    assert len(one) == 50 and len(nobody) == 0, "one large identity is not held out"
    assert [len(part) for part in hold_out(np.arange(5))] == [0, 0]


def test_an_index_is_measured_without_those_it_is_asked_with(path, monkeypatch):
    asked: list[np.ndarray] = []
    plain = ApproximateSearch.follow
    monkeypatch.setattr(ApproximateSearch, "follow", lambda self, *given: asked.append(self) or plain(self, *given))
    with Gallery.open(path, device="cpu") as gallery:
        build_now(gallery.store, "character", force=True)
    assert [len(search) for search in asked] == [COUNT - 60]


def test_building_anew_gives_the_same_index(path):
    before = json.loads((index_folder(path) / "about.json").read_text())
    with Gallery.open(path, device="cpu") as gallery:
        assert build_now(gallery.store, "character", exact_up_to=100) is None, "there is one"
        assert build_now(gallery.store, "character", exact_up_to=COUNT, force=True)
    after = json.loads((index_folder(path) / "about.json").read_text())
    assert {name: after[name] for name in ("count", "recall", "strangers", "width")} == {
        name: before[name] for name in ("count", "recall", "strangers", "width")
    }


def test_what_cannot_be_built_is_told(tmp_path):
    with Gallery.create(tmp_path / "gallery.kaodex", device="cpu") as gallery:
        assert build_now(gallery.store, "character", force=True) is None, "nobody is enrolled"
        gallery.enroll(references(clustered(1, 5)), STAMP)
        gallery.shelf("character")
        assert build_now(gallery.store, "character") is None
        with pytest.raises(GalleryError, match="holds 5 character references"):
            build_now(gallery.store, "character", force=True)


def test_a_second_builder_is_turned_away(path):
    with Gallery.open(path, device="cpu") as gallery:
        with IndexFiles(gallery.store, "character").building() as mine:
            assert mine
            with pytest.raises(GalleryError, match="another process"):
                build_now(gallery.store, "character", force=True)
        assert build_now(gallery.store, "character", force=True)


@pytest.mark.parametrize("after", range(4))
def test_stopping_leaves_what_was_there(path, after):
    with Gallery.open(path, device="cpu") as gallery:
        files = IndexFiles(gallery.store, "character")
        snapshot, about = ShelfFiles(gallery.store).newest("character", STAMP), files.about(STAMP)
        before = sorted(index_folder(path).parent.iterdir())
        asked = iter(range(after))
        with pytest.raises(BuildStopped):
            build_index(snapshot, files, stop=lambda: next(asked, None) is None)
        assert sorted(index_folder(path).parent.iterdir()) == before
        assert files.about(STAMP) == about and files.read(about)


def test_an_interruption_while_writing_leaves_the_old_index(path, monkeypatch):
    with Gallery.open(path, device="cpu") as gallery:
        files = IndexFiles(gallery.store, "character")
        before = files.about(STAMP)

        def interrupted(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(np, "save", interrupted)
            build_now(gallery.store, "character", force=True)
        assert files.about(STAMP) == before and files.read(before)
        assert not index_folder(path).with_name("character-approximate.unfinished").exists()


# -- in the background -------------------------------------------------------------------------------------------------


def waited(condition) -> bool:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "kaodex approximate index"]


def test_a_program_that_goes_on_asking_gets_an_index(path, monkeypatch):
    shutil.rmtree(index_folder(path))
    with Gallery.open(path, device="cpu", exact_up_to=100) as gallery:
        seen = searches(gallery, monkeypatch)
        gallery.search(questions(1), 1)
        assert not threads(), "not for a single question"
        monkeypatch.setattr(index.gallery, "PATIENCE", 0.0)
        gallery.search(questions(1), 1)
        assert waited(lambda: index_folder(path).exists() and not threads())
        seen.clear()
        gallery.search(questions(1), 1)
        assert len(seen) == 1 and not threads()


def test_closing_ends_a_building_and_leaves_nothing(path, monkeypatch):
    shutil.rmtree(index_folder(path))
    monkeypatch.setattr(index.gallery, "PATIENCE", 0.0)
    begun, go_on = threading.Event(), threading.Event()
    plain = build.VectorGraph.add

    def slowly(self, vectors) -> None:
        begun.set()
        go_on.wait(30)
        plain(self, vectors)

    monkeypatch.setattr(build, "_PIECE", 50)
    monkeypatch.setattr(build.VectorGraph, "add", slowly)
    gallery = Gallery.open(path, device="cpu", exact_up_to=100)
    gallery.search(questions(1), 1)
    assert not threads(), "the first search looks what is there"
    gallery.search(questions(1), 1)
    assert begun.wait(30)
    for _ in range(3):
        gallery.search(questions(1), 1)  # the exact search goes on, and one building is enough
    assert len(threads()) == 1
    threading.Timer(0.2, go_on.set).start()
    gallery.close()
    assert not threads()
    assert not [one for one in index_folder(path).parent.iterdir() if "character-approximate" in one.name]


def test_an_index_that_is_there_is_not_built_again(path, monkeypatch):
    monkeypatch.setattr(index.gallery, "PATIENCE", 0.0)
    with Gallery.open(path, device="cpu", exact_up_to=100) as gallery:
        gallery.enroll(references(clustered(1, 1, seed=5), 7000, "new"), STAMP)
        for number in range(10):
            gallery.rename(f"who{number}", f"renamed{number}")  # so that a newer snapshot is written
        for _ in range(3):
            gallery.search(questions(1), 1)
        assert not threads()


def test_in_the_exact_range_nothing_is_built(path, monkeypatch):
    shutil.rmtree(index_folder(path))
    monkeypatch.setattr(index.gallery, "PATIENCE", 0.0)
    with Gallery.open(path, device="cpu", exact_up_to=COUNT) as gallery:
        gallery.search(questions(1), 1)
        assert not threads()
        gallery.choose_search("exact")
        gallery.search(questions(1), 1)
        assert not threads()
