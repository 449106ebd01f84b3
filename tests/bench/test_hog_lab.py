"""HOG + Lab: unit vectors of shape and colour, against their formula."""

import cv2
import numpy as np

from bench.systems import Fitted, System, Variant
from bench.systems.hog_lab import HogLab


def random_crops(count, side=90):
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (side, side, 3), dtype=np.uint8) for _ in range(count)]


def test_a_vector_is_the_two_parts_at_equal_weight():
    crops = random_crops(2)
    found = HogLab().describe(crops)
    assert found.shape == (2, 1956) and found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.allclose(np.linalg.norm(found[:, :1764], axis=1) ** 2, 0.5, atol=1e-6)
    coarse = cv2.resize(crops[1], (8, 8), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(coarse.astype(np.float32) / 255, cv2.COLOR_RGB2Lab) - [50, 0, 0]
    assert np.allclose(found[1, 1764:], (lab / np.linalg.norm(lab)).ravel() / np.sqrt(2), atol=1e-5)


def test_edges_tell_directions_apart_and_not_colours():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::8] = stripes[:, 1::8] = 255
    upright, lying = stripes, np.ascontiguousarray(stripes.transpose(1, 0, 2))
    inverted = 255 - upright
    edges = HogLab().describe([upright, lying, inverted])[:, :1764] * np.sqrt(2)
    assert edges[0] @ edges[2] > 0.99 > 0.3 > edges[0] @ edges[1]


def test_colours_are_placed():
    half = np.full((64, 64, 3), 30, np.uint8)
    half[:32] = [250, 60, 60]
    other = np.ascontiguousarray(half[::-1])
    colours = HogLab().describe([half, half, other])[:, 1764:] * np.sqrt(2)
    assert np.isclose(colours[0] @ colours[1], 1) and colours[0] @ colours[2] < 0.5


def test_a_flat_or_a_mid_grey_picture_is_a_unit_vector_too():
    found = HogLab().describe([np.full((10, 10, 3), value, np.uint8) for value in (0, 119, 255)])
    assert np.isfinite(found).all() and np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert HogLab().describe([]).shape == (0, 1956)


def test_it_keeps_the_contract():
    system = HogLab()
    assert isinstance(system, System)
    described = system.describe(random_crops(3))
    fitted = system.fit(described, np.array([0, 1, 2]), 3)
    assert isinstance(fitted, Fitted)
    assert fitted.scores(described, Variant("nearest", 1)).argmax(axis=1).tolist() == [0, 1, 2]
    assert system.variants(["majority"], [5, 20]) == [Variant("nearest", 1)]
