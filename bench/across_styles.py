"""References in one style and queries in another: the same identities as card art and as chibi stickers, say."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int64

from data.errors import UnusableSource
from data.splits import draw_references_and_queries, usable_identities


def draw_across(
    identities: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    enrolled: Bool[np.ndarray, " pictures"],
    asked: Bool[np.ndarray, " pictures"],
    *,
    shots: int,
    draws: int,
) -> list[tuple[Int64[np.ndarray, " references"], Int64[np.ndarray, " queries"]]]:
    """Positions of references among the pictures of one style (`enrolled`) and of queries among those of another.

    Identities take part that have more than `shots` groups in the one and a picture in the other. The styles may be
    one. No group is on both sides. Raises `UnusableSource` for fewer than two identities.
    """
    usable = usable_identities(identities[enrolled], groups[enrolled], shots)
    usable = usable[np.isin(usable, identities[asked])]
    if len(usable) < 2:
        raise UnusableSource(
            f"{len(usable)} identities have more than {shots} pictures of one style and one of the other"
        )
    held = np.isin(identities, usable)
    at = np.flatnonzero(enrolled & held)
    drawn = []
    for number in range(draws):
        references = at[draw_references_and_queries(identities[at], groups[at], shots, (0, shots, number)).references]
        free = ~np.isin(groups, groups[references])
        drawn.append((references, np.flatnonzero(asked & held & free)))
    return drawn
