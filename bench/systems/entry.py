"""One row of the table to be: a system with its settings, and the figure that was published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench.systems import Describes
from bench.systems.classifier import Classifier
from bench.systems.learned import Learned, Settings


@dataclass(frozen=True)
class Entry:
    """One row of the table to be."""

    name: str
    family: str
    describer: Describes
    make: Callable[[], Classifier]
    settings: str
    published: str = ""
    measured: str = ""
    """What tells figures of this row from others of the same name: the encoder's fingerprint."""
    kind: str | None = None
    """Which of scikit-learn's classifiers it is."""
    given: Settings | None = None
    scale: str = ""
    """What is done to its inputs: one of `learned.SCALES`."""
    small: bool = True
    """May run in this process under a budget: it has no long fit."""
    needs: str = ""
    """A network of timm's without whose weights it cannot be measured."""
    network: bool = False
    """Needs PyTorch."""
    artists: bool = False
    """Was made to tell artists apart."""


def learned(
    name: str,
    family: str,
    describer: Describes,
    kind: str,
    given: Settings,
    scale: str,
    published: str,
    *,
    needs: str = "",
) -> Entry:
    """A row of one of scikit-learn's classifiers."""
    return Entry(
        name,
        family,
        describer,
        partial(Learned, kind, given, scale=scale),
        told(kind, given),
        published,
        kind=kind,
        given=given,
        scale=scale,
        small=False,
        needs=needs,
        network=bool(needs),
    )


def told(kind: str, given: Settings) -> str:
    """Settings in words.

    >>> told("SVM", {"kernel": "poly", "degree": 4, "C": 4.0})
    'SVM: kernel poly, degree 4, C 4'
    """
    words = {
        "n_estimators": "trees",
        "n_neighbors": "k",
        "max_depth": "depth",
        "min_samples_split": "min split",
        "min_samples_leaf": "min leaf",
    }
    parts = [
        f"{words.get(name, name)} {value:g}" if isinstance(value, int | float) else f"{words.get(name, name)} {value}"
        for name, value in given.items()
        if name != "oob_score"
    ]
    return f"{kind}: {', '.join(parts)}" if parts else f"{kind}: defaults"
