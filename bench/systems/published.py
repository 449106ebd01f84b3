"""What the seed papers published, and on what it was measured: figures of other pictures, beside which ours stand."""

from __future__ import annotations

from dataclasses import dataclass

from bench.systems.learned import KINDS

GUAN_GE = "Guan, Ge 2020"
CHEN = "Chen 2022"

_SEVEN = (".756", ".420", ".563", ".605", ".748", ".513", ".782")
_ALL = (".339", ".282", ".269", ".222", ".549", ".134", ".393")

HAND_MADE = {
    kind: f"{few} of 7 characters, {many} of 163 (test)" for kind, few, many in zip(KINDS, _SEVEN, _ALL, strict=True)
}
"""Guan and Ge's test accuracy with hand-made features, by classifier."""

PIXELS = "“not accurate”"
"""Guan and Ge's words on pixels; they give no figure."""

FOREST = ".6966 of 21 characters (out of bag)"
TUNED_FOREST = ".7124 of 21 characters (test)"


@dataclass(frozen=True)
class Absent:
    """A family that the bench cannot run yet."""

    family: str
    paper: str
    figures: str


ABSENT = (
    Absent(
        "ResNet-18 outputs",
        GUAN_GE,
        "7 characters: LR .941, LDA .765, kNN .832, CART .563, RF .882, NB .824, SVM .908; 163 characters: .710, .751, "
        ".414, .126, .510, .482, .679 (test)",
    ),
    Absent("fine-tuned ResNet 18, 34, 50, 101", GUAN_GE, "7 characters: .969, .987, .975, .975; 163: about .90 (test)"),
    Absent("CNN from scratch on pixels", GUAN_GE, PIXELS),
    Absent("Inception v3 with a new top", CHEN, "21 characters: .8794; with 64-fold augmentation .891 (validation)"),
    Absent("three-layer CNN", "Keras project 2020", "16 characters: .905 (validation)"),
    Absent("Conv2D nets for artists", "Chen et al. 2018", "two artists: .556, .63, .58, up to .71 (test)"),
    Absent(
        "ResNet-14 for artists",
        "Chen et al. 2018",
        "nine artists: .28; pairs: .559 to .957; quarters: .56 to .625 (test)",
    ),
    Absent("VGG for artists", "Chen et al. 2018", "none: begun, never finished"),
)
