"""Kaodex on artists: a picture's encoding is the mean of its views', as in the product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8

from bench.systems.kaodex import Kaodex
from embedder import Encoder
from embedder.picture_style import encode_views, mean_direction, see_views, style_fingerprint


class KaodexByViews(Kaodex):
    """The product, asked who drew a picture, with every rule and k asked for."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self._by = encoder

    @property
    def settings(self) -> str:
        """Which encoder sees the views."""
        return f"{self._by.name} by views"

    @property
    def fingerprint(self) -> str:
        """Of the encoder and of the cut into views."""
        return style_fingerprint(self._by.fingerprint)

    def describe(self, crops: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "crops dim"]:
        """The encodings of whole pictures; raises UnreadablePicture for one without a drawing."""
        of_views = encode_views([see_views(picture, self._by).crops for picture in crops], self._by)
        return np.stack([mean_direction(encodings) for encodings in of_views])
