"""Splits that keep a test honest: by identity, and between references and queries of one identity.

All functions take one integer per picture: whom it shows (`identities`), and which group it belongs to (`groups`). A
group is what must never lie on both sides: one source picture, one cluster of near-duplicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64


@dataclass(frozen=True)
class Draw:
    """One random choice of references and queries: positions of pictures, each ascending."""

    references: Int64[np.ndarray, " references"]
    queries: Int64[np.ndarray, " queries"]


def hold_out_identities(
    identities: Int64[np.ndarray, " pictures"], share: float, seed: int
) -> Bool[np.ndarray, " pictures"]:
    """Mark all pictures of a random share of the identities, at least one and never all of them.

    Raises ValueError for a share outside (0, 1) or fewer than two identities.
    """
    names = np.unique(identities)
    if not 0 < share < 1:
        raise ValueError(f"the share held out must lie between 0 and 1, but is {share}")
    if len(names) < 2:
        raise ValueError(f"holding identities out needs at least 2 of them, but there are {len(names)}")
    count = min(max(round(share * len(names)), 1), len(names) - 1)
    held_out = np.random.default_rng(seed).permutation(names)[:count]
    return np.isin(identities, held_out)


def usable_identities(
    identities: Int64[np.ndarray, " pictures"], groups: Int64[np.ndarray, " pictures"], shots: int
) -> Int64[np.ndarray, " usable"]:
    """The identities with more than `shots` groups: enough for that many references and at least one query."""
    pairs = np.unique(np.stack([identities, groups], axis=1), axis=0)
    names, counts = np.unique(pairs[:, 0], return_counts=True)
    return names[counts > shots]


def draw_references_and_queries(
    identities: Int64[np.ndarray, " pictures"],
    groups: Int64[np.ndarray, " pictures"],
    shots: int,
    seed: int | Sequence[int],
    queries_per_identity: int | None = None,
) -> Draw:
    """Draw `shots` references of each usable identity, each from another group, and queries from untouched groups.

    An identity with too few groups is in neither (see `usable_identities`). A group that gave any reference, to
    whichever identity, gives no query: one picture may show two characters. So an identity may be left without a query
    in some draw. All other pictures of the usable identities are queries; with `queries_per_identity`, at most that
    many of each, drawn at random, so that a large identity costs no more time than a small one.

    Raises ValueError for less than one shot or query.
    """
    if shots < 1 or (queries_per_identity is not None and queries_per_identity < 1):
        raise ValueError(f"shots ({shots}) and queries per identity ({queries_per_identity}) must be at least 1")
    random = np.random.default_rng(seed)
    usable = usable_identities(identities, groups, shots)
    # In a random order, the first picture of each (identity, group) is a random one; then the groups take a random
    # order of their own, so that a group of many pictures is no likelier than a group of one.
    order = random.permutation(len(identities))
    order = order[np.isin(identities[order], usable)]
    _, first = np.unique(np.stack([identities[order], groups[order]], axis=1), axis=0, return_index=True)
    references = _first_of_each(order[random.permutation(first)], identities, shots)
    queries = order[~np.isin(groups[order], groups[references])]
    if queries_per_identity is not None:
        queries = _first_of_each(queries, identities, queries_per_identity)
    return Draw(np.sort(references), np.sort(queries))


def _first_of_each(
    order: Int64[np.ndarray, " some"], identities: Int64[np.ndarray, " pictures"], count: int
) -> Int64[np.ndarray, " fewer"]:
    """Of positions in some order, keep the first `count` of each identity."""
    by_identity = order[np.argsort(identities[order], kind="stable")]
    _, starts, sizes = np.unique(identities[by_identity], return_index=True, return_counts=True)
    place = np.arange(len(by_identity)) - np.repeat(starts, sizes)
    return by_identity[place < count]


def unite_groupings(*groupings: Int64[np.ndarray, " pictures"]) -> Int64[np.ndarray, " pictures"]:
    """Unite several groupings of the same pictures: who shares a group in any of them, directly or by a chain, shares
    one in the result. -1 means no group of that grouping. Groups are numbered by first appearance.

    >>> unite_groupings(np.array([0, 0, 1, -1, -1]), np.array([-1, 5, 5, -1, 7])).tolist()
    [0, 0, 0, 1, 2]

    Raises ValueError without a grouping.
    """
    if not groupings:
        raise ValueError("there is nothing to unite: give at least one grouping")
    united = np.arange(len(groupings[0]))
    changed = True
    while changed:  # the lowest position spreads through each group, until nothing changes
        before = united.copy()
        for grouping in groupings:
            held = grouping >= 0
            _, label = np.unique(grouping[held], return_inverse=True)
            lowest = np.full(label.max(initial=-1) + 1, len(united))
            np.minimum.at(lowest, label, united[held])
            united[held] = lowest[label]
        changed = bool((united != before).any())
    return np.unique(united, return_inverse=True)[1].astype(np.int64)
