import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.calibration import Outcomes, cost, margin_needed, margins
from index.conformal import NullScores
from index.voting import vote

rows = st.lists(
    st.tuples(st.integers(0, 4), st.integers(-1, 4), st.floats(0, 1), st.sampled_from([0.0, 0.1, 0.5, 2.0, np.inf])),
    max_size=20,
)


def outcomes_of(rows) -> Outcomes:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return Outcomes(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.float64),
        np.array(columns[3], np.float64),
    )


def naive_rate(rows, p_values, fpir: float, margin: float) -> float:
    """Mean over identities of the mean over their queries of: a wrong name, given, by more than the margin."""
    names = {truth for truth, *_ in rows}
    total = 0.0
    for name in names:
        of = [
            named not in (truth, -1) and p <= fpir and ahead > margin
            for (truth, named, _, ahead), p in zip(rows, p_values, strict=True)
            if truth == name
        ]
        total += sum(of) / len(of)
    return total / len(names) if names else 0.0


@given(rows, st.sampled_from([0.01, 0.1, 0.3]))
def test_the_margin_is_the_smallest_that_keeps_the_rate(rows, rate):
    outcomes = outcomes_of(rows)
    p_values = 1 - outcomes.scores
    margin = margin_needed(outcomes, p_values, 0.6, rate)
    finite = [row for row in rows if np.isfinite(row[3])]
    if len(finite) == len(rows):  # a wrong name without a runner-up cannot be told by any margin
        assert naive_rate(rows, p_values, 0.6, margin) <= rate + 1e-9
        if margin > 0:
            smaller = max([ahead for *_, ahead in rows if ahead < margin], default=0.0)
            assert naive_rate(rows, p_values, 0.6, smaller) > rate


def test_margins_are_those_of_the_weights():
    votes = vote(np.float32([[0.9, 0.7, 0.7], [0.9, 0.8, 0.1]]), np.int64([[1, 2, 2], [3, 3, 3]]), "majority")
    assert margins(votes).tolist() == [pytest.approx(np.log(2)), np.inf]
    assert margins(vote(np.float32([[0.5]]), np.int64([[1]]))).tolist() == [np.inf]


@settings(max_examples=50)
@given(rows, st.sampled_from([0.2, 0.5]))
def test_costs_equal_counting(rows, fpir):
    outcomes = outcomes_of(rows)
    null = NullScores(np.linspace(0, 1, 9), np.arange(9))
    told = cost(fpir, null, null, outcomes, margin=0.2)
    p_values = null.p_values(outcomes.scores, outcomes.named)
    if not rows:
        assert told.tpir is None and told.misidentification is None
        return
    assert told.misidentification == pytest.approx(naive_rate(rows, p_values, fpir, 0.2))
    turned = [(truth, -1 if named != truth else truth + 100, s, m) for truth, named, s, m in rows]
    assert told.tpir == pytest.approx(naive_rate(turned, p_values, fpir, 0.2))
    if told.tpir_interval:
        assert told.tpir_interval[0] <= told.tpir <= told.tpir_interval[1]
    assert told.score_needed == null.score_needed(fpir, share=1.0)
    assert told.identities_missing == max(0, {0.2: 9, 0.5: 3}[fpir] - 9)
