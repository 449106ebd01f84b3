from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from data.splits import draw_references_and_queries
from embedder.training.identities import Identity
from embedder.training.validation import (
    colour_histograms,
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


def test_rank1_is_the_loop() -> None:
    encodings, labels, groups = a_dev_set(3, 6, 90)
    found = rank1(encodings, labels, groups, references=2, draws=4, seed=9)
    shares: dict[int, list[bool]] = {}
    for draw in range(4):
        drawn = draw_references_and_queries(labels, groups, 2, [9, draw])
        for query in drawn.queries:
            best = max(drawn.references, key=lambda one, query=query: float(encodings[query] @ encodings[one]))
            shares.setdefault(int(labels[query]), []).append(bool(labels[best] == labels[query]))
    np.testing.assert_allclose(found, [np.mean(shares[label]) for label in sorted(shares)])


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
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (32, 32, 3), np.uint8) for _ in names]
    assert source_groups(identities, pictures).tolist() == [0, 0, 0, 1, 2]


def test_without_a_list_near_duplicates_are_found_within_an_identity(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    one, other = (cv2.resize(random.integers(0, 256, (6, 6, 3), np.uint8), (48, 48)) for _ in range(2))
    files = [
        Identity("icons", name, (tmp_path / f"icons/{name}/a.png", tmp_path / f"icons/{name}/b.png")) for name in "xy"
    ]
    groups = source_groups(files, [one, cv2.convertScaleAbs(one, alpha=0.9), other, one])
    assert groups.tolist() == [0, 0, 1, 2]


def test_groups_follow_the_real_lists(shared_data: Path) -> None:
    folder = shared_data / "faces" / "holoen" / "ina"
    identity = Identity("holoen", "ina", tuple(sorted(folder.iterdir())))
    groups = source_groups([identity], [np.zeros((8, 8, 3), np.uint8)] * len(identity.files)).tolist()
    md5 = [path.stem[:32] for path in identity.files]
    assert all(
        len({group for group, one in zip(groups, md5, strict=True) if one == source}) == 1 for source in set(md5)
    )
    assert len(set(groups)) < len(set(md5))  # some pictures were listed as near-duplicates


def test_histograms_are_unit_vectors_of_colour() -> None:
    squares = np.stack([np.full((8, 8, 3), colour, np.uint8) for colour in ((200, 0, 0), (200, 0, 0), (0, 0, 200))])
    found = colour_histograms(squares)
    np.testing.assert_allclose(found @ found.T, [[1, 1, 0], [1, 1, 0], [0, 0, 1]], atol=1e-6)
