"""What the seed papers published, and on what it was measured: figures of other pictures, beside which ours stand."""

from __future__ import annotations

from bench.systems.learned import KINDS

_SEVEN = (".756", ".420", ".563", ".605", ".748", ".513", ".782")
_ALL = (".339", ".282", ".269", ".222", ".549", ".134", ".393")

HAND_MADE = {
    kind: f"{few} of 7 characters, {many} of 163 (test)" for kind, few, many in zip(KINDS, _SEVEN, _ALL, strict=True)
}
"""Guan and Ge's test accuracy with hand-made features, by classifier."""

_OUTPUTS_SEVEN = (".941", ".765", ".832", ".563", ".882", ".824", ".908")
_OUTPUTS_ALL = (".710", ".751", ".414", ".126", ".510", ".482", ".679")

OUTPUTS = {
    kind: f"{few} of 7 characters, {many} of 163 (test)"
    for kind, few, many in zip(KINDS, _OUTPUTS_SEVEN, _OUTPUTS_ALL, strict=True)
}
"""Their test accuracy with the outputs of a ResNet-18 that knows photographs, by classifier."""

PIXELS = "“not accurate”"
"""Guan and Ge's words on pixels; they give no figure."""

ARTIST_PAIRS = ".559 to .957 over the 36 pairs of nine artists, .28 among all nine"
"""Chen et al.'s residual network on artists two by two, and at once."""

FOREST = ".6966 of 21 characters (out of bag)"
TUNED_FOREST = ".7124 of 21 characters (test)"
