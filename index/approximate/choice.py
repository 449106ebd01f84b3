"""When a search is exact, and when it may be approximate."""

from __future__ import annotations

import os

from data.errors import GalleryError

EXACT_UP_TO = 2_000_000
"""References that are searched exactly on a CPU: up to here one query takes a tenth of a second at most.

On two cores one query over 1,000,000 x 256 takes 42 to 51 ms and grows with the size (docs/benchmarks.md).
"""

LEAST_RECALL = 0.99
"""An index below this measured recall@10 is not used, unless somebody insists."""

SEARCHES = ("auto", "exact", "approximate")
"""What can be asked for: auto is exact up to the exact range, and beyond it as long as there is no index to trust."""

USABLE = 4
"""An index is used as long as references that came or went since are no more than one for so many that it covers:
what came is searched exactly, so that it costs time, and no recall."""

FRESH = 16
"""Above one for so many, a new index is built."""

_VARIABLE = "KAODEX_EXACT_UP_TO"


def exact_range(exact_up_to: int | None = None) -> int:
    """How many references are searched exactly: as given, as KAODEX_EXACT_UP_TO says, or EXACT_UP_TO.

    Raises GalleryError where the variable is no number.
    """
    if exact_up_to is not None:
        return exact_up_to
    told = os.environ.get(_VARIABLE, "").replace(",", "").replace("_", "")
    if not told:
        return EXACT_UP_TO
    if not told.isdigit():
        raise GalleryError(f"{_VARIABLE} is a number of references, such as {EXACT_UP_TO}, not {told!r}")
    return int(told)


def proper_search(search: str) -> str:
    """The word itself. Raises ValueError for none of SEARCHES."""
    if search not in SEARCHES:
        raise ValueError(f"a search is {', '.join(SEARCHES)}, not {search!r}")
    return search
