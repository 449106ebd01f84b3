"""Every system that the closed protocol knows, by name and family, with its settings and the published figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.systems import Describes
from bench.systems import published as papers
from bench.systems.classifier import Classifier
from bench.systems.colour_histogram import ColourHistogram
from bench.systems.hand_made import HandMade
from bench.systems.hog_lab import HogLab
from bench.systems.kaodex import Encodes, Kaodex
from bench.systems.learned import Learned, Settings
from bench.systems.pixels import Pixels
from bench.systems.references import KeptReferences
from data.errors import UnusableSource
from index.voting import DEFAULT_RULE

K = 5
"""How many nearest references vote for Kaodex, as `kaodex query` does by default."""

_SEVEN: dict[str, dict[str, Any]] = {
    "LR": {"C": 4.5},
    "LDA": {},
    "kNN": {"n_neighbors": 6},
    "CART": {},
    "RF": {"n_estimators": 3000},
    "NB": {},
    "SVM": {"kernel": "poly", "degree": 4, "C": 4.0},
}
"""Guan and Ge's settings for hand-made features."""

_SUMMARY_SVM = {"kernel": "poly", "degree": 3, "C": 11.0}
"""What their summary table says of the same SVM."""

_TUNED_FOREST = {"n_estimators": 189, "max_depth": 13, "min_samples_split": 5, "min_samples_leaf": 1, "oob_score": True}


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
    scaled: bool = False
    small: bool = True
    """May run in this process under a budget: it has no long fit."""


def slug(name: str) -> str:
    """A name as it is typed.

    >>> slug("HOG + Lab"), slug("pixel forest, tuned")
    ('hog-lab', 'pixel-forest-tuned')
    """
    return "-".join("".join(sign if sign.isalnum() else " " for sign in name.lower()).split())


def catalogue(encoder: Encodes) -> tuple[Entry, ...]:
    """All systems, Kaodex first."""
    hand_made, large, small = HandMade(), Pixels(128), Pixels(96)
    forest = "pixels and forest"
    entries = [
        Entry(
            Kaodex.name,
            "Kaodex",
            Kaodex(encoder),
            partial(KeptReferences, DEFAULT_RULE, K),
            f"{encoder.name}, {DEFAULT_RULE} vote, k {K}",
            measured=encoder.fingerprint,
        ),
        *(
            Entry(one.name, "floor", one, partial(KeptReferences, "nearest", 1), "1-NN")
            for one in (ColourHistogram(), HogLab())
        ),
    ]
    for family, describer, scaled in (("hand-made", hand_made, True), ("pixels", large, False)):
        for kind, given in _SEVEN.items():
            figure = papers.HAND_MADE[kind] if describer is hand_made else papers.PIXELS
            entries.append(learned(f"{family} {kind}", family, describer, kind, given, scaled, figure))
        if describer is hand_made:
            figure = papers.HAND_MADE["SVM"]
            entries.append(learned("hand-made SVM summary", family, describer, "SVM", _SUMMARY_SVM, scaled, figure))
    entries += [
        learned("pixel forest", forest, small, "RF", {"oob_score": True}, False, papers.FOREST),
        learned("pixel forest tuned", forest, small, "RF", _TUNED_FOREST, False, papers.TUNED_FOREST),
    ]
    return tuple(entries)


def learned(
    name: str, family: str, describer: Describes, kind: str, given: Settings, scaled: bool, published: str
) -> Entry:
    """A row of one of scikit-learn's classifiers."""
    make = partial(Learned, kind, given, scaled=scaled)
    return Entry(name, family, describer, make, told(kind, given), published, "", kind, given, scaled, small=False)


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


def choose(entries: Sequence[Entry], wanted: str) -> tuple[Entry, ...]:
    """The systems of a list such as `kaodex,hand-made,pixels-svm`: names and families; `all` is all of them.

    Raises `UnusableSource` for a name that nobody has, with those there are.
    """
    if wanted == "all":
        return tuple(entries)
    names = {slug(entry.name) for entry in entries}
    families = {slug(entry.family) for entry in entries}
    asked = [slug(part) for part in wanted.split(",") if part.strip()]
    strange = [name for name in asked if name not in names | families]
    if strange or not asked:
        raise UnusableSource(
            f"there is no system {', '.join(strange) or wanted!r}; there are all, the families "
            f"{', '.join(sorted(families))}, and {', '.join(slug(entry.name) for entry in entries)}"
        )
    return tuple(entry for entry in entries if {slug(entry.name), slug(entry.family)} & set(asked))
