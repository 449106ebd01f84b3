"""The papers' networks as rows: how each is built and trained, as far as that was published.

Where it was not, the row's settings say what was taken: PyTorch's tutorial on transfer learning has the settings that
Guan and Ge give, and a batch of 4; Keras's own default is a batch of 32; Adam and a batch of 64 are those of the course
whose two-layer network Chen et al. describe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.systems import published as papers
from bench.systems.entry import Entry, learned
from bench.systems.learned import KINDS
from bench.systems.network_classifier import NetworkClassifier, Recipe
from bench.systems.new_top import NewTop
from bench.systems.outputs import Outputs
from bench.systems.photographs import Weights
from bench.systems.quarters import ByQuarters, Quarters
from bench.systems.sized import Sized

if TYPE_CHECKING:
    from torch import nn

OUTPUTS, FINE_TUNED, INCEPTION = "ResNet-18 outputs", "fine-tuned ResNet", "Inception with a new top"
KERAS, ARTISTS = "three-layer CNN", "artist networks"

_RESNETS = {18: ".969", 34: ".987", 50: ".975", 101: ".975"}
_FINE_TUNING = Recipe(25, 4, 0.001, momentum=0.9, every=7, cropped=224, photographs=True)
_KERAS = Recipe(100, 32, 0.001, momentum=0.09, decay=1e-6)
_COURSE = Recipe(100, 64, 0.009, "adam")
_RESIDUAL = Recipe(60, 32, 0.001, "adam")
_SEVEN: dict[str, dict[str, Any]] = {
    "LR": {"C": 1.1},
    "LDA": {},
    "kNN": {"n_neighbors": 8},
    "CART": {},
    "RF": {"n_estimators": 500},
    "NB": {},
    "SVM": {"kernel": "poly", "degree": 4, "C": 1.0},
}
"""Guan and Ge's settings for the outputs of a ResNet-18."""


def networks(weights: Weights) -> list[Entry]:
    """All rows that are networks, or stand on one."""
    return [*_outputs(weights), *_fine_tuned(weights), *_from_the_start(), *_inception(weights), *_artists(weights)]


def build(name: str, classes: int, **settings: Any) -> nn.Module:
    """One of `bench.systems.networks`, imported when it is built."""
    from bench.systems import networks as built  # imports torch

    network: nn.Module = getattr(built, name)(classes, **settings)
    return network


def _outputs(weights: Weights) -> list[Entry]:
    model = "resnet18.tv_in1k"
    describer = Outputs(model, weights)
    return [
        learned(
            f"resnet-18 outputs {kind}{weights.mark}",
            OUTPUTS,
            describer,
            kind,
            _SEVEN[kind],
            "standard",
            "" if weights.random else papers.OUTPUTS[kind],
            needs=model,
        )
        for kind in KINDS
    ]


def _fine_tuned(weights: Weights) -> list[Entry]:
    return [
        _entry(
            f"fine-tuned resnet-{depth}{weights.mark}",
            FINE_TUNED,
            256,
            partial(weights.network, f"resnet{depth}.tv_in1k"),
            _FINE_TUNING,
            "" if weights.random else f"{figure} of 7 characters, about .90 of 163 (test)",
            needs=f"resnet{depth}.tv_in1k",
        )
        for depth, figure in _RESNETS.items()
    ]


def _from_the_start() -> list[Entry]:
    return [
        _entry("pixels CNN", "pixels", 128, partial(build, "three_layers", side=128), _KERAS, papers.PIXELS),
        _entry(
            "three-layer cnn",
            KERAS,
            150,
            partial(build, "three_layers", side=150),
            _KERAS,
            ".905 of 16 characters (validation)",
        ),
    ]


def _inception(weights: Weights) -> list[Entry]:
    model, side = "inception_v3.tf_in1k", 299
    rows = ((1, "", ".8794"), (64, " 64-fold", ".891"))
    return [
        Entry(
            f"inception new top{fold}{weights.mark}",
            INCEPTION,
            Sized(side),
            partial(NewTop, model, weights, side, variants=variants),
            "softmax: 10,000 steps, rate 0.01, batch 10" + (f"; {variants} forms of each picture" if fold else ""),
            "" if weights.random else f"{figure} of 21 characters (validation)",
            small=False,
            needs=model,
            network=True,
        )
        for variants, fold, figure in rows
    ]


def _artists(weights: Weights) -> list[Entry]:
    two, pairs = ".556, .63, .58, up to .71 of two artists (test)", "pairs of nine artists .559 to .957 (test)"
    rows = []
    for side in (500, 128):
        for third in (False, True):
            name = f"conv2d {'three' if third else 'two'} layers {side}"
            made = partial(build, "two_convolutions", side=side, third=third)
            rows.append(_entry(name, ARTISTS, side, made, _COURSE, two, artists=True))
    for side, stages, figure in ((250, 3, f".28 of nine artists, {pairs}"), (100, 2, pairs)):
        made = partial(build, "residual", stages=stages)
        rows.append(_entry(f"resnet-{4 * stages + 2} {side}", ARTISTS, side, made, _RESIDUAL, figure, artists=True))
    rows.append(_by_quarters(rows[-1], side))
    model = "vgg16.tv_in1k"
    made = partial(weights.network, model)
    return [*rows, _entry(f"vgg-16{weights.mark}", ARTISTS, 256, made, _FINE_TUNING, "", needs=model, artists=True)]


def _by_quarters(entry: Entry, side: int) -> Entry:
    """The same network on quarters of `side` pixels."""
    return replace(
        entry,
        name=f"{entry.name} quarters",
        describer=Quarters(side),
        make=partial(_quartered, entry.make),
        settings=f"{entry.settings}; four quarters of each picture, the mean of their probabilities",
        published=".56 to .625 of pairs of artists, by quarters (test)",
    )


def _quartered(make: Callable[[], Any]) -> ByQuarters:
    return ByQuarters(make())


def _entry(
    name: str,
    family: str,
    side: int,
    made: Any,
    recipe: Recipe,
    published: str,
    *,
    needs: str = "",
    artists: bool = False,
) -> Entry:
    return Entry(
        name,
        family,
        Sized(side),
        partial(NetworkClassifier, made, side, recipe),
        recipe.told(),
        published,
        small=False,
        needs=needs,
        network=True,
        artists=artists,
    )
