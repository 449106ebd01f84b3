"""The benchmark of encoders over collections: a whole run on painted pictures, and what it refuses."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from data.errors import UnusableSource
from embedder import Encoder

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "by_collection.py"


@pytest.fixture
def benchmark(monkeypatch, fake_encoder):
    """The script as a module; encoders named `good` and `bad` stand in for real ones."""
    spec = importlib.util.spec_from_file_location("by_collection", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "by_collection", module)
    spec.loader.exec_module(module)

    class Noise(type(fake_encoder)):
        """Directions that have nothing to do with the pictures."""

        def encode(self, crops, batch_size=64):
            found = np.random.default_rng(len(crops)).standard_normal((len(crops), 3)).astype(np.float32)
            return found / np.linalg.norm(found, axis=1, keepdims=True)

    made = {"good": fake_encoder, "bad": Noise("bad")}
    asked = []

    def load(name, device):
        asked.append(name)
        return made[name]

    monkeypatch.setattr(Encoder, "load", load)
    module.asked = asked
    return module


@pytest.fixture
def data(painted, tmp_path):
    """`one/` and `two/`, eight identities each."""
    for name in ("one", "two"):
        painted(8, 5).rename(tmp_path / name)
    return tmp_path


def run(benchmark, data, *more):
    options = ["--collection", "one:2", "two:1", "--draws", "4", "--resamples", "30"]
    benchmark.main([str(data), *options, *more])


def test_a_whole_run(benchmark, data, capsys, tmp_path):
    files = [tmp_path / name for name in ("table.md", "figures.json", "bars.png")]
    run(benchmark, data, "--system", "seen=good", "guess=one:bad,two:good", "--against", "guess",
        "--markdown", str(files[0]), "--json", str(files[1]), "--plot", str(files[2]))  # fmt: skip
    printed = capsys.readouterr()
    assert printed.out == files[0].read_text() and "one: 40 pictures" in printed.err
    assert sorted(benchmark.asked) == ["bad", "good"]  # each loaded once
    assert files[2].read_bytes()[:4] == b"\x89PNG"
    written = json.loads(files[1].read_text())
    assert written["encoders"]["guess"]["two"]["name"] == "fake"
    found = {(line["collection"], line["system"], line["rule"]): line for line in written["lines"]}
    names = {"colour histogram", "HOG + Lab", "seen", "guess"}
    assert {key[1] for key in found} == names and {key[0] for key in found} == {"one", "two", "mean"}
    seen, guess = found["one", "seen", "nearest"], found["one", "guess", "nearest"]
    assert seen["rank1"] > 0.8 > 0.4 > guess["rank1"]
    assert np.isclose(seen["ratios"]["errors"], (1 - seen["rank1"]) / (1 - guess["rank1"]), atol=0.01)
    one, other = found["two", "seen", "weighted"], found["two", "guess", "weighted"]
    assert all(one[figure] == other[figure] for figure in ("rank1", "tpir_10", "tpir_1"))  # one encoder, one answer
    assert (one["references"], one["identities"]) == (1, 8)


def test_a_system_may_leave_a_collection_out(benchmark, data, capsys):
    run(benchmark, data, "--system", "seen=good", "apart=two:good")
    rows = [row.split("|")[1:3] for row in capsys.readouterr().out.splitlines()[2:]]
    assert [name.strip() for _, name in rows] == [
        *("colour histogram", "HOG + Lab", "seen"),
        *("colour histogram", "HOG + Lab", "seen", "apart"),
        *("colour histogram", "HOG + Lab", "seen"),  # the means
    ]


def test_near_duplicates_beside_the_folder_and_sources_in_names_are_kept_together(benchmark, data):
    digest = "0123456789abcdef" * 2
    for number, name in enumerate(("who 0", "who 1")):
        (data / "one" / name / "0.png").rename(data / "one" / name / f"{digest}-{number}.png")
    (data / "one_near_duplicates.csv").write_text("identity,file,near_dup_cluster\nwho 2,0.png,4\nwho 2,1.png,4\n")
    collection = benchmark.load(data / "one", None, 2, most=200)
    names = [f"{path.parent.name}/{path.stem}" for path in collection.paths]
    shared = dict(zip(names, collection.groups.tolist(), strict=True))
    assert shared[f"who 0/{digest}-0"] == shared[f"who 1/{digest}-1"]
    assert shared["who 2/0"] == shared["who 2/1"] and len(set(shared.values())) == 38


def test_at_most_so_many_pictures_of_those_that_may_do(benchmark, data, tmp_path):
    for picture in list((data / "two" / "who 0").iterdir())[:4]:
        picture.unlink()
    chosen = benchmark.load(data / "two", None, 1, most=3)
    assert np.bincount(chosen.identities, minlength=8).tolist() == [0, *[3] * 7]
    assert benchmark.load(data / "two", None, 1, most=3).paths == chosen.paths
    listed = tmp_path / "dev.json"
    listed.write_text(json.dumps({"characters": {"two": ["who 5", "who 6"]}}))
    assert {path.parent.name for path in benchmark.load(data / "two", listed, 1, most=3).paths} == {"who 5", "who 6"}


def test_encoders_are_told_by_collection(benchmark):
    told = benchmark.candidate("ours=onnx:x.onnx,one:runs/a=b", ["one", "two"])
    assert (told.label, told.encoder("one"), told.encoder("two")) == ("ours", "runs/a=b", "onnx:x.onnx")
    assert benchmark.candidate("ours=one:good", ["one", "two"]).encoder("two") is None
    assert benchmark.shots_of("one:5") == ("one", 5)


@pytest.mark.parametrize("wrong", ["good", "=good", "ours=", "ours=one:", "ours=one:a,one:b", "ours=a,b"])
def test_a_senseless_system_is_refused(benchmark, wrong):
    with pytest.raises(UnusableSource, match=wrong):
        benchmark.candidate(wrong, ["one"])


@pytest.mark.parametrize("wrong", ["one", "one:0", "one:x", ":5"])
def test_a_senseless_number_of_references_is_refused(benchmark, wrong):
    with pytest.raises(UnusableSource, match="no COLLECTION:REFERENCES"):
        benchmark.shots_of(wrong)


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        (["seen=good", "--against", "other"], "--against 'other' is none of the systems"),
        (["seen=good", "seen=bad"], "two systems cannot bear one label"),
        (["seen=good", "--identities", "nowhere.json"], "there is no nowhere.json"),
        (["seen=good", "--collection", "one:1"], "can be measured once in a run: one:2 two:1 one:1"),
        (["seen=good", "--plot", "nowhere/bars.png"], "there is no folder nowhere for bars.png"),
    ],
)
def test_mistakes_are_told_without_a_traceback(benchmark, data, capsys, systems, message):
    with pytest.raises(SystemExit) as stopped:
        run(benchmark, data, "--system", *systems)
    assert stopped.value.code == 1 and message in capsys.readouterr().err
