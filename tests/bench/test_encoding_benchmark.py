"""The benchmark of the way around the network: who takes turns when, and what a ratio is."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from data.errors import UnusableSource

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "encoding.py"


@pytest.fixture
def benchmark():
    spec = importlib.util.spec_from_file_location("encoding_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_loops_take_turns_and_the_first_round_does_not_count(benchmark, monkeypatch):
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


def test_crops_of_a_folder_are_squares_of_one_size(benchmark, refs):
    crops = benchmark.folder_crops(refs, 12)
    assert {crop.shape for crop in crops} == {(160, 160, 3)} and {crop.dtype for crop in crops} == {np.dtype("uint8")}
    with pytest.raises(UnusableSource, match="has 12 pictures, but 13 are needed"):
        benchmark.folder_crops(refs, 13)
    drawn = benchmark.drawn_crops(3)
    assert {crop.shape for crop in drawn} == {(160, 160, 3)} and not (drawn[0] == drawn[1]).all()
