"""The benchmark of the way around the network: who takes turns when, what a ratio is, and a small run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from data.errors import UnusableSource

FOLDER = Path(__file__).parents[2] / "benchmarks"


def test_loops_take_turns_and_the_first_round_does_not_count(script, monkeypatch):
    benchmark = script("encode")
    clock, order = [0.0], []
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: clock[0])

    def loop(name, seconds):
        def once():
            order.append(name)
            clock[0] += seconds[order.count(name) - 1]

        return once

    rates = benchmark.alternate({"a": loop("a", [50, 1, 2, 4]), "b": loop("b", [50, 2, 2, 2])}, images=8, rounds=3)
    assert rates == {"a": [8, 4, 2], "b": [4, 4, 4]}
    assert "".join(order) == "ba" + "ab" + "ba" + "ab"
    assert benchmark.ratio(rates["a"], rates["b"]) == 1  # of 2, 1 and 0.5, round by round
    told = benchmark.table({"a": rates["a"], "bare ONNX Runtime": rates["b"]})
    assert "| a | 4 (2–8) | 1.00 |" in told and "over bare PyTorch" not in told


def test_files_are_drawn_or_chosen(script, refs, tmp_path):
    benchmark = script("encode")
    paths = benchmark.chosen_files(refs, 12)
    assert len(set(paths)) == 12 and all(path.is_relative_to(refs) for path in paths)
    with pytest.raises(UnusableSource, match="has 12 pictures, but 13 are needed"):
        benchmark.chosen_files(refs, 13)
    drawn = benchmark.drawn_files(tmp_path, 3)
    pictures = [benchmark.read_picture(path) for path in drawn]
    assert {picture.shape for picture in pictures} == {(128, 128, 3)} and not (pictures[0] == pictures[1]).all()


def test_both_ways_encode_every_file(script, refs, fake_encoder, monkeypatch):
    benchmark = script("encode")
    paths = benchmark.chosen_files(refs, 12)
    encoded = []
    encode = fake_encoder.encode
    monkeypatch.setattr(fake_encoder, "encode", lambda crops, *more: encoded.extend(crops) or encode(crops, *more))
    monkeypatch.setattr(fake_encoder, "fit", lambda crop: crop, raising=False)
    expected = np.sort([benchmark.read_picture(path).mean() for path in paths])
    for way in (benchmark.files_to_vectors, benchmark.enrolment):
        encoded.clear()
        way(fake_encoder, paths)()
        assert np.sort([crop.mean() for crop in encoded]) == pytest.approx(expected), way


@pytest.mark.slow
def test_a_small_run(tmp_path):
    document = tmp_path / "figures.md"
    document.write_text("<!-- encode -->\n<!-- end of encode -->\n")
    run = subprocess.run(
        [sys.executable, FOLDER / "encode.py", "--batches", "1", "--rounds", "2", "--no-torch", "--markdown", document,
         "--json", tmp_path / "figures.json"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(FOLDER.parent)},
    )  # fmt: skip
    assert run.returncode in (0, 1) and not run.stderr, run.stderr  # whether it is fast is not tested here
    rates = json.loads((tmp_path / "figures.json").read_text())["images_per_second"]
    assert len(rates) == 5 and all(rate > 0 for own in rates.values() for rate in own)
    assert "| bare ONNX Runtime |" in document.read_text()
