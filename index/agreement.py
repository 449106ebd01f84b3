"""Which of several faces in a picture is the identity's: the one that agrees with the identity's other references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from jaxtyping import Float32, Int64

SURE_VOTES = 2
"""Votes that a face needs at least, where the references that vote show the identity alone."""

OWN_VOTES = 4
"""And where pictures of several faces vote for one another."""

MAJORITY = Fraction(2, 3)
"""Share of the references that must speak for a face."""

LEAD = 0.1
"""Cosine: how much more alike the references must be to the face, on average, than to any other face of the picture.

Chosen, like COMPANY, by dealing out encoded face crops of four collections to pictures of two to four faces, some
of them of persons that the encoder had learnt from. With two or more sure references, 0.75 to 1.00 of the pictures got
the right face and 0.00 to 0.04 a wrong one.
"""

COMPANY = 0.25
"""Up to which `company` pictures of several faces are believed among themselves: see `agreeing_faces`.

Of 5 to 10 pictures of two persons, the second a stranger each time, 0.4 to 0.9 then got the right face and 0.01 or less
a wrong one. Where it was the same friend each time, which nothing in such pictures can tell, 0.00 to 0.02 got the
friend's face and nearly all others were skipped; so were nearly all pictures of three.
"""


@dataclass(frozen=True)
class Ballot:
    """What the references said about one picture."""

    votes: tuple[int, ...]
    """By face."""
    face: int | None
    """The face that is the identity's; None where that is not clear."""
    alone: bool = True
    """Whether the references that voted show the identity alone."""


def ballot(similarities: Float32[np.ndarray, "voters faces"], needed: int = SURE_VOTES) -> Ballot:
    """The votes of references for the faces of one picture, and the face with a clear majority.

    Each voter v, a row of cosines s(v, f), votes for the face that it is most alike; one that is equally alike to two
    votes for none. A face f is clear where it has at least 2 votes, the votes of 2/3 of all voters, and a lead in the
    mean: mean_v s(v, f) - mean_v s(v, g) >= 0.1 for every other face g.

    >>> ballot(np.float32([[0.6, 0.1], [0.5, 0.2], [0.2, 0.3]]))
    Ballot(votes=(2, 1), face=0, alone=True)
    >>> ballot(np.float32([[0.6, 0.5], [0.5, 0.6]])).face is None
    True
    """
    voters, faces = similarities.shape
    if not voters:
        return Ballot((0,) * faces, None)
    best = similarities.max(axis=1, keepdims=True)
    nearest = similarities == best
    votes = (nearest & (nearest.sum(axis=1, keepdims=True) == 1)).sum(axis=0)
    means = similarities.mean(axis=0, dtype=np.float64)
    face = int(votes.argmax())
    lead = means[face] - np.delete(means, face).max(initial=-np.inf)
    clear = int(votes[face]) >= max(needed, MAJORITY * voters) and lead >= LEAD
    return Ballot(tuple(votes.tolist()), face if clear else None)


def agreeing_faces(
    sure: Float32[np.ndarray, "references dim"],
    faces: Sequence[Float32[np.ndarray, "_ dim"]],
    drawings: Int64[np.ndarray, " pictures"],
) -> list[Ballot]:
    """For each picture of several faces, which of them is the identity's.

    `sure` are encodings of references that show the identity alone, `faces` those of each picture's faces, all of unit
    length; pictures of one number in `drawings` are copies of one another. In rounds, every picture that is not decided
    is put to the `ballot` of the sure references; the faces chosen in a round are sure references in the next, until a
    round decides nothing.

    While fewer than 2 references are sure, the other undecided drawings vote too, each with the best of its faces.
    They tell the identity from its company only where that changes from picture to
    picture: they are believed where `company` is at most 1/4, and a face then needs 4 votes.

    The order of pictures and of faces makes no difference.
    """
    told: dict[int, Ballot] = {}
    chosen: list[Float32[np.ndarray, " dim"]] = []
    undecided = list(range(len(faces)))
    numbers = np.unique(drawings)
    best = None
    while undecided:
        certain = np.concatenate([sure, np.stack(chosen)]) if chosen else sure
        among_themselves = len(certain) < SURE_VOTES
        if among_themselves and best is None:
            best = _best_matches(faces, drawings)
            believed = company(faces, best, drawings) <= COMPANY
        waiting = ~np.isin(numbers, np.delete(drawings, undecided))
        for picture in undecided:
            similarities = [certain @ faces[picture].T]
            if among_themselves and best is not None:
                similarities.append(best[picture][waiting & (numbers != drawings[picture])])
            told[picture] = ballot(np.concatenate(similarities), OWN_VOTES if among_themselves else SURE_VOTES)
            if among_themselves:
                told[picture] = replace(told[picture], face=told[picture].face if believed else None, alone=False)
        newly = [picture for picture in undecided if told[picture].face is not None]
        if not newly:
            break
        chosen += [faces[picture][told[picture].face] for picture in newly]
        undecided = [picture for picture in undecided if told[picture].face is None]
    return [told[picture] for picture in range(len(faces))]


def company(
    faces: Sequence[Float32[np.ndarray, "_ dim"]],
    best: Sequence[Float32[np.ndarray, "drawings _"]],
    drawings: Int64[np.ndarray, " pictures"],
) -> float:
    """How constant the company is that an identity keeps through pictures of several faces; 0 is none, 1 is as itself.

    The support of a face is the mean, over all drawings but its own, of the similarity of their face most alike to it
    (`best`: of each picture, by drawing in ascending order and by face). With a1 and a2 the means, over the pictures,
    of their largest and second largest supports, and u the mean similarity of two faces in one picture, who are two
    persons by one hand (at least 0), the company is (a2 - u) / (a1 - u). It is 1 where there is nothing to tell it by.
    """
    numbers = np.unique(drawings)
    if len(numbers) < 2:
        return 1.0
    supports = [
        np.sort(matches[numbers != drawing].mean(axis=0, dtype=np.float64))[-2:]
        for matches, drawing in zip(best, drawings, strict=True)
    ]
    second, first = np.mean(supports, axis=0)
    unrelated = max(0.0, float(np.mean([_within(own) for own in faces])))
    return float((second - unrelated) / (first - unrelated)) if first > unrelated else 1.0


def _within(faces: Float32[np.ndarray, "faces dim"]) -> float:
    """The mean similarity of two faces of one picture."""
    return float((faces @ faces.T)[np.triu_indices(len(faces), 1)].mean())


def _best_matches(
    faces: Sequence[Float32[np.ndarray, "_ dim"]], drawings: Int64[np.ndarray, " pictures"]
) -> list[Float32[np.ndarray, "drawings _"]]:
    """For each picture, how alike the most alike face of every drawing is to each of its faces."""
    order = np.argsort(drawings, kind="stable")
    everybody = np.concatenate([faces[picture] for picture in order])
    whose = np.repeat(drawings[order], [len(faces[picture]) for picture in order])
    starts = np.unique(whose, return_index=True)[1]
    return [np.maximum.reduceat(everybody @ own.T, starts, axis=0) for own in faces]
