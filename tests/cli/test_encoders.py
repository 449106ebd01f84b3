"""`kaodex encoders`, and the commands that take an encoder of others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedder.card import SHIPPED, read_card
from embedder.foreign_settings import as_text
from tests.cli.conftest import Run
from tests.embedder.hub_server import HubServer, serve


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KAODEX_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "encoders"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    pytest.importorskip("huggingface_hub", reason="pulling needs huggingface_hub")
    with serve() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        for file in (SHIPPED / "faces-1").iterdir():
            server.files[file.name] = file.read_bytes()
        yield server


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """An ONNX encoder of others: the colours of nine squares."""
    pytest.importorskip("onnx", reason="making an ONNX file needs onnx")
    from tests.embedder.test_foreign import SMALL, write_graph

    path = write_graph(tmp_path / "models" / "net.onnx", pool=4, dimension=27)
    path.with_suffix(".json").write_text(as_text(SMALL | {"dimension": 27, "name": "colours"}))
    return path


def test_list_tells_each_encoder(run: Callable[..., Run], own_home: Path) -> None:
    (own_home / "broken").mkdir(parents=True)
    (own_home / "broken" / "encoder.json").write_text("{")
    told = run("encoders", "list")
    assert told.code == 0
    shipped = [line for line in told.out.splitlines() if line.startswith("faces-1")]
    assert len(shipped) == 1
    assert all(word in shipped[0] for word in ("shipped", "128", "96 x 96", "Apache-2.0"))
    assert "unusable" in told.out and "cannot be read as JSON" in told.out
    held = {one["name"]: one for one in map(json.loads, run("encoders", "list", "--json").out.splitlines())}
    assert sum(one["default"] for one in held.values()) == 1
    assert held["faces-1"]["input"] == [96, 96] and held["faces-1"]["trouble"] is None
    size = sum(file.stat().st_size for file in (SHIPPED / "faces-1").iterdir())
    assert held["faces-1"]["bytes"] == size
    assert held["broken"]["origin"] == "pulled" and "JSON" in held["broken"]["trouble"]


def test_info_reads_the_card(run: Callable[..., Run]) -> None:
    card = read_card(SHIPPED / "faces-1")
    told = run("encoders", "info", "faces-1")
    assert told.code == 0
    for word in (
        card.fingerprint,
        "as the card says",
        "figures",
        "holoen, 5 references",
        "recipe",
        "mean: 0.5, 0.5, 0.5",
    ):
        assert word in told.out, word
    as_json = json.loads(run("encoders", "info", "faces-1", "--json").out)
    assert as_json["card"] == card.fields
    assert {name: held["matches"] for name, held in as_json["files"].items()} == dict.fromkeys(
        [*card.files, "strangers.npz"], True
    )


def test_info_finds_damage(run: Callable[..., Run], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "encoder.json").write_bytes((SHIPPED / "faces-1" / "encoder.json").read_bytes())
    (folder / "model.onnx").write_bytes(b"something else")
    told = run("encoders", "info", folder, "--json")
    assert told.code == 1 and "damaged" in told.err
    assert not any(held["matches"] for held in json.loads(told.out)["files"].values())
    assert run("encoders", "info", "nobody").code == 2


def test_info_of_an_encoder_of_others(run: Callable[..., Run], net: Path) -> None:
    told = json.loads(run("encoders", "info", f"onnx:{net}", "--json").out)
    assert (told["name"], told["dimension"], told["input"], told["licence"]) == ("colours", 27, [12, 12], "MIT")
    assert told["files"] == {
        "net.onnx": {"sha256": hashlib.sha256(net.read_bytes()).hexdigest(), "matches": None},
    }
    assert "stretch" in run("encoders", "info", f"onnx:{net}").out
    net.with_suffix(".json").unlink()
    told_missing = run("encoders", "info", f"onnx:{net}")
    assert told_missing.code == 2 and '"size": 12' in told_missing.err


def test_pull_list_use(run: Callable[..., Run], hub: HubServer, own_home: Path, refs: Path) -> None:
    refused = run("encoders", "pull", "someone/encoder")
    assert refused.code == 2 and "ships with Kaodex" in refused.err
    told = run("encoders", "pull", "someone/encoder@v1", "--name", "mine")
    assert (told.code, told.out) == (0, f"mine: 5 files fetched into {own_home / 'mine'}\n")
    again = json.loads(run("encoders", "pull", "someone/encoder", "--name", "mine", "--json").out)
    assert (again["fetched"], again["ready"]) == (0, True)
    assert "mine" in run("encoders", "list").out
    assert run("enroll", refs, "--encoder", "mine").code == 0
    assert "encoder mine" in run("gallery", "show").out
    assert run("query", refs / "red" / "0.png").code == 0, "the gallery finds its encoder by name"


def test_pull_refuses_in_words(run: Callable[..., Run], hub: HubServer) -> None:
    wrong = run("encoders", "pull", "someone/encoder", "--sha256", "model.onnx=12")
    assert wrong.code == 2 and "64 hexadecimal digits" in wrong.err
    digest = "0" * 64
    refused = run("encoders", "pull", "someone/encoder", "--name", "mine", "--sha256", f"model.onnx={digest}")
    assert refused.code == 2 and "another sha256" in refused.err
    assert run("encoders", "pull", "nobody/nothing").code == 2


def test_every_command_takes_an_encoder_of_others(run: Callable[..., Run], net: Path, refs: Path) -> None:
    option = ("--encoder", f"onnx:{net}")
    assert run("enroll", refs, *option).code == 0
    asked = run("query", refs / "red" / "0.png", "--json", *option)
    (face,) = json.loads(asked.out)["faces"]
    assert (asked.code, face["candidates"][0]["identity"]) == (0, "red")
    assert face["basis"] == "own"  # nobody lends it strangers
    calibrated = run("calibrate", "--json", *option)
    assert calibrated.code == 0
    assert {json.loads(line)["basis"] for line in calibrated.out.splitlines()} == {"own"}
    assert run("bench", refs, "--shots", "1", "--draws", "2", *option).code == 0
    without = run("query", refs / "red" / "0.png")
    assert without.code == 2 and "'colours'" in without.err and "--encoder" in without.err
    other = run("query", refs / "red" / "0.png", "--encoder", "faces-1")
    assert other.code == 2 and "speaks another language" in other.err


def test_kept_in_ones_own_folder_a_gallery_finds_it(
    run: Callable[..., Run], net: Path, refs: Path, own_home: Path
) -> None:
    own_home.mkdir(parents=True)
    net.parent.rename(own_home / "colours")
    assert run("enroll", refs, "--encoder", "colours").code == 0
    assert json.loads(run("query", refs / "red" / "0.png", "--json").out)["faces"][0]["candidates"]
