"""Named, ambiguous or unknown: what the candidates of a query amount to at a promised rate."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float64


class Status(StrEnum):
    """What is said of a face."""

    IDENTIFIED = "identified"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


def decide(
    p_values: Float64[np.ndarray, " queries"],
    margins: Float64[np.ndarray, " queries"],
    fpir: float,
    margin: float,
) -> tuple[Bool[np.ndarray, " queries"], Bool[np.ndarray, " queries"]]:
    """Which queries are no strangers at this rate, and which of them are ambiguous.

    A query is no stranger where p <= fpir. It is ambiguous where, besides, its best candidate beats the runner-up by at
    most `margin` (see `index.calibration.margin_needed`); two exactly equal candidates always are.

    >>> decide(np.array([0.001, 0.004, 0.2]), np.array([2.0, 0.1, 2.0]), fpir=0.01, margin=0.3)
    (array([ True,  True, False]), array([False,  True, False]))
    """
    familiar = p_values <= fpir
    return familiar, familiar & (margins <= margin)
