"""Searches find what a loop over the same candidates finds, never with one group in two folds."""

import json

import numpy as np
import pytest

from bench import tuning
from bench.systems.learned import estimator
from bench.tuning import Curve, Search, Searched, search

pytest.importorskip("sklearn", reason="searches need scikit-learn; install kaodex[bench]")


@pytest.fixture
def pictures(clustered):
    vectors, whose = clustered(4, 18, noise=1.0)
    return Searched(vectors, whose, np.arange(len(whose)) // 2)


def test_a_grid_finds_what_a_loop_finds(pictures):
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold

    found = search("kNN", {}, "range", pictures)
    folds = list(
        StratifiedGroupKFold(3, shuffle=True, random_state=0).split(pictures.inputs, pictures.labels, pictures.groups)
    )
    for learned, asked in folds:
        assert not set(pictures.groups[learned]) & set(pictures.groups[asked])
    line = []
    for k in tuning.NEIGHBOURS:
        right = []
        for learned, asked in folds:
            one = estimator("kNN", {"n_neighbors": k}, scale="range").fit(
                pictures.inputs[learned], pictures.labels[learned]
            )
            right.append(balanced_accuracy_score(pictures.labels[asked], one.predict(pictures.inputs[asked])))
        line.append(np.mean(right))
    (curve,) = found.curves
    assert curve.lines[""] == pytest.approx(line)
    assert found.settings == {"n_neighbors": tuning.NEIGHBOURS[int(np.argmax(line))]}


def test_a_forest_is_searched_for_depth_then_trees(pictures, monkeypatch):
    monkeypatch.setattr(tuning, "TREES", (2, 20))
    monkeypatch.setattr(tuning, "DEPTHS", (1, None))
    monkeypatch.setattr(tuning, "FOREST_WHILE_SEARCHING_DEPTH", 10)
    found = search("RF", {"oob_score": False, "n_estimators": 3000}, "range", pictures)
    assert [curve.setting for curve in found.curves] == ["max_depth", "n_estimators"]
    assert found.settings == {"oob_score": False, "n_estimators": 20, "max_depth": found.settings["max_depth"]}
    assert len(found.curves[1].seconds) == 2
    assert Search.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_an_svm_is_searched_by_halving(pictures, monkeypatch):
    monkeypatch.setattr(tuning, "C", (0.1, 10.0))
    found = search("SVM", {"kernel": "poly", "degree": 4, "C": 4.0}, "range", pictures)
    (curve,) = found.curves
    assert set(curve.lines) == {"linear", "rbf", "poly 2", "poly 3", "poly 4"}
    assert all(len(line) == 2 for line in curve.lines.values())
    assert found.settings["kernel"] in ("linear", "rbf", "poly") and found.settings["C"] in (0.1, 10.0)


def test_curves_become_a_picture(tmp_path):
    pytest.importorskip("matplotlib", reason="curves need matplotlib; install kaodex[bench]")
    from PIL import Image

    from bench.tuning_curves import draw_curves

    depth = Curve("max_depth", (1, None), {"": (0.4, 0.5)}, (1.0, 2.0), 72)
    trees = Curve("n_estimators", (2, 4), {"": (0.4, 0.5)}, (1.0, 2.0), 72)
    kernels = Curve("C", (0.1, 10.0), {"linear": (0.4, 0.5), "rbf": (0.3, 0.6)}, (1.0, 2.0), 24)
    searches = {"CART": Search({}, (depth,)), "RF": Search({}, (depth, trees)), "SVM": Search({}, (kernels, kernels))}
    draw_curves(searches, tmp_path / "new" / "tuning.png")
    with Image.open(tmp_path / "new" / "tuning.png") as picture:
        assert picture.size == (1364, 550)  # four panels beside each other, and one below
