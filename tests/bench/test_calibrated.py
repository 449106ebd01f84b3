"""The bench asks as the product answers: the same names, p-values and decisions as a real gallery."""

import hashlib

import numpy as np
import pytest

from bench.calibrated import CalibratedReferences
from bench.systems import Variant
from index.calibration import margin_needed
from index.decision import Status, decide
from index.gallery import Gallery
from index.records import EncoderStamp, NewReference

DIM = 6


def clustered(random, identities, each, noise=0.7):
    whose = np.repeat(np.arange(identities), each)
    vectors = random.standard_normal((identities, DIM))[whose] + noise * random.standard_normal((len(whose), DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), whose


@pytest.mark.parametrize("rule", ["weighted", "nearest", "majority", "centroid"])
def test_a_gallery_says_the_same(tmp_path, rule):
    random = np.random.default_rng(4)
    vectors, whose = clustered(random, 12, 4)
    hashes = random.integers(0, 2**63, len(whose)).astype(np.uint64)
    queries = np.concatenate([clustered(random, 20, 1)[0], vectors[::5] + np.float32(0.05)])
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    fpir, variant = 0.2, Variant(rule, 3)

    references = CalibratedReferences(vectors, whose, hashes, variant.k)
    null, outcomes = references.calibrate(variant)
    asked = references.ask(queries, variant)
    p_values = null.p_values(asked.scores, asked.named)
    margin = margin_needed(outcomes, null.p_values(outcomes.scores, outcomes.named), fpir, 0.01)
    familiar, ambiguous = decide(p_values, asked.margins, fpir, margin)

    with Gallery.create(tmp_path / "gallery.kaodex", device="cpu") as gallery:
        gallery.enroll(
            [
                NewReference(
                    identity=f"{identity:02d}",
                    sha256=hashlib.sha256(str(number).encode()).digest(),
                    source=f"{number}.png",
                    box=(0, 0, 9, 9),
                    region="whole",
                    detection=1.0,
                    hash=int(hashes[number]),
                    encoding=vectors[number].astype(np.float16),
                    crop=b"",
                )
                for number, identity in enumerate(whose)
            ],
            EncoderStamp("by hand", "by hand", DIM),
        )
        answers = gallery.recognize(queries, fpir=fpir, k=variant.k, rule=rule)

    assert [answer.candidates[0].identity for answer in answers] == [f"{name:02d}" for name in asked.named]
    assert [answer.p_value for answer in answers] == pytest.approx(p_values.tolist())
    expected = np.where(
        familiar, np.where(ambiguous, Status.AMBIGUOUS.value, Status.IDENTIFIED.value), Status.UNKNOWN.value
    )
    assert [answer.status.value for answer in answers] == expected.tolist()
    assert len(set(expected)) > 1


def test_the_nearest_reference_of_a_given_identity():
    random = np.random.default_rng(0)
    vectors, whose = clustered(random, 5, 3)
    references = CalibratedReferences(vectors, whose, np.arange(15, dtype=np.uint64) << np.uint64(40), 5)
    queries, _ = clustered(random, 8, 1)
    wanted = random.integers(0, 5, 8)
    for query, identity, found in zip(queries, wanted, references.nearest_of(queries, wanted), strict=True):
        own = np.flatnonzero(whose == identity)
        assert found == own[np.argmax(vectors[own].astype(np.float16).astype(np.float32) @ query)]
