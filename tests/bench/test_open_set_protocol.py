"""The open-set protocol: honest draws, figures of loops, and promises that hold."""

import json

import numpy as np
import pytest

from bench import Protocol, load_collection, run_open_set
from bench.open_set import RATES, draw_open_set, measure_open_set
from bench.open_set_report import CERTIFICATE_COLUMNS, COLUMNS
from bench.systems.kaodex import Kaodex
from data.errors import UnusableSource


@pytest.fixture
def system(monkeypatch):
    monkeypatch.setattr(Kaodex, "__init__", lambda self, encoder: None)
    return Kaodex(None)


def run(system, vectors, identities, protocol, groups=None):
    groups = np.arange(len(identities)) if groups is None else groups
    hashes = np.random.default_rng(0).integers(0, 2**63, len(identities)).astype(np.uint64)
    return measure_open_set([system], {"kaodex": vectors}, hashes, {"kaodex": 0.1}, identities, groups, protocol)


@pytest.mark.parametrize("most", [None, 2])
def test_draws_keep_roles_and_groups_apart(most):
    random = np.random.default_rng(0)
    identities, groups = random.integers(0, 12, 150), random.integers(0, 60, 150)
    for number in range(20):
        draw = draw_open_set(identities, groups, 2, 0.5, (0, 2, number), most)
        assert np.bincount(identities[draw.references], minlength=12)[draw.enrolled].tolist() == [2] * len(
            draw.enrolled
        )
        assert len(draw.enrolled) == 6
        assert np.isin(identities[draw.mated], draw.enrolled).all()
        assert not np.isin(identities[draw.strangers], draw.enrolled).any()
        asked = np.concatenate([draw.mated, draw.strangers])
        assert not np.isin(groups[asked], groups[draw.references]).any()
        if most:
            assert np.bincount(identities[asked]).max() <= most
        else:
            untouched = ~np.isin(groups, groups[draw.references])
            assert np.array_equal(np.sort(asked), np.flatnonzero(untouched))
        again = draw_open_set(identities, groups, 2, 0.5, (0, 2, number), most)
        assert all(np.array_equal(getattr(draw, name), getattr(again, name)) for name in ("mated", "strangers"))


def naive(vectors, identities, shots, protocol):
    """1-NN answers by loops: (truth, score, right) of mated queries, (truth, score, p) of strangers."""
    mated, strangers = [], []
    rounded = vectors.astype(np.float16).astype(np.float32)
    for number in range(protocol.draws):
        draw = draw_open_set(identities, np.arange(len(identities)), shots, 0.5, (protocol.seed, shots, number))

        def best(query, without=-1, draw=draw):
            near = [(query @ rounded[at], identities[at]) for at in draw.references if identities[at] != without]
            return max(near)

        null = {name: [] for name in draw.enrolled.tolist()}
        for at in draw.references:
            null[identities[at]].append(best(rounded[at], without=identities[at])[0])
        for at in draw.mated:
            score, name = best(vectors[at])
            mated.append((identities[at], score, name == identities[at]))
        for at in draw.strangers:
            score, name = best(vectors[at])
            above = sum(np.mean([value >= score for value in values]) for values in null.values())
            own = 1 / len(null[name])  # of the named one's references, the query would be nearest to one
            strangers.append((identities[at], score, (1 + own + above) / (len(null) + 1)))
    return mated, strangers


def per_identity(rows, value):
    names = sorted({row[0] for row in rows})
    return np.mean([np.mean([value(row) for row in rows if row[0] == name]) for name in names])


def test_figures_are_those_of_loops(system, clustered):
    vectors, identities = clustered(32, 4)
    protocol = Protocol((2,), (1,), ("nearest",), draws=3, seed=3, strangers=0.5)
    (row,), shortfalls = run(system, vectors, identities, protocol)
    assert shortfalls == [] and row.enrolled == 16
    mated, strangers = naive(vectors, identities, 2, protocol)
    assert row.closed.figure("rank1") == pytest.approx(per_identity(mated, lambda of: of[2]))
    pairs = [
        per_identity(strangers, lambda other, score=score: (score > other[1]) + (score == other[1]) / 2)
        for _, score, _ in mated
    ]
    ranked = [(name, pair, right) for (name, _, right), pair in zip(mated, pairs, strict=True)]
    assert row.figure("auroc") == pytest.approx(per_identity(ranked, lambda of: of[1]), abs=1e-6)
    assert row.figure("oscr") == pytest.approx(per_identity(ranked, lambda of: of[1] * of[2]), abs=1e-6)
    certificate = row.certificates[0]
    assert certificate.promised == RATES[0] == 0.1
    assert certificate.found == pytest.approx(per_identity(strangers, lambda of: of[2] <= 0.1))
    low, high = row.interval("oscr")
    assert low <= row.figure("oscr") <= high
    assert all(low <= row.tpir(rate) <= high for rate in RATES for low, high in [row.tpir_interval(rate)])
    assert (np.diff([row.tpir(rate) for rate in RATES]) <= 0).all()


def test_promises_hold_where_the_identities_are_enough_and_only_there(system, clustered):
    vectors, identities = clustered(320, 4, dim=12)
    protocol = Protocol((2,), (3,), ("weighted", "centroid"), draws=4, strangers=0.5)
    rows, _ = run(system, vectors, identities, protocol)
    for row in rows:
        ten, one, third, tenth = row.certificates
        assert 0.07 < ten.found < 0.13 and ten.identities_missing == 0
        assert one.promised == 0.01 and one.found < 0.03 and 0.01 < one.certified < 0.06
        assert (third.promised, third.found, third.identities_missing) == (None, None, 499 - 160)
        assert tenth.identities_missing == 1499 - 160
        assert ten.tpir + ten.misidentification + ten.ambiguous <= 1
        assert ten.found_interval[0] <= ten.found <= ten.found_interval[1]


def test_a_rate_is_claimed_only_with_enough_strangers(system):
    """Strangers that are far from everyone: no error, but few strangers prove little."""
    for count, claimed in ((60, [True, False, False, False]), (1400, [True, True, False, False])):
        vectors = np.repeat(np.eye(count, dtype=np.float32), 2, axis=0)
        identities = np.repeat(np.arange(count), 2)
        protocol = Protocol((1,), (1,), draws=1, strangers=0.5)
        (row,), _ = run(system, vectors, identities, protocol)
        found = [one.found for one in row.certificates]
        # every score of a stranger is 0 here, as is every null score: nobody is named
        assert {value for value in found if value is not None} == {0.0}
        assert [bool(one.under) for one in row.certificates] == [
            claim and one.promised is not None for claim, one in zip(claimed, row.certificates, strict=True)
        ]


def test_too_few_identities_are_told(system, clustered):
    vectors, identities = clustered(3, 5)
    rows, (shortfall,) = run(system, vectors, identities, Protocol((1,), (1,), draws=1, strangers=0.5))
    assert rows == [] and shortfall.skipped and len(shortfall.left_out) == 3
    vectors, identities = clustered(8, 3)
    rows, (first, second) = run(system, vectors[:-1], identities[:-1], Protocol((2, 3), (1,), draws=2, strangers=0.25))
    assert [row.closed.shots for row in rows] == [2] and rows[0].enrolled == 5
    assert first.left_out.tolist() == [7] and not first.skipped
    assert second.skipped


def test_the_report_keeps_its_contract(painted, mean_colour):
    source = painted(identities=8, each=4)
    told, drawn = [], []
    protocol = Protocol((1, 2), (1, 3), draws=2, strangers=0.5)
    report = run_open_set(load_collection(source), mean_colour, protocol, told.append, drawn.append)
    assert sum(told) == 32 and sum(drawn) == 4
    written = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert written["protocol"]["strangers"] == 0.5
    assert [system["name"] for system in written["systems"]] == [
        "kaodex",
        "kaodex",
        "colour histogram",
        "HOG + Lab",
    ] * 2
    for system in written["systems"]:
        assert (
            set(system["tpir"]) == set(system["promised"]) == set(system["found"]) == {"0.1", "0.01", "0.003", "0.001"}
        )
        assert {"rank1", "map", "auroc", "oscr", "tpir", "found", "misidentification"} <= set(system["intervals"])
        assert all(0 <= system[name] <= 1 for name in ("rank1", "map", "auroc", "oscr", "misidentification"))
        missing = {1: 15, 2: 10}[system["shots"]]  # 1 + 1/shots of n + 1 must be at most one in ten
        assert system["promised"]["0.1"] is None and system["certificates"]["0.1"]["identities_missing"] == missing
        assert system["enrolled"] == 4
    assert {len(cells) for cells in report.cells()} == {len(COLUMNS)}
    assert report.certificate_cells() == []
    notes = " ".join(report.notes())
    assert "4 enrolled identities of 1 reference are too few for a promise of 10 % (15 more), 1 % (195 more)" in notes
    assert "4 enrolled identities of 2 references are too few for a promise of 10 % (10 more), 1 % (145 more)" in notes
    assert "to prove one under 10 % takes 29" in notes
    assert "fewer than about 20 identities are too narrow; here are" in notes


def test_promises_have_a_table_of_their_own(painted, mean_colour):
    source = painted(identities=40, each=3)
    protocol = Protocol((1,), (1,), draws=2, strangers=0.5)
    report = run_open_set(load_collection(source), mean_colour, protocol)
    cells = report.certificate_cells()
    assert len(cells) == 3 and {len(row) for row in cells} == {len(CERTIFICATE_COLUMNS)}
    assert cells[0][4] == "0.100"


def test_nothing_to_measure_is_told(three_colours, mean_colour):
    with pytest.raises(UnusableSource, match="at least 4 identities need 2 pictures"):
        run_open_set(load_collection(three_colours), mean_colour, Protocol((1,), (1,), draws=1, strangers=0.5))


@pytest.mark.parametrize("strangers", [0.0, 1.0, -1.0])
def test_a_senseless_share_is_refused(strangers):
    with pytest.raises(ValueError, match="share of strangers"):
        Protocol(strangers=strangers)
