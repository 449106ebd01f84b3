"""Who is taken for whom: the identities that are confused most, and the errors made with most confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from bench.open_set import Answers


@dataclass(frozen=True)
class Confusions:
    """Shares of the queries of each identity (rows) that are given each name (columns), for the most confused."""

    identities: Int64[np.ndarray, " confused"]
    shares: Float64[np.ndarray, "confused confused"]
    others: Float64[np.ndarray, " confused"]
    """The share given any other name."""


def most_confused(answers: Answers, most: int = 12) -> Confusions:
    """The identities of the pairs that are confused most often, the two directions together, worst first."""
    everyone, row = np.unique(answers.mated_truths, return_inverse=True)
    names, column = np.unique(answers.mated_named, return_inverse=True)
    shares = np.zeros((len(everyone), len(names)))
    np.add.at(shares, (row, column), 1)
    shares /= shares.sum(axis=1, keepdims=True)
    pairs: dict[tuple[int, int], float] = {}
    for first, second in np.argwhere(shares > 0):
        who, named = int(everyone[first]), int(names[second])
        if who != named:
            pair = (min(who, named), max(who, named))
            pairs[pair] = pairs.get(pair, 0.0) + float(shares[first, second])
    chosen: list[int] = []
    for pair in sorted(pairs, key=lambda pair: -pairs[pair]):
        new = [who for who in pair if who not in chosen and who in everyone]
        if len(chosen) + len(new) <= most:
            chosen += new
    at = np.array(chosen, np.int64)
    rows = np.searchsorted(everyone, at)
    square = np.zeros((len(at), len(at)))
    for place, named in enumerate(chosen):
        found = np.flatnonzero(names == named)
        if len(found):
            square[:, place] = shares[rows, found[0]]
    return Confusions(at, square, 1 - square.sum(axis=1))


def confident_errors(answers: Answers, most: int = 9) -> Int64[np.ndarray, " errors"]:
    """Rows of mated queries given a wrong name with the highest scores, one for each two identities."""
    wrong = np.flatnonzero(~answers.right)
    return _one_of_each(wrong, answers.mated_scores, answers.mated_truths, answers.mated_named, most)


def nearest_strangers(answers: Answers, most: int = 8) -> Int64[np.ndarray, " strangers"]:
    """Rows of strangers' queries with the highest scores, one for each two identities."""
    everyone = np.arange(len(answers.strangers))
    return _one_of_each(everyone, answers.stranger_scores, answers.stranger_truths, answers.stranger_named, most)


def _one_of_each(
    rows: Int64[np.ndarray, " rows"],
    scores: Float64[np.ndarray, " queries"],
    truths: Int64[np.ndarray, " queries"],
    named: Int64[np.ndarray, " queries"],
    most: int,
) -> Int64[np.ndarray, " fewer"]:
    chosen: list[int] = []
    seen: set[tuple[int, int]] = set()
    for row in rows[np.argsort(-scores[rows], kind="stable")]:
        pair = (int(min(truths[row], named[row])), int(max(truths[row], named[row])))
        if pair not in seen:
            seen.add(pair)
            chosen.append(int(row))
        if len(chosen) == most:
            break
    return np.array(chosen, np.int64)
