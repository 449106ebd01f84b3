"""Pulling from a hub: all of an encoder, checked, or nothing of it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.errors import MissingDependency, UnusableEncoder
from embedder import Encoder
from embedder.card import SHIPPED
from embedder.foreign_settings import as_text
from embedder.hub import STEP
from embedder.own_folder import encoders_folder
from embedder.pull import pull
from embedder.recipes import CCIP
from tests.embedder.hub_server import COMMIT, HubServer, serve

pytest.importorskip("huggingface_hub", reason="pulling needs huggingface_hub")
TOKEN = "hf_aSecretThatNobodyMaySee"
REPOSITORY = "someone/encoder"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("KAODEX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between attempts
    with serve() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def ours(hub: HubServer) -> HubServer:
    """The hub with faces-1 under another name, and with what must never be taken."""
    for file in (SHIPPED / "faces-1").iterdir():
        hub.files[file.name] = file.read_bytes()
    hub.files["encoder.json"] = hub.files["encoder.json"].replace(b'"name": "faces-1"', b'"name": "pulled-1"', 1)
    hub.files |= {"pytorch_model.bin": b"pickle", "setup.py": b"raise SystemExit", "optimizer.pt": b"pickle"}
    return hub


@pytest.fixture
def ccip(hub: HubServer, tmp_path: Path) -> HubServer:
    from tests.embedder.test_foreign import write_graph

    path = write_graph(tmp_path / "model_feat.onnx", shape=("batch", 3, 384, 384), pool=96, dimension=768)
    hub.files = {"README.md": b"", "deep/model_feat.onnx": path.read_bytes(), "deep/model.pkl": b"pickle"}
    return hub


def nothing_usable() -> bool:
    return not [name for name in Encoder.available_encoders() if not (SHIPPED / name).exists()]


def test_a_kaodex_encoder_comes_whole(ours: HubServer) -> None:
    pulled = pull(REPOSITORY, "v1")
    assert (pulled.name, pulled.folder, pulled.settings) == ("pulled-1", encoders_folder() / "pulled-1", None)
    assert sorted(path.name for path in pulled.folder.iterdir()) == [
        *("README.md", "encoder.json", "model.onnx", "model.safetensors", "strangers.npz"),
    ]
    for path in pulled.folder.iterdir():
        assert path.read_bytes() == ours.files[path.name]
    assert set(ours.sent) == set(pulled.files)
    encoder = Encoder.load("pulled-1", device="cpu")
    assert (encoder.name, encoder.fingerprint) == ("pulled-1", Encoder.load("faces-1", device="cpu").fingerprint)
    assert len(encoder.strangers) == 2
    assert not [path for path in (encoders_folder() / ".pull").rglob("*") if path.suffix != ".lock"]


def test_a_second_pull_fetches_only_what_tells(ours: HubServer) -> None:
    first = pull(REPOSITORY)
    ours.sent.clear()
    second = pull(REPOSITORY)
    assert (first.fetched, second.fetched) == (5, 0)
    assert set(ours.sent) <= {"encoder.json"}
    assert first.files == second.files


def test_a_part_and_another_name(ours: HubServer) -> None:
    pulled = pull(REPOSITORY, files=["model.onnx"], name="mine")
    assert sorted(path.name for path in pulled.folder.iterdir()) == ["encoder.json", "model.onnx", "strangers.npz"]
    with pytest.raises(UnusableEncoder, match=r"only encoder\.json, .* are taken, not setup\.py"):
        pull(REPOSITORY, files=["setup.py"])
    crop = np.zeros((9, 9, 3), np.uint8)
    mine = Encoder.load("mine", device="cpu")
    assert mine.name == "mine" and len(mine.strangers) == 2
    np.testing.assert_array_equal(mine.encode([crop]), Encoder.load("faces-1", device="cpu").encode([crop]))


def start_of(wanted: str) -> int:
    return int(wanted.removeprefix("bytes=").rstrip("-"))


@pytest.mark.parametrize("cuts", [[1_000_000], [400_000, 300_000, 0, 100]])
def test_a_cut_connection_is_gone_on_with(ours: HubServer, cuts: list[int]) -> None:
    ours.cuts["model.safetensors"] = list(cuts)
    pulled = pull(REPOSITORY)
    assert (pulled.folder / "model.safetensors").read_bytes() == ours.files["model.safetensors"]
    assert len(ours.ranges) == len(cuts) and min(map(start_of, ours.ranges)) > cuts[0] - STEP
    assert ours.sent["model.safetensors"] < len(ours.files["model.safetensors"]) + len(cuts) * STEP


def test_the_next_pull_goes_on_with_what_a_dead_one_left(ours: HubServer) -> None:
    ours.cuts["model.safetensors"] = [1_000_000, *[0] * 20]
    with pytest.raises(UnusableEncoder, match="the next pull goes on with it"):
        pull(REPOSITORY)
    assert nothing_usable()
    assert ours.sent["model.safetensors"] == 1_000_000
    ours.cuts.clear()
    ours.ranges.clear()
    before = ours.sent.copy()
    pulled = pull(REPOSITORY)
    assert len(ours.ranges) == 1 and 1_000_000 - STEP < start_of(ours.ranges[0]) <= 1_000_000
    assert ours.sent["model.safetensors"] < len(ours.files["model.safetensors"]) + STEP
    assert ours.sent["model.onnx"] == before["model.onnx"] == len(ours.files["model.onnx"])
    assert Encoder.load(pulled.name, device="cpu").dimension == 128


def test_large_files_lie_with_another_host_that_gets_no_token(ours: HubServer) -> None:
    ours.elsewhere = True
    ours.cuts["model.onnx"] = [3_000_000]
    assert pull(REPOSITORY).fetched == 5
    assert len(ours.ranges) == 1
    assert ours.tokens == {"hub": {f"Bearer {TOKEN}"}, "elsewhere": {None}}


def test_a_hub_that_tells_a_wrong_size_is_left(ours: HubServer) -> None:
    for wrong, message in ((+1, "shorter"), (-1, "larger")):
        ours.sizes["model.onnx"] = len(ours.files["model.onnx"]) + wrong
        with pytest.raises(UnusableEncoder, match=message):
            pull(REPOSITORY)
    assert nothing_usable()


def test_other_bytes_than_the_card_says_are_refused(ours: HubServer) -> None:
    honest = ours.files["model.onnx"]
    ours.files["model.onnx"] = honest[:-1] + bytes([honest[-1] ^ 1])
    with pytest.raises(UnusableEncoder, match=r"has another model\.onnx"):
        pull(REPOSITORY)
    ours.digests["model.onnx"] = hashlib.sha256(honest).hexdigest()  # now the hub lies too
    with pytest.raises(UnusableEncoder, match=r"model\.onnx .* came damaged"):
        pull(REPOSITORY)
    assert nothing_usable()
    assert not list((encoders_folder() / ".pull").rglob("*model.onnx*"))
    ours.files["model.onnx"] = honest
    assert pull(REPOSITORY).name == "pulled-1"


def test_the_users_own_sha256(ccip: HubServer) -> None:
    wrong = {"model_feat.onnx": "0" * 64}
    with pytest.raises(UnusableEncoder, match="not the wanted 000"):
        pull(REPOSITORY, files=["deep/model_feat.onnx"], digests=wrong)
    ccip.digests["deep/model_feat.onnx"] = "no digest at all"
    with pytest.raises(UnusableEncoder, match="tells no checksum"):
        pull(REPOSITORY, files=["deep/model_feat.onnx"])
    with pytest.raises(UnusableEncoder, match="came damaged"):
        pull(REPOSITORY, files=["deep/model_feat.onnx"], digests=wrong)
    assert nothing_usable()
    right = {"deep/model_feat.onnx": hashlib.sha256(ccip.files["deep/model_feat.onnx"]).hexdigest()}
    assert pull(REPOSITORY, files=["deep/model_feat.onnx"], digests=right).fetched == 1
    with pytest.raises(UnusableEncoder, match=r"names other\.onnx, which is not among"):
        pull(REPOSITORY, files=["deep/model_feat.onnx"], digests=right | {"other.onnx": "0" * 64})


def test_ccip_is_ready_to_use(ccip: HubServer) -> None:
    pulled = pull(REPOSITORY, files=["deep/model_feat.onnx"])
    assert (pulled.name, pulled.files) == ("ccip", ("model_feat.onnx",))
    assert pulled.settings is not None
    settings = json.loads(pulled.settings.read_text())
    source = f"{REPOSITORY}@{COMMIT}/deep/model_feat.onnx"
    assert settings == CCIP | {"licence": "openrail", "source": source}
    assert Encoder.load("ccip").dimension == 768
    pulled.settings.write_text(as_text(settings | {"scale": 1}))
    ccip.files["deep/model_feat.onnx"] += bytes(0)
    assert pull(REPOSITORY, files=["deep/model_feat.onnx"]).fetched == 0
    assert json.loads(pulled.settings.read_text())["scale"] == 1


def test_an_unknown_onnx_file_waits_for_its_settings(ccip: HubServer) -> None:
    ccip.files["other.onnx"] = ccip.files["deep/model_feat.onnx"]
    pulled = pull(REPOSITORY, files=["other.onnx"])
    assert pulled.name == "other" and pulled.settings == pulled.folder / "other.json"
    with pytest.raises(UnusableEncoder, match=r"Write .*other\.json like this"):
        Encoder.load("other")


def test_only_networks_are_taken(ccip: HubServer) -> None:
    with pytest.raises(UnusableEncoder, match=r"name one ONNX file .*deep/model_feat\.onnx"):
        pull(REPOSITORY)
    with pytest.raises(UnusableEncoder, match="pickles and scripts never"):
        pull(REPOSITORY, files=["deep/model_feat.onnx", "deep/model.pkl"])
    with pytest.raises(UnusableEncoder, match="name one ONNX file"):
        pull(REPOSITORY, files=["deep/model.pkl"])
    with pytest.raises(UnusableEncoder, match=r"has no nothing\.onnx"):
        pull(REPOSITORY, files=["nothing.onnx"])
    for path in ("../model.onnx", "/model.onnx", "deep/../../model.onnx", "a\\b.onnx", ".onnx", ""):
        with pytest.raises(UnusableEncoder, match="no file's path"):
            pull(REPOSITORY, files=[path])
    assert not ccip.sent


@pytest.mark.parametrize("name", ["../evil", ".hidden", "a/b", "", "a" * 90, "faces-1"])
def test_names_stay_in_the_folder(ours: HubServer, name: str) -> None:
    ours.files["encoder.json"] = ours.files["encoder.json"].replace(b"pulled-1", name.encode(), 1)
    for given in (None, name):
        with pytest.raises(UnusableEncoder, match="--name"):
            pull(REPOSITORY, name=given)
    assert nothing_usable()


def test_a_card_that_names_other_files_is_refused(ours: HubServer) -> None:
    card = json.loads(ours.files["encoder.json"])
    card["files"]["setup.py"] = hashlib.sha256(ours.files["setup.py"]).hexdigest()
    ours.files["encoder.json"] = json.dumps(card).encode()
    with pytest.raises(UnusableEncoder, match=r"names setup\.py, which is never taken"):
        pull(REPOSITORY)
    del ours.files["model.onnx"], card["files"]["setup.py"]
    ours.files["encoder.json"] = json.dumps(card).encode()
    with pytest.raises(UnusableEncoder, match=r"lacks model\.onnx"):
        pull(REPOSITORY)


def test_another_encoder_is_not_overwritten(ours: HubServer, ccip: HubServer) -> None:
    pull(REPOSITORY, files=["deep/model_feat.onnx"], name="mine")
    ours.files = {file.name: file.read_bytes() for file in (SHIPPED / "faces-1").iterdir()}
    with pytest.raises(UnusableEncoder, match=r"holds another encoder: .*--replace"):
        pull(REPOSITORY, name="mine")
    assert Encoder.load("mine").dimension == 768
    pull(REPOSITORY, name="mine", replace=True)
    assert Encoder.load("mine", device="cpu").dimension == 128


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ((401, "RepoNotFound"), f"shows no repository {REPOSITORY}: check the spelling"),
        ((403, "GatedRepo"), "is gated: ask for access"),
        ((500, ""), "answered 500"),
    ],
)
def test_refusals_name_the_cure(ours: HubServer, failure: tuple[int, str], message: str) -> None:
    ours.failure = failure
    with pytest.raises(UnusableEncoder, match=message) as caught:
        pull(REPOSITORY)
    assert TOKEN not in str(caught.value)
    assert ours.tokens["hub"] == {f"Bearer {TOKEN}"}
    assert nothing_usable()


def test_unknown_revisions_and_names(ours: HubServer) -> None:
    with pytest.raises(UnusableEncoder, match="has no revision v9"):
        pull(REPOSITORY, "v9")
    with pytest.raises(UnusableEncoder, match="OWNER/NAME"):
        pull("a/b/c")


def test_no_network(ours: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(UnusableEncoder, match="cannot be reached"):
        pull(REPOSITORY)


def test_a_full_disk(ours: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    with pytest.raises(UnusableEncoder, match=r"room for 0 MB.*KAODEX_HOME"):
        pull(REPOSITORY)


def test_a_disk_that_fills_meanwhile(ours: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("embedder.hub.Hub._receive", full)
    with pytest.raises(UnusableEncoder, match="the disk is full: make room, then pull again"):
        pull(REPOSITORY)
    assert nothing_usable()


def test_offline_is_said() -> None:
    script = "from embedder.pull import pull; pull('someone/encoder')"
    told = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert "HF_HUB_OFFLINE is set" in told.stderr.splitlines()[-1]


def test_without_the_hubs_package(ours: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingDependency, match=r"kaodex\[hub\]"):
        pull(REPOSITORY)
