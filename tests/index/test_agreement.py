from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from index.agreement import COMPANY, LEAD, OWN_VOTES, SURE_VOTES, agreeing_faces, ballot, company

RED, GREEN, BLUE, WHITE, GREY, BLACK = np.eye(6, dtype=np.float32)


def naive_ballot(similarities, needed):
    """Votes and face, counted one by one."""
    voters, faces = len(similarities), len(similarities[0])
    votes = [0] * faces
    for row in similarities:
        best = [face for face in range(faces) if row[face] == max(row)]
        if len(best) == 1:
            votes[best[0]] += 1
    for face in range(faces):
        leads = [
            sum(row[face] for row in similarities) / voters - sum(row[other] for row in similarities) / voters
            for other in range(faces)
            if other != face
        ]
        if votes[face] >= needed and 3 * votes[face] >= 2 * voters and min(leads) >= LEAD:
            return votes, face
    return votes, None


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 7), st.integers(2, 4)),
        elements=st.integers(-16, 16).map(lambda sixteenths: sixteenths / 16),  # exact, and often equal
    ),
    st.integers(2, 4),
)
def test_ballot_is_its_naive_twin(similarities, needed):
    told = ballot(similarities, needed)
    votes, face = naive_ballot(similarities.tolist(), needed)
    assert (list(told.votes), told.face) == (votes, face)


def test_nobody_votes_for_nobody():
    assert ballot(np.empty((0, 3), np.float32)).face is None
    assert ballot(np.float32([[0.9, 0.1]])).face is None  # one vote is too few


def naive_agreement(sure, faces, drawings):
    """The chosen face of each picture, by loops over all pairs of faces."""
    support, within = [], []
    for own, mine in enumerate(faces):
        others = {drawing for drawing in drawings if drawing != drawings[own]}
        of_faces = []
        for face in mine:
            best = [
                max(
                    float(face @ other)
                    for at, theirs in enumerate(faces)
                    if drawings[at] == drawing
                    for other in theirs
                )
                for drawing in others
            ]
            of_faces.append(sum(best) / len(best) if best else 0)
        support.append(sorted(of_faces)[-2:])
        within.append(np.mean([float(one @ other) for one, other in combinations(mine, 2)]))
    second, first = np.mean(support, axis=0)
    unrelated = max(0, np.mean(within))
    constant = (second - unrelated) / (first - unrelated) if len(set(drawings)) > 1 and first > unrelated else 1
    chosen = {}
    while True:
        certain = [*sure, *(faces[picture][face] for picture, face in chosen.items())]
        newly = {}
        for picture, mine in enumerate(faces):
            if picture in chosen:
                continue
            rows = [[float(one @ face) for face in mine] for one in certain]
            needed = SURE_VOTES
            if len(certain) < SURE_VOTES:
                needed = OWN_VOTES
                done = {drawings[at] for at in chosen}
                for drawing in {*drawings} - done - {drawings[picture]}:
                    theirs = [other for at in range(len(faces)) if drawings[at] == drawing for other in faces[at]]
                    rows.append([max(float(other @ face) for other in theirs) for face in mine])
                if constant > COMPANY:
                    continue
            face = naive_ballot(rows, needed)[1] if rows else None
            if face is not None:
                newly[picture] = face
        if not newly:
            return [chosen.get(picture) for picture in range(len(faces))]
        chosen |= newly


def some_pictures(seed):
    """A few references and pictures of several faces, in which one person, sometimes two, come again and again."""
    generator = np.random.default_rng(seed)
    dim = 12
    persons = generator.normal(size=(2, dim))

    def drawn(person):
        face = person + generator.normal(size=dim) * generator.choice([0.3, 1.5])
        return (face / np.linalg.norm(face)).astype(np.float32)

    with_friend = generator.choice([0, 0, 0.5, 1])
    sure = [drawn(persons[0]) for _ in range(generator.choice([0, 0, 1, 2, 3]))]
    faces = []
    for _ in range(generator.integers(1, 8)):
        mine = [drawn(persons[0])]
        if generator.random() < with_friend:
            mine.append(drawn(persons[1]))
        while len(mine) < 2 or generator.random() < 0.3:
            mine.append(drawn(generator.normal(size=dim)))
        generator.shuffle(mine)
        faces.append(np.stack(mine))
    drawings = generator.integers(0, 2 * len(faces), len(faces))
    return np.stack(sure) if sure else np.empty((0, dim), np.float32), faces, drawings


@given(st.integers(0, 10**6))
def test_agreement_is_its_naive_twin(seed):
    sure, faces, drawings = some_pictures(seed)
    told = agreeing_faces(sure, faces, drawings)
    assert [one.face for one in told] == naive_agreement(sure, faces, drawings.tolist())


def test_the_pictures_of_the_twin_meet_every_end():
    ends = {"chosen": 0, "unclear": 0, "too few alone": 0}
    for seed in range(200):
        for told in agreeing_faces(*some_pictures(seed)):
            ends["chosen" if told.face is not None else "unclear" if told.alone else "too few alone"] += 1
    assert min(ends.values()) > 10, ends


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_the_order_of_pictures_and_faces_makes_no_difference(seed, random):
    sure, faces, drawings = some_pictures(seed)
    told = agreeing_faces(sure, faces, drawings)
    order = random.sample(range(len(faces)), len(faces))
    places = [random.sample(range(len(faces[picture])), len(faces[picture])) for picture in order]
    shuffled = agreeing_faces(
        sure[::-1],
        [faces[picture][place] for picture, place in zip(order, places, strict=True)],
        100 - drawings[order],
    )
    for picture, place, now in zip(order, places, shuffled, strict=True):
        was = told[picture]
        assert now.votes == tuple(was.votes[face] for face in place)
        assert (None if now.face is None else place[now.face]) == was.face


@given(st.integers(0, 10**6))
def test_what_was_left_undecided_stays_so_when_asked_again(seed):
    sure, faces, drawings = some_pictures(seed)
    told = agreeing_faces(sure, faces, drawings)
    chosen = [mine[one.face] for mine, one in zip(faces, told, strict=True) if one.face is not None]
    left = [picture for picture, one in enumerate(told) if one.face is None]
    if left:
        again = agreeing_faces(
            np.stack([*sure, *chosen]) if len(sure) + len(chosen) else sure,
            [faces[picture] for picture in left],
            drawings[left],
        )
        assert [one.face for one in again] == [None] * len(left)


def test_two_sure_references_find_the_face_beside_strangers():
    (told,) = agreeing_faces(np.stack([RED, RED]), [np.stack([GREEN, RED, BLUE])], np.array([0]))
    assert (told.face, told.votes) == (1, (0, 2, 0))
    (told,) = agreeing_faces(np.stack([RED]), [np.stack([GREEN, RED, BLUE])], np.array([0]))
    assert told.face is None and told.votes == (0, 1, 0)


def test_sure_references_find_the_face_beside_the_same_friend_each_time():
    pictures = [np.stack([RED, GREEN])] * 5
    assert [told.face for told in agreeing_faces(np.stack([RED, RED]), pictures, np.arange(5))] == [0] * 5


def test_the_same_two_in_every_picture_are_not_told_apart():
    nearly = (0.8 * GREEN + 0.6 * BLUE).astype(np.float32)  # the friend looks a little different in one
    pictures = [np.stack([RED, GREEN])] * 4 + [np.stack([RED, nearly])]
    told = agreeing_faces(np.empty((0, 6), np.float32), pictures, np.arange(5))
    assert told[4].votes == (4, 0)  # the votes alone would have it
    assert [one.face for one in told] == [None] * 5 and not any(one.alone for one in told)


def test_changing_company_tells_who_is_meant():
    pictures = [np.stack([other, RED]) for other in (GREEN, BLUE, WHITE, GREY, BLACK)]
    assert [told.face for told in agreeing_faces(np.empty((0, 6), np.float32), pictures, np.arange(5))] == [1] * 5
    few = agreeing_faces(np.empty((0, 6), np.float32), pictures[:4], np.arange(4))
    assert [told.face for told in few] == [None] * 4 and few[0].votes == (0, 3)


def test_copies_of_a_picture_have_one_vote_together_and_none_for_each_other():
    pictures = [np.stack([other, RED]) for other in (GREEN, BLUE, WHITE)]
    copied = agreeing_faces(np.empty((0, 6), np.float32), pictures + [pictures[0]] * 3, np.array([0, 1, 2, 0, 0, 0]))
    assert [(told.face, told.votes) for told in copied] == [(None, (0, 2))] * 6


def test_company_by_hand():
    """Supports: of red 1, of green and of what is like it (0.6 + 0) / 2, of blue 0; two faces of a picture have 0."""
    like = (0.6 * GREEN + 0.8 * WHITE).astype(np.float32)
    pictures = [np.stack([RED, GREEN]), np.stack([RED, like]), np.stack([RED, BLUE])]
    best = [
        np.float32([[1, 1], [1, 0.6], [1, 0]]),
        np.float32([[1, 0.6], [1, 1], [1, 0]]),
        np.float32([[1, 0], [1, 0], [1, 1]]),
    ]
    assert company(pictures, best, np.arange(3)) == pytest.approx((0.3 + 0.3 + 0) / 3)
    assert company(pictures[:1], [best[0][:1]], np.arange(1)) == 1
