"""The papers' searches for settings: C, k, depth, trees and kernels, by scikit-learn, on the learning side alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from bench.systems.learned import Settings, estimator

C = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
NEIGHBOURS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
DEPTHS = (3, 5, 9, 13, 17, None)
TREES = (10, 30, 100, 300, 1000, 3000)
FOREST_WHILE_SEARCHING_DEPTH = 300
KERNELS: tuple[dict[str, Any], ...] = (
    {"kernel": "linear"},
    {"kernel": "rbf"},
    {"kernel": "poly", "degree": 2},
    {"kernel": "poly", "degree": 3},
    {"kernel": "poly", "degree": 4},
)
SEARCHED = ("LR", "kNN", "CART", "RF", "SVM")
"""The classifiers that have something to search; LDA and naive Bayes were used as they are."""

FOLDS = 3
_HALVINGS = 3  # by which factor the candidates shrink and the pictures grow


@dataclass(frozen=True)
class Curve:
    """Accuracy over one setting, in cross-validation: a line for each name, and the mean seconds of a fit."""

    setting: str
    values: tuple[float | int | None, ...]
    lines: dict[str, tuple[float, ...]]
    seconds: tuple[float, ...]
    pictures: int
    """On how many pictures, at most, each candidate was fitted and judged."""


@dataclass(frozen=True)
class Search:
    """What was found to be best, and the curves on the way there."""

    settings: dict[str, Any]
    curves: tuple[Curve, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it, for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Search:
        """What `as_json` gave, also after it went through a file."""
        curves = []
        for curve in kept["curves"]:
            lines = {name: tuple(line) for name, line in curve["lines"].items()}
            changed = {"values": tuple(curve["values"]), "lines": lines, "seconds": tuple(curve["seconds"])}
            curves.append(Curve(**{**curve, **changed}))
        return cls(dict(kept["settings"]), tuple(curves))


@dataclass(frozen=True)
class Searched:
    """The pictures to search on: `groups` never lie in two folds."""

    inputs: Float32[np.ndarray, "pictures dim"]
    labels: Int64[np.ndarray, " pictures"]
    groups: Int64[np.ndarray, " pictures"]


def search(kind: str, given: Settings, scale: str, on: Searched) -> Search:
    """Search one classifier's settings from those `given`, by balanced accuracy in three folds.

    C (LR), k, and the depth of a tree by a grid; a forest's depth at 300 trees, then its trees at that depth; an SVM's
    kernel, degree and C by successive halving, whose first round is the curve. Raises KeyError for another kind.
    """
    if kind == "SVM":
        return _halving(scale, on)
    if kind == "RF":
        fixed = {**given, "n_estimators": FOREST_WHILE_SEARCHING_DEPTH}
        depth, by_depth = _grid(kind, fixed, scale, on, "max_depth", DEPTHS)
        trees, by_trees = _grid(kind, {**given, "max_depth": depth}, scale, on, "n_estimators", TREES)
        return Search({**given, "max_depth": depth, "n_estimators": trees}, (by_depth, by_trees))
    setting, values = {"LR": ("C", C), "kNN": ("n_neighbors", NEIGHBOURS), "CART": ("max_depth", DEPTHS)}[kind]
    best, curve = _grid(kind, given, scale, on, setting, values)
    return Search({**given, setting: best}, (curve,))


def _grid(
    kind: str, given: Settings, scale: str, on: Searched, setting: str, values: Sequence[Any]
) -> tuple[Any, Curve]:
    """The best of the values of one setting, and the curve over all of them."""
    from sklearn.model_selection import GridSearchCV

    made = estimator(kind, {name: value for name, value in given.items() if name != setting}, scale=scale)
    searching = GridSearchCV(
        made, {f"model__{setting}": list(values)}, scoring="balanced_accuracy", cv=_folds(), refit=False
    )
    found = _fitted(searching, on)
    curve = Curve(
        setting,
        tuple(values),
        {"": tuple(map(float, found["mean_test_score"]))},
        tuple(map(float, found["mean_fit_time"])),
        len(on.labels),
    )
    return values[int(np.argmax(found["mean_test_score"]))], curve


def _halving(scale: str, on: Searched) -> Search:
    """Kernel, degree and C: all on some of the pictures, the best third of them on three times as many, and so on."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (makes the next import possible)
    from sklearn.model_selection import HalvingGridSearchCV

    grids = [
        {"model__C": list(C), **{f"model__{name}": [value] for name, value in kernel.items()}} for kernel in KERNELS
    ]
    first = min(len(on.labels), max(len(on.labels) // _HALVINGS**2, 2 * FOLDS * len(np.unique(on.labels))))
    searching = HalvingGridSearchCV(
        estimator("SVM", {}, scale=scale),
        grids,
        scoring="balanced_accuracy",
        cv=_folds(),
        factor=_HALVINGS,
        min_resources=first,
        random_state=0,
        refit=False,
    )
    found = _fitted(searching, on)
    final = np.flatnonzero(found["iter"] == found["iter"].max())
    best = found["params"][final[int(np.argmax(found["mean_test_score"][final]))]]
    lines: dict[str, list[float]] = {}
    seconds: dict[float, list[float]] = {}
    for number in np.flatnonzero(found["iter"] == 0):
        tried = found["params"][number]
        name = " ".join(str(tried[part]) for part in ("model__kernel", "model__degree") if part in tried)
        lines.setdefault(name, []).append(float(found["mean_test_score"][number]))
        seconds.setdefault(tried["model__C"], []).append(float(found["mean_fit_time"][number]))
    curve = Curve(
        "C",
        C,
        {name: tuple(line) for name, line in lines.items()},
        tuple(float(np.mean(seconds[value])) for value in C),
        first,
    )
    return Search({name.removeprefix("model__"): value for name, value in best.items()}, (curve,))


def _folds() -> Any:
    from sklearn.model_selection import StratifiedGroupKFold

    return StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)


def _fitted(searching: Any, on: Searched) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # identities of few pictures are missing in some folds, and count as missed
        searching.fit(on.inputs, on.labels, groups=on.groups)
    return searching.cv_results_
