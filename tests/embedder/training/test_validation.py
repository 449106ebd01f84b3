from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from data.splits import draw_references_and_queries
from embedder.training.identities import Identity
from embedder.training.validation import (
    colour_histograms,
    open_and_closed,
    rank1,
    shots_for,
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


def test_open_and_closed_is_the_loop() -> None:
    encodings, labels, groups = a_dev_set(5, 6, 90)
    found = open_and_closed(encodings, labels, groups, shots=2, draws=3, seed=4)
    assert found["rank1"] == pytest.approx(rank1(encodings, labels, groups, references=2, draws=3, seed=4).mean())
    random = np.random.default_rng([4, 1])
    precision: dict[int, list[float]] = {}
    mated, strangers = [], []
    for draw in range(3):
        drawn = draw_references_and_queries(labels, groups, 2, [4, draw])
        names = sorted({int(labels[one]) for one in drawn.references})
        enrolled = {int(name) for name in random.choice(names, (len(names) + 1) // 2, replace=False)}
        for query in drawn.queries:
            near = sorted(drawn.references, key=lambda one, query=query: -float(encodings[query] @ encodings[one]))
            first, second = (int(labels[one] == labels[query]) for one in near[:2])
            precision.setdefault(int(labels[query]), []).append((first + (first + second) / 2 * second) / 2)
            best = next(one for one in near if int(labels[one]) in enrolled)
            row = (int(labels[query]), float(encodings[query] @ encodings[best]), labels[best] == labels[query])
            (mated if int(labels[query]) in enrolled else strangers).append(row)
    assert found["map_at_r"] == pytest.approx(np.mean([np.mean(one) for one in precision.values()]))
    for fpir in (10, 1):
        best_tpir = 0.0
        for bound in [0.0, *(score for _, score, _ in [*mated, *strangers])]:
            if share([(who, score > bound) for who, score, _ in strangers]) <= fpir / 100:
                best_tpir = max(best_tpir, share([(who, right and score > bound) for who, score, right in mated]))
        assert found[f"tpir_{fpir}"] == pytest.approx(best_tpir)


def share(rows: list[tuple[int, bool]]) -> float:
    """Mean over identities of the share of their queries."""
    return float(np.mean([np.mean([hit for who, hit in rows if who == one]) for one in {who for who, _ in rows}]))


def test_shots_are_the_most_that_four_identities_can_give() -> None:
    labels = np.repeat(np.arange(4), 6)
    assert shots_for(labels, np.arange(24)) == 5
    assert shots_for(labels, np.arange(24) // 2) == 2
    assert shots_for(labels[:12], np.arange(12)) == 1
    assert shots_for(labels[:6], np.arange(6)) is None


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
