"""Systems: the shared exact search against loops, and the histogram against its formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.systems import Fitted, System, Variant
from bench.systems.colour_histogram import ColourHistogram
from bench.systems.kaodex import Kaodex
from bench.systems.nearest import NearestReferences
from cli.bench import RULES as OFFERED
from index.voting import RULES, vote


def unit(random, count, dim=4):
    vectors = random.standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@st.composite
def galleries(draw):
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    count = draw(st.integers(1, 5))
    identities = np.concatenate([np.arange(count), random.integers(0, count, draw(st.integers(0, 10)))])
    random.shuffle(identities)
    return unit(random, len(identities)), identities, count, unit(random, 6)


def naive_order(similarities, identities, count, rule, k):
    """All identities, best first: those with votes as the rule says, then the others by best similarity."""
    nearest = sorted(range(len(identities)), key=lambda place: -similarities[place])
    best = {name: max(similarities[identities == name]) for name in range(count)}
    voters = nearest[:k]

    def weight(name):
        own = [similarities[place] for place in voters if identities[place] == name]
        if rule == "majority":
            return len(own), best[name]
        return (sum(np.exp(12 * np.float64(value)) for value in own) if rule == "weighted" else best[name]), best[name]

    voted = {int(identities[place]) for place in voters}
    return [
        *sorted(voted, key=weight, reverse=True),
        *sorted(set(range(count)) - voted, key=lambda name: -best[name]),
    ]


@settings(max_examples=60)
@given(galleries(), st.sampled_from(["nearest", "majority", "weighted"]), st.integers(1, 20))
def test_scores_rank_identities_as_a_loop_does(gallery, rule, k):
    references, identities, count, queries = gallery
    scores = NearestReferences(references, identities, count).scores(queries, Variant(rule, k))
    assert scores.shape == (len(queries), count)
    for row, similarities in zip(scores, queries @ references.T, strict=True):
        assert np.argsort(-row, kind="stable").tolist() == naive_order(similarities, identities, count, rule, k)


@given(galleries())
def test_centroid_scores_are_similarities_to_unit_means(gallery):
    references, identities, count, queries = gallery
    scores = NearestReferences(references, identities, count).scores(queries, Variant("centroid", 5))
    for name in range(count):
        mean = references[identities == name].astype(np.float64).sum(axis=0)
        assert np.allclose(scores[:, name], queries @ (mean / np.linalg.norm(mean)), atol=1e-5)
    # which is what voting among them by the nearest says
    everyone = np.broadcast_to(np.arange(count), scores.shape)
    assert (vote(scores, everyone, "nearest").identities[:, 0] == scores.argmax(axis=1)).all()


@given(galleries(), st.integers(1, 25))
def test_neighbours_are_sorted_and_padded(gallery, count):
    references, identities, identity_count, queries = gallery
    neighbours = NearestReferences(references, identities, identity_count).neighbours(queries, count)
    for row, similarities in zip(neighbours.tolist(), queries @ references.T, strict=True):
        order = identities[np.argsort(-similarities, kind="stable")].tolist()
        assert row == (order + [-1] * count)[:count]


def test_an_identity_without_references_is_refused():
    with pytest.raises(ValueError, match="3 identities need references, but only 2"):
        NearestReferences(unit(np.random.default_rng(0), 2), np.array([0, 2]), 3)


def test_a_histogram_is_a_unit_vector_of_the_pixels_bins():
    crop = np.zeros((2, 2, 3), np.uint8)
    crop[0] = [255, 0, 0]  # hue 0, saturation 255, value 255: bin (0, 7, 7)
    crop[1, 0] = [255, 255, 255]  # hue 0, saturation 0, value 255: bin (0, 0, 7)
    (histogram,) = ColourHistogram().describe([crop])  # the last pixel is black: bin (0, 0, 0)
    expected = np.zeros((8, 8, 8), np.float32)
    expected[0, 7, 7], expected[0, 0, 7], expected[0, 0, 0] = np.sqrt([0.5, 0.25, 0.25])
    assert np.allclose(histogram, expected.ravel())
    assert ColourHistogram().describe([]).shape == (0, 512)


def test_both_systems_keep_the_contract(mean_colour):
    for system in (Kaodex(mean_colour), ColourHistogram()):
        assert isinstance(system, System)
        described = system.describe([np.full((5, 5, 3), value, np.uint8) for value in (10, 200)])
        assert isinstance(system.fit(described, np.array([0, 1]), 2), Fitted)
    assert Kaodex(mean_colour).variants(["nearest", "majority"], [1, 5]) == [
        Variant("nearest", 1),
        Variant("nearest", 5),
        Variant("majority", 1),
        Variant("majority", 5),
    ]
    assert ColourHistogram().variants(["majority"], [5, 20]) == [Variant("nearest", 1)]


def test_the_command_offers_the_rules_that_there_are():
    assert sorted(OFFERED) == sorted(RULES)
