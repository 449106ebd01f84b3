"""Collections and an encoder that a reader can compute by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


class MeanColour:
    """An encoder whose encoding of a crop is the direction of its mean colour."""

    name = "mean-colour"
    fingerprint = "by hand"

    def __init__(self):
        self.encoded = 0

    def encode(self, crops):
        self.encoded += len(crops)
        means = np.array([crop.reshape(-1, 3).mean(axis=0) + 1 for crop in crops], np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def new_mean_colour():
    return MeanColour


@pytest.fixture
def mean_colour():
    return MeanColour()


COLOURS = {"rot": (220, 40, 40), "grün": (40, 220, 40), "blau": (40, 40, 220)}


def paint(path: Path, colour, seed):
    """A picture of one colour with a seeded pattern: its mean says who it is, its hash is like no other's."""
    random = np.random.default_rng(seed)
    pattern = np.kron(random.integers(-35, 36, (8, 8, 1)), np.ones((4, 4, 1), np.int64))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.array(colour) + pattern).clip(0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def three_colours(tmp_path):
    """`refs/` with three identities of eight pictures each."""
    for number, (name, colour) in enumerate(COLOURS.items()):
        for picture in range(8):
            paint(tmp_path / "refs" / name / f"{picture}.png", colour, seed=100 * number + picture)
    return tmp_path / "refs"


def _clustered(identities, each, dim=5, noise=0.6, seed=0):
    """Unit vectors around one direction per identity, and whose they are."""
    random = np.random.default_rng(seed)
    whose = np.repeat(np.arange(identities), each)
    vectors = random.standard_normal((identities, dim))[whose] + noise * random.standard_normal((len(whose), dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), whose


@pytest.fixture(scope="session")
def painted(tmp_path_factory):
    """painted(identities, each): a new `refs/` with so many identities, each of a colour of its own."""

    def make(identities, each):
        random = np.random.default_rng(8)
        refs = tmp_path_factory.mktemp("painted") / "refs"
        for number in range(identities):
            colour = random.integers(40, 216, 3)
            for picture in range(each):
                paint(refs / f"who {number}" / f"{picture}.png", colour, seed=100 * number + picture)
        return refs

    return make


@pytest.fixture(name="clustered")
def clustered_vectors():
    return _clustered
