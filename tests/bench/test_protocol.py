"""The protocol: figures against loops over draws, and what cannot be measured is said."""

import numpy as np
import pytest

from bench import Protocol
from bench.protocol import measure
from bench.systems import Variant
from bench.systems.kaodex import Kaodex
from data.splits import draw_references_and_queries


def features(seed=0, identities=6, each=9, dim=5, noise=0.6):
    random = np.random.default_rng(seed)
    whose = np.repeat(np.arange(identities), each)
    vectors = random.standard_normal((identities, dim))[whose] + noise * random.standard_normal((len(whose), dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), whose


def run(vectors, identities, protocol, groups=None):
    groups = np.arange(len(identities)) if groups is None else groups
    return measure([Kaodex(None)], {"kaodex": vectors}, {"kaodex": 0.5}, identities, groups, protocol)


@pytest.fixture(autouse=True)
def an_encoder_is_not_needed(monkeypatch):
    monkeypatch.setattr(Kaodex, "__init__", lambda self, encoder: None)


def naive(vectors, identities, shots, draws, seed):
    """1-NN, rank-5 by best similarity, precision at 3 and MAP@R, by loops."""
    collected = {identity: [] for identity in set(identities.tolist())}
    for number in range(draws):
        draw = draw_references_and_queries(identities, np.arange(len(identities)), shots, (seed, shots, number))
        for query in draw.queries:
            similarities = vectors[draw.references] @ vectors[query]
            nearest = identities[draw.references[np.argsort(-similarities)]].tolist()
            order = list(dict.fromkeys(nearest))
            own = int(identities[query])
            hits = [nearest[: place + 1].count(own) / (place + 1) for place in range(shots) if nearest[place] == own]
            collected[own].append((order[0] == own, own in order[:5], nearest[:3].count(own) / 3, sum(hits) / shots))
    return np.array([np.mean(collected[identity], axis=0) for identity in sorted(collected)])


@pytest.mark.parametrize("shots", [1, 3])
def test_figures_are_those_of_loops(shots):
    vectors, identities = features()
    rows, shortfalls = run(vectors, identities, Protocol((shots,), (3,), ("nearest",), draws=4, seed=7))
    assert shortfalls == []
    (row,) = rows
    expected = naive(vectors, identities, shots, draws=4, seed=7)
    for column, figure in enumerate(("rank1", "rank5", "precision_at_k", "map")):
        assert np.allclose(row.by_identity[figure], expected[:, column]), figure
        assert np.isclose(row.figure(figure), expected[:, column].mean())
        low, high = row.interval(figure)
        assert low <= row.figure(figure) <= high
    assert row.queries == 4 * 6 * (9 - shots)
    assert row.fit_seconds > 0.5 * 6 * shots and row.query_ms > 500


def test_small_blocks_of_queries_change_nothing(monkeypatch):
    vectors, identities = features()
    protocol = Protocol((2,), (1, 5), ("weighted", "centroid"), draws=3)
    whole, _ = run(vectors, identities, protocol)
    monkeypatch.setattr("bench.protocol._QUERIES_AT_ONCE", 5)
    blocks, _ = run(vectors, identities, protocol)
    assert [row.variant for row in whole] == [Variant(rule, k) for rule in ("weighted", "centroid") for k in (1, 5)]
    for one, other in zip(whole, blocks, strict=True):
        assert all((one.by_identity[name] == other.by_identity[name]).all() for name in one.by_identity)


def test_every_identity_weighs_the_same():
    # identity 0: two pictures that are nearer to identity 1 than to each other; identity 1: fifty that are one
    vectors = np.array([[0.8, 0, 0.6], [0, 0.8, 0.6]] + [[0, 0, 1]] * 50, np.float32)
    identities = np.array([0, 0] + [1] * 50)
    rows, _ = run(vectors, identities, Protocol((1,), (1,), draws=3))
    assert rows[0].by_identity["rank1"].tolist() == [0.0, 1.0]
    assert rows[0].figure("rank1") == 0.5
    assert rows[0].interval("rank1") == (0.0, 1.0)


def test_a_source_picture_never_helps_itself():
    # Each picture has a perfect copy. With the copies in one group they are no help.
    random = np.random.default_rng(0)
    once, identities = features(noise=50, dim=40)
    vectors, identities = np.repeat(once, 2, axis=0), np.repeat(identities, 2)
    protocol = Protocol((8,), (1,), ("nearest",), draws=3, seed=int(random.integers(99)))
    leaking, _ = run(vectors, identities, protocol)
    honest, _ = run(vectors, identities, protocol, groups=np.arange(len(identities)) // 2)
    assert honest[0].figure("rank1") < 0.4 < leaking[0].figure("rank1")


def test_identities_with_too_few_pictures_are_left_out_and_told():
    vectors, identities = features(each=4)
    vectors, identities = vectors[:-2], identities[:-2]  # identity 5 keeps two pictures
    rows, shortfalls = run(vectors, identities, Protocol((1, 3, 4), (1,), draws=2))
    assert [(row.shots, row.identities.tolist()) for row in rows] == [(1, [0, 1, 2, 3, 4, 5]), (3, [0, 1, 2, 3, 4])]
    assert [(short.shots, short.left_out.tolist(), short.skipped) for short in shortfalls] == [
        (3, [5], False),
        (4, [0, 1, 2, 3, 4, 5], True),
    ]


def test_an_identity_whose_every_query_is_touched_is_left_out():
    # Identities 0 and 1 share both their groups: where they take different ones as references, no query is left.
    identities = np.array([0, 0, 1, 1, 2, 2])
    groups = np.array([0, 1, 0, 1, 5, 6])
    vectors = features(identities=1, each=6)[0]
    rows, shortfalls = run(vectors, identities, Protocol((1,), (1,), draws=30), groups)
    assert shortfalls == [] and rows[0].identities.tolist() == [0, 1, 2]
    seeds = range(50)
    alone = [run(vectors, identities, Protocol((1,), (1,), draws=1, seed=seed), groups) for seed in seeds]
    assert any(rows == [] and short[0].left_out.tolist() == [0, 1] and short[0].skipped for rows, short in alone)


@pytest.mark.parametrize(
    "wrong", [{"shots": ()}, {"shots": (0,)}, {"ks": (0,)}, {"draws": 0}, {"seed": -1}, {"rules": ()}]
)
def test_a_senseless_protocol_is_refused(wrong):
    with pytest.raises(ValueError, match="at least"):
        Protocol(**wrong)
