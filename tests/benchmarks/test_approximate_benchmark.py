"""The parts of the benchmark of approximate search that compute, and a small run of it."""

import json
import sys

import numpy as np
import pytest


def told(script, system: str, seconds: list[float], recall: float = 0.995):
    measured = script("approximate").Measured(system, system, ["package 1"], 1.0, 900.0)
    measured.recall, measured.rounds = recall, {1: seconds, 32: seconds, 256: seconds}
    return measured


def test_the_ratio_is_to_the_best_graph_of_the_same_round(script):
    ours = told(script, "kaodex", [2.0, 3.0, 8.0])
    graphs = [told(script, "hnswlib", [1.0, 4.0, 4.0]), told(script, "usearch", [4.0, 1.5, 2.0])]
    assert script("approximate").ratio([ours, *graphs], 1) == 2
    careless = told(script, "usearch", [0.1, 0.1, 0.1], recall=0.9)
    assert script("approximate").ratio([ours, graphs[0], careless], 32) == 2, "who finds too little is no rival"


def test_recall_is_the_share_that_is_found(script):
    module = script("approximate")

    class Fixed:
        def search(self, queries, k):
            return np.int64([[1, 2], [9, 8]])

    asked = module.Questions(np.zeros((2, 3), np.float32), np.int64([[2, 1], [7, 8]]))
    assert asked.recall(Fixed()) == 0.75


@pytest.mark.slow
def test_a_small_run(script, monkeypatch, capsys, tmp_path):
    module = script("approximate")
    monkeypatch.setattr(module, "SECONDS", 0.01)
    words = ["approximate.py", "--count", "3000", "--rounds", "2", "--json", str(tmp_path / "told.json")]
    monkeypatch.setattr(sys, "argv", [*words, "--systems", "kaodex,hnsw-fp16,ivf-sq8"])
    module.main()
    out = capsys.readouterr().out
    assert "**3,000 vectors**" in out and "Kaodex, approximate" in out
    (results,) = json.loads((tmp_path / "told.json").read_text()).values()
    assert [one["system"] for one in results] == ["kaodex", "hnsw-fp16", "ivf-sq8"]
    for one in results:
        assert one["recall"] > 0.97 and one["strangers"] > 0.9
        assert one["bytes_per_vector"] > 512 + 256 and len(one["rounds"]["256"]) == 2
