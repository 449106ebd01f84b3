"""Queries that are known to be hard: how they are turned, how they are counted, and a whole run on painted pictures."""

import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.across_styles import draw_across
from bench.comparison import compare
from bench.hard_kinds import KINDS, SIDE, UNCHANGED, Turned, turned
from bench.hard_queries import compare_kinds, losses, rank1_by_identity
from bench.open_set import draw_open_set
from bench.protocol import Protocol
from bench.systems.kaodex import Kaodex
from data.drawn import draw_face
from data.errors import UnusableSource

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def face():
    return np.ascontiguousarray(draw_face(3, 4, 5, 150)[..., :3])


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_turned_alike_whenever_it_is_met(face, kind):
    once = turned(face, kind)
    turned(face[::-1], kind)
    assert np.array_equal(once, turned(face.copy(), kind))
    assert once.dtype == np.uint8 and once.shape[0] == once.shape[1]
    assert (kind == UNCHANGED) == np.array_equal(once, turned(face, UNCHANGED))


def test_kinds_are_what_their_names_say(face):
    plain = turned(face, UNCHANGED)
    assert np.array_equal(plain, cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
    for kind in ("grey", "line art", "screentone"):
        assert np.ptp(turned(face, kind), axis=2).max() == 0
    assert turned(face, "32 pixels").shape == (32, 32, 3)
    loose = turned(face, "looser crop")
    assert np.isclose(SIDE / loose.shape[0], 0.6, atol=0.005)
    inset = (loose.shape[0] - SIDE) // 2
    assert np.array_equal(loose[inset:-inset, inset:-inset], plain)
    assert np.array_equal(loose[:, inset - 5], loose[:, inset + 5])  # reflected at the border


def test_tilts_go_either_way_by_25_degrees():
    spots = []
    for seed in range(8):
        picture = np.full((SIDE, SIDE, 3), seed, np.uint8)
        picture[62:66, 110:114] = 255
        rows, columns = np.nonzero(turned(picture, "tilted 25 degrees")[..., 0] > 128)
        spots.append(np.degrees(np.arctan2(63.5 - rows.mean(), columns.mean() - 63.5)))
    assert np.allclose(np.abs(spots), 25, atol=0.7) and min(spots) < 0 < max(spots)


def test_a_turned_system_describes_turned_crops(mean_colour, face):
    system = Kaodex(mean_colour, "mine")
    grey = Turned(system, "grey")
    assert grey.name == "mine, grey"
    assert np.array_equal(grey.describe([face]), system.describe([turned(face, "grey")]))


def test_unchanged_queries_are_those_of_a_comparison(clustered, mean_colour):
    vectors, whose = clustered(8, 6)
    groups = np.arange(len(whose))
    noisy = clustered(8, 6, noise=3.0, seed=1)[0]
    found = compare_kinds("some", {"one": vectors}, {("one", "as it is"): vectors, ("one", "worse"): noisy},
                          whose, groups, shots=2, draws=5, resamples=40)  # fmt: skip
    system = Kaodex(mean_colour, "one")
    twin = compare("some", [system], {"one": vectors}, whose, groups, Protocol((2,), (1,), ("nearest",), 5))
    assert np.allclose(found.figures[0], twin.figures[0])
    assert np.allclose(found.samples[0].rank1, twin.samples[0].rank1)
    assert (found.figures[1, :2] < found.figures[0, :2] - 0.2).all()
    mated, strange = [], []  # of the turned queries, by references as they are
    for one in (draw_open_set(whose, groups, 2, 0.5, (0, 2, number)) for number in range(5)):
        mated += (noisy[one.mated] @ vectors[one.references].T).max(axis=1).tolist()
        strange += (noisy[one.strangers] @ vectors[one.references].T).max(axis=1).tolist()
    assert np.allclose(found.samples[1].open_set.mated_scores, mated, atol=1e-6)
    assert np.allclose(found.samples[1].open_set.stranger_scores, strange, atol=1e-6)

    loss = losses([found, found], 1, 0, 0)
    assert np.isclose(loss.difference, found.figures[1, 0] - found.figures[0, 0])
    assert loss.difference_interval[0] <= loss.difference <= loss.difference_interval[1] < 0
    same = losses([found], 0, 0, 1)
    assert (same.difference, same.difference_interval) == (0.0, (0.0, 0.0))


def test_rank1_of_turned_queries_is_counted_as_by_hand():
    references = np.eye(3, dtype=np.float32)[[0, 0, 1, 1]]
    queries = np.eye(3, dtype=np.float32)[[0, 1, 1, 0]]
    identities = np.array([0, 0, 1, 1])
    draws = [(np.array([0, 2]), np.array([1, 3])), (np.array([1, 2]), np.array([0, 3]))]
    assert rank1_by_identity(references, queries, identities, draws).tolist() == [0.5, 0.0]


def test_too_few_identities_are_refused(clustered):
    vectors, whose = clustered(3, 6)
    with pytest.raises(UnusableSource, match="only 3 identities have 3 pictures"):
        compare_kinds("some", {"one": vectors}, {("one", "x"): vectors}, whose, np.arange(18), shots=2)


def test_across_styles_each_side_has_its_style_and_no_group_is_on_both():
    identities = np.repeat([0, 1, 2], 6)
    second = np.tile([False, False, False, False, True, True], 3)
    second[12:] = False  # the last has no picture in the second style
    groups = np.arange(18)
    groups[4] = groups[0]
    for references, queries in draw_across(identities, groups, ~second, second, shots=2, draws=20):
        assert np.bincount(identities[references]).tolist() == [2, 2]
        assert not second[references].any() and second[queries].all()
        assert (0 in references) != (4 in queries)
        assert set(queries) >= {5, 10, 11}
    for references, queries in draw_across(identities, groups, ~second, ~second, shots=2, draws=5):
        assert sorted([*references, *queries]) == np.flatnonzero(~second).tolist()
    with pytest.raises(UnusableSource, match="0 identities have more than 2 pictures"):
        draw_across(identities, groups, second, ~second, shots=2, draws=1)


@pytest.fixture
def benchmark(monkeypatch, use_fake_encoder):
    """The script as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("hard_queries", BENCHMARKS / "hard_queries.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "hard_queries", module)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("by_collection", None)


def test_a_whole_run(benchmark, painted, tmp_path, capsys):
    for name in ("one", "two"):
        painted(6, 5).rename(tmp_path / name)
    for person in (tmp_path / "two").iterdir():
        for number in (3, 4):
            (person / f"{number}.png").rename(person / f"s_{number}.png")
    listed = tmp_path / "listed.json"
    listed.write_text(json.dumps({"characters": {name: [f"who {n}" for n in range(5)] for name in ("one", "two")}}))
    files = {form: tmp_path / f"out.{form}" for form in ("json", "markdown", "plot.png", "sheet.png")}
    written_to = [part for form, path in files.items() for part in (f"--{form.split('.')[0]}", str(path))]
    benchmark.main([str(tmp_path), "--collection", "one:2", "two:1", "--system", "mine=fake", "--across", "two:1:s_",
                    "--identities", str(listed), "--draws", "3", "--resamples", "20", *written_to])  # fmt: skip
    printed = capsys.readouterr().out
    assert (
        printed == files["markdown"].read_text() and "rank-1, two (5 identities, 1 references, chance .20):" in printed
    )
    written = json.loads(files["json"].read_text())
    cells = {(one["collection"], one["kind"], one["system"], one["figure"]): one["loss"] for one in written["kinds"]}
    assert len(cells) == 3 * len(KINDS) * 2 * 3
    seen = cells["one", UNCHANGED, "mine", "rank1"]
    grey = cells["one", "grey", "mine", "rank1"]
    assert seen["value"] > 0.8 > 0.5 > grey["value"] and np.isclose(grey["difference"], grey["value"] - seen["value"])
    mean = (grey["value"] + cells["two", "grey", "mine", "rank1"]["value"]) / 2
    assert np.isclose(cells["mean", "grey", "mine", "rank1"]["value"], mean)
    styles = {(one["who"], one["references"], one["queries"], one["system"]): one for one in written["across"]}
    assert len(styles) == 2 * 4 * 2 and styles["listed", "others", "s_*", "mine"]["identities"] == 5
    assert styles["all", "others", "s_*", "mine"]["rank1"] > 0.8
    assert files["plot.png"].read_bytes()[:4] == b"\x89PNG"
    assert cv2.imread(str(files["sheet.png"])).shape[1] == len(KINDS) * 116


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data"], "give DATA, --collection and --system; or --sheet alone"),
        (["--sheet", "nowhere/sheet.png"], "there is no folder nowhere for sheet.png"),
        (["data", "--collection", "a:1", "--system", "x=y", "x=z"], "two systems cannot bear one label"),
        (["data", "--collection", "a:1", "a:2", "--system", "x=y"], "can be measured once in a run"),
    ],
)
def test_mistakes_are_told_without_a_traceback(benchmark, capsys, arguments, message):
    with pytest.raises(SystemExit) as left:
        benchmark.main(arguments)
    assert left.value.code == 1 and message in capsys.readouterr().err
