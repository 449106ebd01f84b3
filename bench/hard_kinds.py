"""What becomes of pictures before somebody asks about them: kinds of queries on which encoders are known to fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zlib import crc32

import cv2
import numpy as np
from jaxtyping import Float32, Int64, UInt8

from bench.systems import Fitted, System, Variant
from embedder.preprocess import centre_square, resize_square
from embedder.training.augmentation import colourless, line_art, screentone
from embedder.training.hand_drawn import marker, pencil, photographed

UNCHANGED = "unchanged"
SIDE = 128
"""Every query has this side in pixels before it is turned, so that kinds differ in nothing else."""

SMALL = 32
JPEG_QUALITY = 20
LOOSE = 0.6
"""Side of the former crop in sides of the looser one."""
TILT = 25
"""In degrees, to either side."""

Random = np.random.Generator
View = UInt8[np.ndarray, "size size 3"]


def _photographed_drawing(view: View, random: Random) -> View:
    return photographed((pencil if random.random() < 0.5 else marker)(view, random), random)


def _compressed(view: View, random: Random) -> View:
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(view, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB), np.uint8)


def _looser(view: View, random: Random) -> UInt8[np.ndarray, "wider wider 3"]:
    border = round(view.shape[0] * (1 / LOOSE - 1) / 2)
    wider = cv2.copyMakeBorder(view, border, border, border, border, cv2.BORDER_REFLECT_101)
    return np.asarray(wider, np.uint8)


def _tilted(view: View, random: Random) -> View:
    size = view.shape[0]
    turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), TILT if random.random() < 0.5 else -TILT, 1)
    return np.asarray(cv2.warpAffine(view, turn, (size, size), borderMode=cv2.BORDER_REFLECT_101), np.uint8)


KINDS: dict[str, Callable[[View, Random], UInt8[np.ndarray, "other other 3"]]] = {
    UNCHANGED: lambda view, random: view,
    "grey": lambda view, random: colourless(view),
    "line art": line_art,
    "screentone": screentone,
    "pencil": pencil,
    "marker": marker,
    "hand-drawn, photographed": _photographed_drawing,
    f"{SMALL} pixels": lambda view, random: resize_square(view, SMALL),
    f"JPEG quality {JPEG_QUALITY}": _compressed,
    "looser crop": _looser,
    f"tilted {TILT} degrees": _tilted,
}
"""How a query is turned, by name."""


def turned(crop: UInt8[np.ndarray, "_ _ 3"], kind: str) -> UInt8[np.ndarray, "other other 3"]:
    """The crop as a query of one of KINDS. What is random about it depends on its pixels and on the kind alone."""
    view = resize_square(np.ascontiguousarray(centre_square(crop)), SIDE)
    return KINDS[kind](view, np.random.default_rng([crc32(view.tobytes()), crc32(kind.encode())]))


class Turned:
    """A system that sees every picture as a query of one kind."""

    def __init__(self, system: System, kind: str) -> None:
        self._system = system
        self._kind = kind
        self.name = f"{system.name}, {kind}"

    def variants(self, rules: Sequence[str], ks: Sequence[int]) -> list[Variant]:
        """The system's own."""
        return self._system.variants(rules, ks)

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops dim"]:
        """What the system makes of the crops once they are turned."""
        return self._system.describe([turned(crop, self._kind) for crop in crops])

    def fit(
        self,
        references: Float32[np.ndarray, "references dim"],
        identities: Int64[np.ndarray, " references"],
        count: int,
    ) -> Fitted:
        """The system's own."""
        return self._system.fit(references, identities, count)
