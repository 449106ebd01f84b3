from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedder.training.identities import Identity
from embedder.training.validation import (
    as_numbers,
    colour_histograms,
    draw_references,
    rank1,
    source_groups,
    strangers_threshold,
)


def a_dev_set(seed: int, identities: int, pictures: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(identities, size=pictures)
    groups = labels * 100 + random.integers(4, size=pictures)
    encodings = (random.normal(size=(identities, 6))[labels] + random.normal(size=(pictures, 6))).astype(np.float32)
    return encodings / np.linalg.norm(encodings, axis=1, keepdims=True), labels, groups


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_references_and_queries_share_no_group(seed: int, references: int) -> None:
    _, labels, groups = a_dev_set(seed, 5, 60)
    chosen, queries = draw_references(labels, groups, references, np.random.default_rng(seed))
    assert not set(groups[chosen]) & set(groups[queries])
    counts = np.bincount(labels[chosen], minlength=5)
    assert set(counts) <= {0, references}
    assert len(set(groups[chosen])) == len(chosen)
    assert set(labels[queries]) == set(labels[chosen])
    for label in range(5):
        assert (counts[label] > 0) == (len(np.unique(groups[labels == label])) > references)


def test_rank1_is_the_loop() -> None:
    encodings, labels, groups = a_dev_set(3, 6, 90)
    found = rank1(encodings, labels, groups, references=2, draws=4, seed=9)
    random = np.random.default_rng(9)
    for draw in range(4):
        chosen, queries = draw_references(labels, groups, 2, random)
        shares: dict[int, list[bool]] = {}
        for query in queries:
            best = max(chosen, key=lambda reference, query=query: float(encodings[query] @ encodings[reference]))
            shares.setdefault(int(labels[query]), []).append(bool(labels[best] == labels[query]))
        assert found[draw] == pytest.approx(np.mean([np.mean(right) for right in shares.values()]), abs=1e-6)


def test_threshold_lets_through_the_share_it_says() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(40), 12)
    encodings = random.normal(size=(480, 16)).astype(np.float32)
    encodings /= np.linalg.norm(encodings, axis=1, keepdims=True)
    threshold, named = strangers_threshold(encodings, labels, np.arange(480), draws=60)
    best = []
    for draw in range(60):  # another 60 galleries: the share holds for strangers not used to choose it
        enrolled = np.random.default_rng([1, draw]).choice(40, 10, replace=False)
        chosen = np.concatenate(
            [np.random.default_rng(draw).choice(np.flatnonzero(labels == one), 5, replace=False) for one in enrolled]
        )
        best.append((encodings[~np.isin(labels, enrolled)] @ encodings[chosen].T).max(axis=1))
    assert np.mean(np.concatenate(best) > threshold) == pytest.approx(0.05, abs=0.01)
    assert named < 0.2
    with pytest.raises(ValueError, match="more than 10 dev identities"):
        strangers_threshold(encodings[:60], labels[:60], np.arange(60))


def test_groups_join_sources_and_clusters(tmp_path: Path) -> None:
    one, two, three = ("0123456789abcdef" * 2, "f" * 32, "1" * 32)
    folder = tmp_path / "fans" / "rem"
    names = [f"{one}_1", f"{one}_2", f"{two}_1", f"{three}_1", "card_07"]
    (tmp_path / "fans_near_duplicates.csv").write_text(
        f"identity,file,near_dup_cluster\nrem,{one}.jpg-1.jpg,4\nrem,{one}.jpg-2.jpg,5\nrem,{two}.png-1.jpg,5\n"
        f"rem,{three}.jpg-1.jpg,6\nram,card_07.jpg,6\n"
    )
    identities = [Identity("fans", "rem", tuple(folder / f"{name}.jpg" for name in names))]
    groups = as_numbers(source_groups(identities))
    assert groups.tolist() == [0, 0, 0, 1, 2]


def test_groups_follow_the_real_lists(shared_data: Path) -> None:
    folder = shared_data / "faces" / "holoen" / "ina"
    identity = Identity("holoen", "ina", tuple(sorted(folder.iterdir())))
    groups = source_groups([identity])
    md5 = [path.stem[:32] for path in identity.files]
    assert all(
        len({group for group, one in zip(groups, md5, strict=True) if one == source}) == 1 for source in set(md5)
    )
    assert len(set(groups)) < len(set(md5))  # some pictures were listed as near-duplicates


def test_histograms_are_unit_vectors_of_colour() -> None:
    squares = np.stack([np.full((8, 8, 3), colour, np.uint8) for colour in ((200, 0, 0), (200, 0, 0), (0, 0, 200))])
    found = colour_histograms(squares)
    np.testing.assert_allclose(found @ found.T, [[1, 1, 0], [1, 1, 0], [0, 0, 1]], atol=1e-6)
