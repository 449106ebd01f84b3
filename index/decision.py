"""Named or unknown: what the candidates of a query amount to."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float32


class Status(StrEnum):
    """What is said of a face."""

    IDENTIFIED = "identified"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


def decide(scores: Float32[np.ndarray, " queries"], unknown_below: float) -> Bool[np.ndarray, " queries"]:
    """Whether each query is named: its best candidate's similarity reaches the encoder's `unknown_below`.

    The bound is one fixed similarity for every gallery, stated in the encoder's card together with the share of
    strangers that it let through there. No candidate (-inf) is never named.

    >>> decide(np.float32([0.7, 0.3, -np.inf]), 0.5).tolist()
    [True, False, False]
    """
    return scores >= unknown_below
