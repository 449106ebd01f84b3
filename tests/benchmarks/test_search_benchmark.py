"""The parts of the benchmark of search that compute, and a small run of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def measured(search, system, seconds, exact=True, recall=1.0, name=None):
    """One system, of which each round's searches with k 10 and one query took these seconds."""
    told = search.Measured(system, name or system, ["kaodex 1" if system == "gallery" else "other 1"], exact)
    told.rounds, told.recall, told.build_seconds = {10: {1: seconds}}, {10: recall}, 3.0
    return told


def test_recall_counts_equally_near_neighbours_and_each_position_once(script, tmp_path):
    search, vectors = script("search"), script("vectors")
    held = np.zeros((5, vectors.DIMENSION), np.float16)
    held[:4, 0] = (1, 0.5, 0.5, 0.25)
    asked = np.eye(1, vectors.DIMENSION, dtype=np.float32)
    for name in search.ASKED:
        asked.tofile(tmp_path / f"{name}.f32")
    held.tofile(tmp_path / "vectors.f16")
    file = script("search_systems").VectorFile(tmp_path / "vectors.f16", 5)
    truth = search.Truth(file, tmp_path, (2, 3))
    for positions, expected in (([0, 1], 1), ([0, 2], 1), ([2, 0], 1), ([0, 0], 0.5), ([3, -1], 0)):
        assert truth.recall("test", 2, np.array([positions])) == expected, positions
    assert truth.recall("tuning", 3, np.array([[0, 1, 3]])) == pytest.approx(2 / 3)


def test_truth_over_blocks_is_that_of_a_sort(script, tmp_path, monkeypatch):
    search, vectors = script("search"), script("vectors")
    monkeypatch.setattr(search, "BLOCK", 64)
    file = search.write_vectors(tmp_path, vectors.references(300), vectors.queries(512, 300))
    held = np.fromfile(tmp_path / "vectors.f16", np.float16).reshape(300, -1).astype(np.float64)
    asked = np.fromfile(tmp_path / "test.f32", np.float32).reshape(256, -1).astype(np.float64)
    order = np.argsort(-(asked @ held.T), axis=1)
    truth = search.Truth(file, tmp_path, (10, 50))
    assert truth.recall("test", 50, order[:, :50]) == 1
    assert truth.recall("test", 10, order[:, 5:15]) == pytest.approx(0.5)


def test_a_system_is_left_out_by_what_it_took_before(script):
    search = script("search")
    slow = measured(search, "slow", [[1.0], [2.0]])
    slow.peak_bytes, slow.before_bytes = 300, 100
    known = {1000: {"slow": slow}}
    assert slow.spent() == 3 + 2 * 2 * 1.5
    assert search.too_much("slow", 10_000, known, budget=91, free=5000) == ""
    assert "about 90 s expected" in search.too_much("slow", 10_000, known, budget=89, free=5000)
    assert "expected, more than" in search.too_much("slow", 10_000, known, budget=91, free=2000)
    assert search.too_much("unknown", 10_000, known, budget=0, free=0) == ""
    slow.left_out = "broken"
    assert search.too_much("slow", 10_000, known, budget=0, free=0) == ""
    slow.left_out = "took more than 9 s"
    assert search.too_much("slow", 10_000, known, budget=91, free=5000) == "left out at 1,000: took more than 9 s"


def test_the_verdict_pairs_rounds_and_asks_exact_rivals_only(script):
    search = script("search")
    told = [
        measured(search, "gallery", [[2.0, 9.0, 2.0], [4.0], [3.0]]),
        measured(search, "flat", [[1.0], [4.0], [8.0]], name="IndexFlatIP"),
        measured(search, "quick", [[2.0], [2.0], [2.0]], name="quick and exact"),
        measured(search, "wrong", [[0.1], [0.1], [0.1]], exact=False),
    ]
    (one,) = search.verdicts(100_000, told, [10], [1])
    assert (one.fastest, one.over_fastest, one.over_flat) == ("quick and exact", 1.5, 1.0) and not one.holds
    assert not list(search.verdicts(99_999, told, [10], [1]))
    assert not list(search.verdicts(100_000, told[1:], [10], [1]))
    assert "| 100,000 | 10 | 1 | quick and exact | 1.50 | 1.00 | does not hold |" in search.verdict_lines([one])


def test_the_table_tells_what_was_left_out(script):
    search = script("search")
    told = [measured(search, "gallery", [[0.002, 0.004], [0.001]]), search.Measured("gone", "gone", left_out="why")]
    table = search.table(100, told, [10], [1])
    assert "| gallery | 1.0000 | 2.00 (1.00) | 3.00 | 0 | 0 |" in table and "- gone: why" in table
    assert [search.short(number) for number in (0, 0.00123, 0.234, 12.34, 1234)] == [
        "0",
        "0.001",
        "0.234",
        "12.3",
        "1,234",
    ]


def test_a_worker_that_fails_tells_its_last_word(script, tmp_path):
    worker = script("search_worker")
    (tmp_path / "flat").mkdir()
    broken = worker.Worker("flat", tmp_path / "flat", 10)  # there are no vectors
    with pytest.raises(worker.WorkerFailed, match=r"No such file"):
        broken.ask({"do": "build"}, 60)
    broken.close()


@pytest.mark.slow
@pytest.mark.parametrize("routes", [False, True])
def test_a_small_run(script, tmp_path, routes):
    document = tmp_path / "figures.md"
    marker = "routes" if routes else "search"
    document.write_text(f"before\n<!-- {marker} -->\nold\n<!-- end of {marker} -->\nafter\n")
    chosen = ["--routes"] if routes else ["--systems", "gallery", "flat", "numpy", "vectors"]
    run = subprocess.run(
        [sys.executable, FOLDER / "search.py", "--sizes", "1000", "3000", "--batches", "1", "40", "--rounds", "2",
         "--seconds", "0.01", *chosen, "--json", tmp_path / "figures.json", "--markdown", document],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(FOLDER.parent)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    for told in figures["sizes"].values():
        for one in told:
            if routes and one["left_out"]:  # the proposal, where nothing multiplies bfloat16
                assert one["name"] == "proposal"
                continue
            assert one["left_out"] == "" and one["recall"] == {"10": 1.0, "50": 1.0}, one["name"]
            assert all(taken > 0 for batch in one["rounds"]["10"].values() for of in batch for taken in of)
            assert one["peak_bytes"] > one["before_bytes"] > 0
    text = document.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "1,000" in text and "3,000" in text and "kaodex 0" in text


def test_noise_is_as_long_as_it_says(script):
    search, vectors = script("search"), script("vectors")
    held = next(iter(vectors.references(500))).astype(np.float32)
    moved = search.noisy(held, 0.1, np.random.default_rng(0))
    assert np.linalg.norm(moved, axis=1) == pytest.approx(1, abs=1e-6)
    assert np.linalg.norm(moved - held, axis=1).mean() == pytest.approx(0.1, abs=0.005)


def test_real_pictures_must_be_enough(script, refs):
    search = script("search")
    with pytest.raises(search.UnusableSource, match="has 12 pictures; at least 1,024"):
        search.real_vectors(refs, None, [100], 0.0)


def test_a_system_says_what_it_lacks(script):
    systems = script("search_systems")

    class Odd(systems.System):
        packages = ("no-such-thing|numpy", "click")

    class Lacking(systems.System):
        packages = ("numpy", "no-such-thing|nor-this")

    assert [told.split()[0] for told in systems.versions(Odd())] == ["numpy", "click"] and not systems.missing(Odd())
    assert systems.versions(Lacking()) is None and systems.missing(Lacking()) == ["no-such-thing or nor-this"]
