"""Every system that the closed protocol knows, by name and family, with its settings and the published figure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from bench.systems import System
from bench.systems import published as papers
from bench.systems.entry import Entry, learned
from bench.systems.hand_made import HandMade
from bench.systems.kaodex import Encodes, Kaodex
from bench.systems.network_families import networks
from bench.systems.photographs import Weights
from bench.systems.pixels import Pixels
from bench.systems.references import KeptReferences
from bench.systems.usual import default_systems
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


def slug(name: str) -> str:
    """A name as it is typed.

    >>> slug("HOG + Lab"), slug("pixel forest, tuned")
    ('hog-lab', 'pixel-forest-tuned')
    """
    return "-".join("".join(sign if sign.isalnum() else " " for sign in name.lower()).split())


def catalogue(
    encoder: Encodes, weights: Weights | None = None, usual: Sequence[System] | None = None
) -> tuple[Entry, ...]:
    """All systems, Kaodex first; `weights` says where networks of photographs get theirs, by default from the hub.

    `usual` are those that keep references, by default `default_systems`.
    """
    hand_made, large, small = HandMade(), Pixels(128), Pixels(96)
    forest = "pixels and forest"
    entries = [_keeping(system) for system in usual or default_systems(encoder)]
    for family, describer, scale in (("hand-made", hand_made, "range"), ("pixels", large, "")):
        for kind, given in _SEVEN.items():
            figure = papers.HAND_MADE[kind] if describer is hand_made else papers.PIXELS
            entries.append(learned(f"{family} {kind}", family, describer, kind, given, scale, figure))
        if describer is hand_made:
            figure = papers.HAND_MADE["SVM"]
            entries.append(learned("hand-made SVM summary", family, describer, "SVM", _SUMMARY_SVM, scale, figure))
    entries += [
        learned("pixel forest", forest, small, "RF", {"oob_score": True}, "", papers.FOREST),
        learned("pixel forest tuned", forest, small, "RF", _TUNED_FOREST, "", papers.TUNED_FOREST),
    ]
    return (*entries, *networks(weights or Weights()))


def _keeping(system: System) -> Entry:
    """Kaodex, and encoders that stand beside it, are asked as the product asks; the others for the nearest reference.

    All but Kaodex are floors.
    """
    family = "Kaodex" if system.name == Kaodex.name else "floor"
    if not isinstance(system, Kaodex):
        return Entry(system.name, family, system, partial(KeptReferences, "nearest", 1), "1-NN")
    made = partial(KeptReferences, DEFAULT_RULE, K)
    settings = f"{system.settings}, {DEFAULT_RULE} vote, k {K}"
    return Entry(system.name, family, system, made, settings, measured=system.fingerprint)


def choose(entries: Sequence[Entry], wanted: str, *, artists: bool = False) -> tuple[Entry, ...]:
    """The systems of a list such as `kaodex,hand-made,pixels-svm`: names and families.

    `all` is all that were made for characters; with `artists` all that were made for artists, Kaodex and the floors.

    Raises `UnusableSource` for a name that nobody has, with those there are.
    """
    if wanted == "all":
        always = ("Kaodex", "floor")
        return tuple(entry for entry in entries if entry.artists == artists or entry.family in always)
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
