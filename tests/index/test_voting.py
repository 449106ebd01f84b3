import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.fetched_rows import FetchedRows
from index.voting import RULES, SHARPNESS, centroids, vote

rows = st.lists(st.tuples(st.floats(-1, 1, width=32), st.integers(-1, 4)), min_size=1, max_size=9)


def naive_vote(neighbours: list[tuple[float, int]], rule: str) -> list[tuple[int, float, int]]:
    """(identity, best similarity, votes), best first: one query, one loop."""
    order: list[int] = []
    similarities: dict[int, list[float]] = {}
    for similarity, identity in neighbours:
        if identity >= 0:
            if identity not in order:
                order.append(identity)
            similarities.setdefault(identity, []).append(similarity)

    def weight(identity: int) -> float:
        held = similarities[identity]
        if rule == "majority":
            return len(held)
        if rule == "weighted":
            return math.fsum(math.exp(SHARPNESS * similarity) for similarity in held)
        return max(held)

    ranked = sorted(order, key=lambda who: (-weight(who), -max(similarities[who]), order.index(who)))
    return [(who, max(similarities[who]), len(similarities[who])) for who in ranked]


@given(rows, st.sampled_from(RULES))
def test_vote_equals_the_loop(neighbours, rule):
    similarities = np.array([[similarity for similarity, _ in neighbours]], np.float32)
    identities = np.array([[identity for _, identity in neighbours]], np.int64)
    votes = vote(similarities, identities, rule)
    expected = naive_vote(neighbours, rule)
    found = [
        (int(who), float(score), int(count))
        for who, score, count in zip(votes.identities[0], votes.scores[0], votes.votes[0], strict=True)
        if who >= 0
    ]
    if rule == "weighted":  # sums of floats may tie in one order of addition and not in the other
        assert {who for who, _, _ in found} == {who for who, _, _ in expected}
        assert np.all(np.diff(votes.weights[0]) <= 0)
        assert sorted(found) == sorted(expected)
    else:
        assert found == expected
    past = len(expected)
    assert np.all(votes.identities[0, past:] == -1)
    assert np.all(votes.scores[0, past:] == -np.inf)
    assert np.all(votes.weights[0, past:] == 0)


def test_weighted_prefers_several_near_ones_to_a_single_nearest():
    similarities = np.float32([[0.9, 0.85, 0.85]])
    identities = np.int64([[1, 2, 2]])
    assert vote(similarities, identities, "weighted").identities[0, 0] == 2
    assert vote(similarities, identities, "nearest").identities[0, 0] == 1
    assert vote(similarities, identities, "majority").identities[0, 0] == 2
    expected = 2 * math.exp(12 * 0.85)
    assert vote(similarities, identities, "weighted").weights[0, 0] == pytest.approx(expected, rel=1e-6)


def test_majority_tie_goes_to_the_best_similarity():
    votes = vote(np.float32([[0.5, 0.9, 0.6, 0.2]]), np.int64([[7, 3, 7, 3]]), "majority")
    assert votes.identities[0].tolist() == [3, 7, -1, -1]


def test_a_batch_answers_as_its_singles():
    generator = np.random.default_rng(5)
    similarities = generator.uniform(-1, 1, (50, 8)).astype(np.float32)
    identities = generator.integers(-1, 5, (50, 8))
    together = vote(similarities, identities)
    for row in range(50):
        alone = vote(similarities[row : row + 1], identities[row : row + 1])
        assert np.array_equal(alone.identities[0], together.identities[row])
        assert np.array_equal(alone.scores[0], together.scores[row])


def test_unknown_rule_is_named():
    with pytest.raises(ValueError, match="no voting rule 'loudest': use one of weighted, nearest"):
        vote(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.int64), "loudest")


def test_centroids_are_unit_means():
    encodings = np.float32([[1, 0], [0, 1], [1, 0], [0.6, 0.8]])
    for held in (encodings, FetchedRows(encodings.shape, encodings.__getitem__)):
        whose, means = centroids(held, np.int64([4, 4, -1, 2]))
        assert whose.tolist() == [2, 4]
        assert means == pytest.approx(np.float32([[0.6, 0.8], [0.5**0.5, 0.5**0.5]]))
