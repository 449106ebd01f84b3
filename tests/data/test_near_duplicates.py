"""Perceptual hashes and the groups they make, against a naive twin."""

import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.near_duplicates import NEAR_DUPLICATE_DISTANCE, hamming, near_duplicate_groups, perceptual_hash

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


def test_ten_thousand_hashes_take_seconds():
    hashes = np.random.default_rng(0).integers(0, 2**64, 10_000, dtype=np.uint64)
    start = time.perf_counter()
    groups = near_duplicate_groups(hashes, NEAR_DUPLICATE_DISTANCE)
    assert time.perf_counter() - start < 10  # half a second alone; the machine may be busy
    assert groups.max() > 9_900
