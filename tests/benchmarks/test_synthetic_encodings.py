"""Synthetic encodings are what their numbers say."""

import numpy as np
import pytest


def test_the_spectra_come_back(script):
    vectors = script("vectors")
    flat = vectors.Clustering(0.02, 0.4, 0.0, 6, 0.0, 0.5, 40.0, 100.0)
    people = vectors.SyntheticEncodings(1500, flat)
    whose = np.repeat(np.arange(1500), 6)
    drawn = people.pictures(whose, 1)
    assert np.linalg.norm(drawn, axis=1) == pytest.approx(1, abs=1e-5)
    found = vectors.measure_spectra(drawn.astype(np.float64), whose)
    assert found["identities"] == 1500
    # to unit length: shares stay about what they are, the decays within a tenth
    assert found["common"] == pytest.approx(0.02, abs=0.005) and found["within"] == pytest.approx(0.4, abs=0.03)
    assert found["between_power"] == pytest.approx(0.5, abs=0.06)
    assert found["between_decay"] == pytest.approx(40, rel=0.12)
    assert found["within_decay"] == pytest.approx(100, rel=0.1)


def test_references_are_the_same_for_the_same_seed_and_lie_by_identity(script):
    vectors = script("vectors")
    (one,), (again,), (other,) = (list(vectors.references(400, seed)) for seed in (1, 1, 2))
    assert one.dtype == np.float16 and one.shape == (400, 256) and (one == again).all() and (one != other).any()
    whose = np.arange(400) // vectors.EACH
    told = vectors.describe(one.astype(np.float32), whose)
    assert told["nearest of its identity"][2] > told["nearest of another"][2] > told["any of another"][2]


def test_blocks_make_the_whole(script, monkeypatch):
    vectors = script("vectors")
    monkeypatch.setattr(vectors, "BLOCK", 64)
    blocks = list(vectors.references(150))
    assert [len(block) for block in blocks] == [64, 64, 22]
    together = np.concatenate(blocks)
    assert len(np.unique(together, axis=0)) == 150


def test_half_the_queries_are_of_nobody(script):
    vectors = script("vectors")
    held = np.concatenate(list(vectors.references(4000))).astype(np.float32)
    asked = vectors.queries(400, 4000)
    means = held.reshape(-1, vectors.EACH, 256).mean(axis=1)
    nearest = (asked @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T).max(axis=1)
    low, high = np.sort(nearest)[:200], np.sort(nearest)[200:]
    assert asked.shape == (400, 256) and np.median(high) > np.median(low) + 0.1
