"""An enrolment over a real cluster of two nodes: the same gallery as without, whatever is lost on the way."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from cli.main import main
from data.errors import UnusableCluster, UnusableEncoder
from data.folders import find_pictures
from embedder import Encoder
from index import Gallery, Recognizer
from index.cluster.actor import Introduction
from index.cluster.connection import cluster
from index.enrolment import Enrolment
from tests.conftest import RED, YELLOW, FakeEncoder
from tests.drawings import hatched, write
from tests.index.ray_fakes import FakeParcel, FragileEncoder, LostEncoder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason='ray is missing: pip install "kaodex[ray]"'),
]


@pytest.fixture(scope="module")
def nodes() -> Iterator:
    """A cluster of two nodes with one CPU each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # as it comes, whatever else runs on the machine goes first
        from ray.cluster_utils import Cluster

        small = {"num_cpus": 1, "object_store_memory": 80 << 20}
        running = Cluster(initialize_head=True, head_node_args=small | {"include_dashboard": False})
        running.add_node(**small)
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def connected(nodes) -> Iterator:
    """This program in the cluster, as a program may be that uses Ray for other things too."""
    with cluster(nodes.address):
        yield nodes


@pytest.fixture
def sent_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.cluster.workers.pack_encoder", FakeParcel)
    monkeypatch.setattr("index.enroller.BATCH", 4)


def rows(path: Path) -> dict[str, list[tuple]]:
    """All that a gallery's file holds, without the times of commands."""
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    held = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    connection.close()
    return {table: found for table, found in held.items() if table != "command"}


def recognizer(path: Path, encoder: Encoder) -> Recognizer:
    return Recognizer(Gallery.create(path, device="cpu"), encoder, device="cpu")


def test_the_whole_command_gives_the_same_gallery(nodes, tmp_path, refs, monkeypatch, capfd):
    if not Encoder.available_encoders():
        pytest.skip("no encoder ships with this checkout")
    monkeypatch.chdir(tmp_path)
    (refs / "red" / "broken.png").write_bytes(b"no picture")
    (refs / "red" / "again.png").write_bytes((refs / "red" / "0.png").read_bytes())
    (refs / "blue" / "taken.png").write_bytes((refs / "green" / "1.png").read_bytes())
    told = {}
    for name, options in (("here", []), ("there", ["--ray", nodes.address])):
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main(["enroll", "refs", "-g", f"{name}.kaodex", "--device", "cpu", *options])
        assert end.value.code == 1  # for the broken picture and the conflict
        told[name] = "\n".join(capfd.readouterr()).replace(name, "")
    assert told["here"] == told["there"] and "broken.png: not a JPEG" in told["there"]
    held = rows(tmp_path / "there.kaodex")
    assert len(held["reference"]) == 12
    assert held == rows(tmp_path / "here.kaodex")
    import ray

    assert not ray.is_initialized()


def test_where_no_cluster_is():
    with pytest.raises(UnusableCluster, match=r"answers at 127\.0\.0\.1:1 .*ray start --head"), cluster("127.0.0.1:1"):
        pass
    for wrong in ("ray://head:10001", "head", "head:", ""):
        with pytest.raises(UnusableCluster, match="no address of a Ray cluster: give HOST:PORT"), cluster(wrong):
            pass


def test_a_missing_ray_names_the_extra(tmp_path, refs, monkeypatch, capfd, use_fake_encoder):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SystemExit) as end:
        main(["enroll", str(refs), "-g", str(tmp_path / "new.kaodex"), "--ray", "auto"])
    assert end.value.code == 2 and "pip install 'kaodex[ray]'" in capfd.readouterr().err
    assert not (tmp_path / "new.kaodex").exists()


def test_another_kaodex_or_encoder_there_is_refused(monkeypatch):
    monkeypatch.setattr("index.cluster.actor.own_version", lambda: "1.2")
    Introduction("node7", "1.2", "abc").check("abc")
    with pytest.raises(UnusableCluster, match=r"node7 .* has Kaodex 1\.1, this machine 1\.2: install the same"):
        Introduction("node7", "1.1", "abc").check("abc")
    with pytest.raises(UnusableCluster, match=r"node7 .* an encoder with the fingerprint abd, this"):
        Introduction("node7", "1.2", "abd").check("abc")


def test_an_interrupted_enrolment_goes_on(connected, tmp_path, refs, fake_encoder, sent_as_it_is):
    def interrupt(picture):
        raise KeyboardInterrupt

    with recognizer(tmp_path / "here.kaodex", fake_encoder) as here:
        here.enroll(refs, words="enroll")
    with recognizer(tmp_path / "there.kaodex", fake_encoder) as there:
        with pytest.raises(KeyboardInterrupt):
            there.enroll(refs, words="enroll", ray="auto", on_picture=interrupt)
        assert len(there.gallery) == 4
        assert living_actors() == 0
        report = there.enroll(refs, words="enroll", ray="auto")
        assert (report.total(Enrolment.SKIPPED), report.total(Enrolment.ADDED)) == (4, 8)
    here, there = rows(tmp_path / "here.kaodex"), rows(tmp_path / "there.kaodex")
    assert here["reference"] == there["reference"] and here["crop"] == there["crop"]


def test_artists_are_seen_by_their_views_there_too(connected, tmp_path, fake_encoder, sent_as_it_is):
    for number, colour in enumerate([(220, 30, 30), (30, 30, 220)]):
        write(tmp_path / "art" / f"artist {number}" / "0.png", hatched(colour))
    held = []
    for name, ray in (("here", None), ("there", "auto")):
        gallery = Gallery.create(tmp_path / f"{name}.kaodex", device="cpu")
        with Recognizer(gallery, artist_encoder=fake_encoder, device="cpu") as made:
            made.enroll(tmp_path / "art", kind="artist", words="enroll", ray=ray)
        held.append(rows(tmp_path / f"{name}.kaodex"))
    assert held[0] == held[1] and len(held[0]["reference"]) == 2


def living_actors() -> int:
    """How many actors of this program hold a CPU, once Ray has noticed the ends of those that were stopped."""
    import time

    import ray

    until = time.monotonic() + 60
    while (held := 2 - ray.available_resources().get("CPU", 0)) and time.monotonic() < until:
        time.sleep(0.1)
    return int(held)


def test_a_picture_that_no_actor_survives_is_the_only_one_lost(
    connected, tmp_path, refs, paint, sent_as_it_is, monkeypatch
):
    monkeypatch.setattr("index.enroller.BATCH", 2)
    paint(refs / "red" / "1a.png", YELLOW, 5)
    with recognizer(tmp_path / "there.kaodex", FragileEncoder()) as there:
        report = there.enroll(refs, ray="auto")
    (trouble,) = report.troubles
    assert trouble.enrolment is Enrolment.UNREADABLE and trouble.path.name == "1a.png"
    assert "2 workers of the cluster ended over it" in trouble.reason
    (refs / "red" / "1a.png").unlink()
    with recognizer(tmp_path / "here.kaodex", FakeEncoder()) as here:
        here.enroll(refs)
    here, there = rows(tmp_path / "here.kaodex"), rows(tmp_path / "there.kaodex")
    assert here["reference"] == there["reference"] and here["crop"] == there["crop"]


def test_an_encoder_that_cannot_be_loaded_there(connected, tmp_path, refs, sent_as_it_is):
    with recognizer(tmp_path / "there.kaodex", LostEncoder()) as there:
        with pytest.raises(UnusableEncoder, match="no such encoder here"):
            there.enroll(refs, ray="auto")
        assert len(there.gallery) == 0


def test_a_node_that_dies_in_the_middle(connected, tmp_path, refs, paint, fake_encoder, sent_as_it_is, capfd):
    for number in range(40):
        paint(refs / "many" / f"{number}.png", RED, 1000 + number)
    pictures = find_pictures(refs).pictures
    (other,) = [node for node in connected.list_all_nodes() if node is not connected.head_node]
    told = []

    def kill(picture):
        told.append(picture.path)
        if len(told) == 1:
            connected.remove_node(other, allow_graceful=False)

    with recognizer(tmp_path / "there.kaodex", fake_encoder) as there:
        there.enroll(pictures, words="enroll", ray="auto", on_picture=kill)
    with recognizer(tmp_path / "here.kaodex", fake_encoder) as here:
        here.enroll(pictures, words="enroll")
    assert told == [picture.path for picture in pictures]
    assert rows(tmp_path / "here.kaodex") == rows(tmp_path / "there.kaodex")
    assert "raylet" not in capfd.readouterr().out
