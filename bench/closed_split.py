"""The papers' split, kept honest: of each identity a fifth is asked about, and no group lies on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from data.splits import Draw, usable_identities

TEST_SHARE = 0.2


def split_closed(
    identities: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    seed: int | Sequence[int],
    share: float = TEST_SHARE,
) -> Draw:
    """Split the pictures of each identity of two groups or more: `references` to learn from, `queries` to ask about.

    Groups are dealt in a random order: one is asked about where that leaves each of its identities at most `share` of
    its pictures (at least one) on that side. An identity of large groups, none of which fits, gives its smallest one.
    Other identities, of one group, are in neither part. A group that several identities share is on one side as a
    whole, so that an identity may be left without a query.

    Raises ValueError for a share outside (0, 0.5].
    """
    if not 0 < share <= 0.5:
        raise ValueError(f"the share that is asked about must lie in (0, 0.5], but is {share}")
    usable = np.isin(identities, usable_identities(identities, groups, 1))
    whose = {
        int(group): Counter(identities[usable & (groups == group)].tolist()) for group in np.unique(groups[usable])
    }
    all_of = Counter(identities[usable].tolist())
    most = {identity: max(1, round(share * count)) for identity, count in all_of.items()}
    asked: Counter[int] = Counter()
    chosen: set[int] = set()

    def take(group: int, limit: dict[int, int]) -> None:
        if group not in chosen and all(asked[who] + count <= limit[who] for who, count in whose[group].items()):
            asked.update(whose[group])
            chosen.add(group)

    order = np.random.default_rng(seed).permutation(list(whose)).tolist()
    for group in order:
        take(group, most)
    all_but_one = {identity: count - 1 for identity, count in all_of.items()}
    for group in sorted(order, key=lambda group: whose[group].total()):
        if any(not asked[who] for who in whose[group]):
            take(group, all_but_one)
    queries = usable & np.isin(groups, list(chosen))
    return Draw(np.flatnonzero(usable & ~queries), np.flatnonzero(queries))
