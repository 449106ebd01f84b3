"""Perceptual hashes and the groups they make, against a naive twin."""

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import near_duplicates, near_pairs
from data.near_duplicates import NEAR_DUPLICATE_DISTANCE, hamming, linked_to, near_duplicate_groups, perceptual_hash
from data.near_pairs import NearPairs

words = st.integers(0, 2**64 - 1)


def picture(seed, size=96):
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def distance(left, right):
    return (perceptual_hash(left) ^ perceptual_hash(right)).bit_count()


def test_hash_is_the_formula():
    small = cv2.resize(cv2.cvtColor(picture(3), cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    n = np.arange(32)
    basis = np.sqrt(2 / 32) * np.cos(np.pi * (2 * n[None] + 1) * n[:, None] / 64)
    basis[0] /= np.sqrt(2)
    block = (basis @ small @ basis.T)[1:9, 1:9].ravel()
    text = "".join("1" if value > np.median(block) else "0" for value in block)
    assert perceptual_hash(picture(3)) == int(text, 2)
    assert text.count("1") == 32


def test_resizing_blurring_and_compressing_stay_near_and_other_pictures_do_not():
    original = picture(1)
    _, jpeg = cv2.imencode(".jpg", original, [cv2.IMWRITE_JPEG_QUALITY, 60])
    for changed in (
        cv2.resize(original, (160, 140)),
        cv2.GaussianBlur(original, (0, 0), 1.5),
        cv2.imdecode(jpeg, cv2.IMREAD_COLOR),
        cv2.convertScaleAbs(original, alpha=0.9, beta=10),
    ):
        assert distance(original, changed) <= NEAR_DUPLICATE_DISTANCE
    assert all(distance(original, picture(seed)) > NEAR_DUPLICATE_DISTANCE for seed in range(2, 40))


@pytest.mark.parametrize("value", [0, 1, 77, 255])
def test_flat_pictures_of_any_size_have_one_hash(value):
    assert perceptual_hash(np.full((1, 1, 3), value, np.uint8)) == 0
    assert perceptual_hash(np.full((50, 3, 3), value, np.uint8)) == 0


@given(st.lists(words, max_size=20), words)
def test_hamming_counts_bits(hashes, other):
    expected = [bin(value ^ other).count("1") for value in hashes]
    assert hamming(np.array(hashes, np.uint64), other).tolist() == expected


def naive_groups(hashes, within):
    groups = list(range(len(hashes)))
    for i in range(len(hashes)):
        for j in range(len(hashes)):
            if bin(hashes[i] ^ hashes[j]).count("1") <= within:
                old, new = groups[j], groups[i]
                groups = [new if group == old else group for group in groups]
    order = list(dict.fromkeys(groups))
    return [order.index(group) for group in groups]


@given(st.lists(st.integers(0, 255), max_size=25), st.integers(0, 3))
def test_groups_are_the_connected_components(hashes, within):
    assert near_duplicate_groups(np.array(hashes, np.uint64), within).tolist() == naive_groups(hashes, within)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 20)), min_size=1, max_size=25), st.integers(0, 2))
def test_links_lead_through_pictures_and_hashes(items, within):
    hashes, pictures = np.array(items, np.uint64).T
    for start in range(len(items)):
        found = {start}
        while True:
            more = {
                j
                for i in found
                for j in range(len(items))
                if items[i][1] == items[j][1] or (items[i][0] ^ items[j][0]).bit_count() <= within
            }
            if more <= found:
                break
            found |= more
        assert linked_to(start, hashes, pictures, within).tolist() == sorted(found)


@pytest.mark.parametrize("within", [0, 1, 5, 9, 10, 11])
def test_looking_up_finds_the_groups_of_a_sweep(within):
    """Random hashes, and chains of near ones that differ in bits of one part, or of all."""
    random = np.random.default_rng(within)
    hashes = list(random.integers(0, 2**64, 600, dtype=np.uint64))
    for start in range(0, 300, 3):
        for bits in (random.choice(64, 10, replace=False), random.choice(16, 9, replace=False) + 16 * (start % 4)):
            hashes.append(hashes[start] ^ np.bitwise_or.reduce(np.uint64(1) << bits[: start % 11].astype(np.uint64)))
    hashes = random.permutation(np.array(hashes * 2, np.uint64))
    swept = near_duplicate_groups(hashes, within)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_duplicates, "_MANY", 0)
        patch.setattr(near_pairs, "_AT_ONCE", 50)
        looked_up = near_duplicate_groups(hashes, within)
    assert np.array_equal(looked_up, swept)
    assert len(swept) / 3 < swept.max() < len(swept) / 2 + 1


@settings(max_examples=25)
@given(st.lists(words, max_size=12), st.integers(0, 11))
def test_near_pairs_are_those_of_comparing_all(hashes, within):
    near = hashes + [value ^ 0b111 << 14 for value in hashes]
    found = {
        tuple(sorted(pair)) for some in NearPairs(np.array(near, np.uint64), within) for pair in zip(*some, strict=True)
    }
    numbers = range(len(near))
    assert found == {(i, j) for j in numbers for i in range(j) if (near[i] ^ near[j]).bit_count() <= within}


def test_many_hashes_that_share_a_part_are_swept(monkeypatch):
    monkeypatch.setattr(near_duplicates, "_MANY", 0)
    monkeypatch.setattr(NearPairs, "__iter__", None)
    hashes = np.random.default_rng(0).integers(0, 2**32, 2000, dtype=np.uint64)
    assert near_duplicate_groups(hashes, 3).max() > 1900


def test_fifty_thousand_hashes_take_seconds():
    hashes = np.random.default_rng(0).integers(0, 2**64, 50_000, dtype=np.uint64)
    start = time.perf_counter()
    groups = near_duplicate_groups(hashes, NEAR_DUPLICATE_DISTANCE)
    assert time.perf_counter() - start < 20  # a second alone; the machine may be busy
    assert groups.max() > 49_900
