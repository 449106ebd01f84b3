"""Classifiers of scikit-learn behind the protocol: the seven that the papers compared, with any settings."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int64

from data.errors import MissingDependency

KINDS = ("LR", "LDA", "kNN", "CART", "RF", "NB", "SVM")
"""Logistic regression, linear discriminant analysis, k nearest neighbours, a decision tree, a random forest, Gaussian
naive Bayes, and a support vector machine."""

Settings = Mapping[str, Any]

_CLASSES = {
    "LR": ("linear_model", "LogisticRegression"),
    "LDA": ("discriminant_analysis", "LinearDiscriminantAnalysis"),
    "kNN": ("neighbors", "KNeighborsClassifier"),
    "CART": ("tree", "DecisionTreeClassifier"),
    "RF": ("ensemble", "RandomForestClassifier"),
    "NB": ("naive_bayes", "GaussianNB"),
    "SVM": ("svm", "SVC"),
}
_ALWAYS: dict[str, dict[str, Any]] = {
    "LR": {"max_iter": 1000},
    "CART": {"random_state": 0},
    "RF": {"random_state": 0, "n_jobs": -1},
}


def require_learning() -> None:
    """Raise MissingDependency where scikit-learn, mahotas or matplotlib is not installed."""
    for module in ("sklearn", "mahotas", "matplotlib"):
        try:
            import_module(module)
        except ImportError as error:
            raise MissingDependency(
                f'these systems need {error.name}: pip install "kaodex[bench]", or name others with --systems'
            ) from error


SCALES = ("", "range", "standard")
"""Inputs as they are; each brought to [0, 1] over the fitted pictures; or each to mean 0 and deviation 1."""


def estimator(kind: str, settings: Settings, *, scale: str) -> Any:
    """A pipeline of scikit-learn with the step `model`, after one of SCALES.

    Settings that are not given are scikit-learn's defaults, except for a thousand steps at most for LR and a fixed seed
    where chance decides.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    module, name = _CLASSES[kind]
    model = getattr(import_module(f"sklearn.{module}"), name)(**{**_ALWAYS.get(kind, {}), **settings})
    scaler = {"": "passthrough", "range": MinMaxScaler(), "standard": StandardScaler()}[scale]
    return Pipeline([("scale", scaler), ("model", model)])


class Learned:
    """One of scikit-learn's classifiers. It cannot enrol: someone new means learning everyone again."""

    def __init__(self, kind: str, settings: Settings, *, scale: str) -> None:
        self._kind, self._settings, self._scale = kind, settings, scale
        self.remarks: tuple[str, ...] = ()

    def fit(self, inputs: Float32[np.ndarray, "pictures dim"], labels: Int64[np.ndarray, " pictures"]) -> None:
        """Learn from nothing; what scikit-learn warns of becomes a remark."""
        self._fitted = estimator(self._kind, self._settings, scale=self._scale)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self._fitted.fit(inputs, labels)
        self.remarks = tuple(dict.fromkeys(_first_line(warning.message) for warning in caught))

    def scores(
        self, inputs: Float32[np.ndarray, "pictures dim"]
    ) -> Float32[np.ndarray, "pictures identities"] | Float64[np.ndarray, "pictures identities"]:
        """Probabilities; their logarithms for naive Bayes, whose probabilities round to 0; what an SVM decides by."""
        if self._kind == "NB":
            return self._fitted.predict_log_proba(inputs)
        if self._kind != "SVM":
            return self._fitted.predict_proba(inputs)
        decided = self._fitted.decision_function(inputs)
        return decided if decided.ndim == 2 else np.stack([-decided, decided], axis=1)

    @property
    def out_of_bag(self) -> float | None:
        """A forest's accuracy on the pictures that its trees did not see, where `oob_score` is set."""
        return getattr(self._fitted["model"], "oob_score_", None)


def _first_line(message: Warning | str) -> str:
    return str(message).strip().splitlines()[0].rstrip(".:")
