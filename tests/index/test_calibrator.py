import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import GalleryError, UnknownIdentity
from index.calibrator import Population, _enrolled_here
from index.decision import Status
from index.gallery import Gallery
from index.nearest_references import NearestReferences
from index.neighbourhoods import find_neighbourhoods, sample
from index.records import EncoderStamp, NewReference
from index.shelf import Shelf

DIMENSION = 8
STAMP = EncoderStamp("fake", "f" * 64, DIMENSION)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def looks(identity: int, spread: float, picture: int) -> np.ndarray:
    """A picture's encoding: the identity's own direction, and some chance."""
    own = np.random.default_rng([1, identity]).normal(size=DIMENSION)
    return unit(own + spread * np.random.default_rng([2, identity, picture]).normal(size=DIMENSION))


def new(identity: int, picture: int, spread: float = 0.3, name: str | None = None) -> NewReference:
    number = identity * 10_000 + picture
    return NewReference(
        identity=name or f"who {identity}",
        sha256=number.to_bytes(32, "little"),
        source=f"{number}.png",
        box=(0, 0, 9, 9),
        region="whole",
        detection=1.0,
        hash=(number * 0x9E3779B97F4A7C15) % 2**64,
        encoding=looks(identity, spread, picture).astype(np.float16),
        crop=b"",
    )


@pytest.fixture
def gallery(tmp_path):
    with Gallery.create(tmp_path / "gallery.kaodex", device="cpu") as made:
        yield made


def enrolled(gallery: Gallery, identities: range, pictures: int = 6, kind: str = "character") -> None:
    batch = [new(identity, picture) for identity in identities for picture in range(pictures)]
    gallery.enroll(batch, STAMP, kind=kind)


def ask(gallery: Gallery, identities: range, **how):
    queries = np.stack([looks(identity, 0.3, 999) for identity in identities]).astype(np.float32)
    return gallery.recognize(queries, **how)


def bank(first: int, count: int, pictures: int = 1) -> Population:
    whose = np.repeat(np.arange(count), pictures)
    encodings = np.stack([looks(first + int(who), 0.3, picture) for picture, who in enumerate(whose)])
    return Population(encodings.astype(np.float16), whose)


def test_strangers_are_named_at_the_promised_rate(gallery):
    enrolled(gallery, range(120))
    for fpir in (0.1, 0.02):
        answers = ask(gallery, range(1000, 2500), fpir=fpir)
        found = np.mean([answer.status is not Status.UNKNOWN for answer in answers])
        assert found < 2 * fpir, f"promised {fpir}, found {found}"
        assert {answer.basis for answer in answers} == {"own"}
    mated = ask(gallery, range(120), fpir=0.1)
    assert np.mean([answer.identity == f"who {number}" for number, answer in enumerate(mated)]) > 0.4


def test_few_identities_borrow_the_encoders_strangers(gallery):
    enrolled(gallery, range(3))
    strangers = (bank(5000, 1500),)
    alone = ask(gallery, range(3), fpir=0.01)
    assert {answer.status for answer in alone} == {Status.UNKNOWN} and alone[0].basis == "own"
    answers = ask(gallery, range(3), fpir=0.05, bank=strangers)
    assert {answer.basis for answer in answers} == {"borrowed"}
    assert [answer.identity for answer in answers] == ["who 0", "who 1", "who 2"]
    others = ask(gallery, range(7000, 8000), fpir=0.05, bank=strangers)
    found = np.mean([answer.status is not Status.UNKNOWN for answer in others])
    assert 0.02 < found < 0.1
    generous = ask(gallery, range(3), fpir=0.3, bank=strangers)
    assert {answer.basis for answer in generous} == {"own"}


def test_the_nearest_population_of_strangers_decides(gallery):
    enrolled(gallery, range(3))
    far = Population(bank(5000, 600).encodings * np.float16(0.1), np.arange(600))
    near = bank(6000, 600)
    both = gallery.calibrator("character").borrowed((far, near), 5, "weighted").score_needed(0.01)
    with Gallery.open(gallery.path, device="cpu") as alone:
        assert alone.calibrator("character").borrowed((near,), 5, "weighted").score_needed(0.01) == both


def test_a_stranger_of_the_bank_who_is_enrolled_is_left_out(gallery):
    enrolled(gallery, range(3))
    crowd = np.stack([unit(looks(9, 0, 0) + 0.1 * looks(5000 + n, 0.3, 0)) for n in range(400)])
    themselves = np.stack([looks(1, 0.3, 500 + n) for n in range(10)])
    known = Population(
        np.concatenate([crowd, themselves]).astype(np.float16), np.concatenate([np.arange(400), np.full(10, 900)])
    )
    assert gallery.calibrator("character").borrowed((known,), 5, "weighted").units == 400
    assert ask(gallery, range(1, 2), fpir=0.05, bank=(known,))[0].identity == "who 1"


def test_enrolled_strangers_are_found_and_look_alikes_kept():
    random = np.random.default_rng(3)
    whose = np.repeat(np.arange(150), 8)
    encodings = np.stack([looks(int(who), 0.2, number) for number, who in enumerate(whose)]).astype(np.float16)
    scores = random.normal(0.45, 0.06, 150)[whose] + random.normal(0, 0.05, len(whose))
    here, alike = whose < 30, (whose >= 30) & (whose < 34)
    scores[here] = random.normal(0.9, 0.03, here.sum())
    scores[alike] = random.normal(0.74, 0.02, alike.sum())  # far above the others, far below their own 0.95
    left_out = _enrolled_here(scores, Population(encodings, whose))
    assert left_out[here].all() and not left_out[~here].any()
    alone = np.arange(len(scores))  # one encoding each: the tail is what the promise stands on
    assert not _enrolled_here(scores, Population(encodings, alone)).any()
    assert not _enrolled_here(np.full(5, -np.inf), Population(encodings[:5], np.arange(5))).any()


def test_the_gallerys_own_strangers_join_and_are_never_candidates(gallery):
    enrolled(gallery, range(20))
    before, _ = gallery.calibrator("character").outcomes(5, "weighted")
    enrolled(gallery, range(5000, 5100), pictures=2, kind="character stranger")
    after, _ = gallery.calibrator("character").outcomes(5, "weighted")
    assert (before.count, after.count) == (20, 120)
    answers = ask(gallery, range(5000, 5100), fpir=0.05)
    assert answers[0].basis == "strangers"
    assert not {c.identity for answer in answers for c in answer.candidates} & {f"who {n}" for n in range(5000, 5100)}
    assert gallery.kinds() == ["character"]
    gallery.undo()
    assert gallery.calibrator("character").outcomes(5, "weighted")[0].count == 20


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["enroll", "enroll", "remove", "rename", "merge", "undo", "look", "reopen"]),
            st.integers(0, 6),
            st.integers(0, 6),
        ),
        min_size=2,
        max_size=12,
    )
)
def test_kept_calibration_is_what_a_new_one_would_be(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("calibration") / "gallery.kaodex"
    gallery = Gallery.create(path, device="cpu")
    pictures = 0
    for verb, one, other in steps:
        try:
            if verb == "enroll":
                pictures += 3
                gallery.enroll([new(one, pictures + n) for n in range(other % 3 + 1)], STAMP)
            elif verb == "remove":
                gallery.remove([f"who {one}"])
            elif verb == "rename":
                gallery.rename(f"who {one}", f"who {other}")
            elif verb == "merge":
                gallery.merge([f"who {one}"], f"who {other}")
            elif verb == "undo":
                gallery.undo()
            elif verb == "reopen":
                gallery.close()
                gallery = Gallery.open(path, device="cpu")
            else:
                gallery.calibrator("character").neighbourhoods()
        except GalleryError:
            continue
    kept = gallery.calibrator("character").neighbourhoods()
    held = gallery.calibrator("character")._held()
    anew = find_neighbourhoods(held, sample(held.references, held.identities))
    for name, one in kept.as_arrays().items():
        assert np.array_equal(one, anew.as_arrays()[name]), name
    gallery.close()


def test_a_subset_answers_as_a_gallery_of_it_would(gallery, tmp_path):
    enrolled(gallery, range(40))
    gallery.remove(["who 39"])
    some = [f"who {number}" for number in range(10, 25)]
    with Gallery.create(tmp_path / "subset.kaodex", device="cpu") as small:
        enrolled(small, range(10, 25))
        for fpir in (0.1, 0.3):
            parts = ask(gallery, range(40), fpir=fpir, only=some)
            wholes = ask(small, range(40), fpir=fpir)
            for part, whole in zip(parts, wholes, strict=True):
                assert (part.status, part.identity, part.p_value) == (whole.status, whole.identity, whole.p_value)
                assert part.score == pytest.approx(whole.score, abs=1e-6)
    gallery.rename("who 10", "renamed")
    assert ask(gallery, range(10, 11), fpir=0.3, only=["renamed", *some[1:]])[0].candidates[0].identity == "renamed"
    with pytest.raises(UnknownIdentity):
        ask(gallery, range(1), only=["who 10"])


def test_calibration_is_kept_in_the_file(gallery, monkeypatch):
    enrolled(gallery, range(12))
    gallery.calibrator("character").neighbourhoods()
    import index.calibrator as module

    def fail(*arguments, **options):
        raise AssertionError("the kept neighbourhoods should serve")

    monkeypatch.setattr(module, "find_neighbourhoods", fail)
    with Gallery.open(gallery.path, device="cpu") as again:
        assert len(again.calibrator("character").neighbourhoods().samples) == 72


def test_what_strangers_score_is_kept_in_the_file(gallery, monkeypatch):
    enrolled(gallery, range(12))
    enrolled(gallery, range(5000, 5030), pictures=1, kind="character stranger")
    strangers = (bank(6000, 40), bank(7000, 50))

    def told(gallery: Gallery, k: int) -> list:
        calibrator = gallery.calibrator("character")
        own, _ = calibrator.outcomes(k, "weighted")
        return [own.scores, *(null.scores for null in calibrator.borrowed(strangers, k, "weighted").populations)]

    first = {k: told(gallery, k) for k in (5, 40)}
    kinds = gallery.store.revision()
    enrolled(gallery, range(3), kind="artist")  # the journal grows, but not by characters
    assert gallery.store.revision() > kinds
    import index.calibrator
    import index.standing_queries

    def fail(*arguments, **options):
        raise AssertionError("what was kept should serve")

    monkeypatch.setattr(index.calibrator, "find_neighbourhoods", fail)
    monkeypatch.setattr(Shelf, "search", fail)
    monkeypatch.setattr(index.standing_queries, "nearest_references", lambda held, queries, depth: none(queries, depth))

    def none(queries, depth):
        assert not len(queries)
        return NearestReferences.none(0, depth)

    with Gallery.open(gallery.path, device="cpu") as again:
        for k, scores in first.items():
            for one, other in zip(scores, told(again, k), strict=True):
                assert np.array_equal(one, other)


def test_what_strangers_score_follows_the_gallery(gallery):
    enrolled(gallery, range(12))
    strangers = (bank(6000, 40),)

    def scores(calibrator) -> np.ndarray:
        return calibrator.borrowed(strangers, 5, "weighted").populations[0].scores

    before = scores(gallery.calibrator("character"))
    enrolled(gallery, range(6000, 6003))
    gallery.remove(["who 4"])
    after = scores(gallery.calibrator("character"))
    with Gallery.create(gallery.path.with_name("anew.kaodex"), device="cpu") as anew:
        enrolled(anew, [*range(4), *range(5, 12), *range(6000, 6003)])
        assert np.array_equal(after, scores(anew.calibrator("character")))
    assert not np.array_equal(before, after)
    gallery.undo()
    gallery.undo()
    assert np.array_equal(before, scores(gallery.calibrator("character")))


class TestEdges:
    def test_one_identity(self, gallery):
        enrolled(gallery, range(1))
        (answer,) = ask(gallery, range(1))
        assert answer.status is Status.UNKNOWN and answer.p_value == pytest.approx((1 + 1 / 6) / 2)
        (answer,) = ask(gallery, range(1), bank=(bank(5000, 300),), fpir=0.05)
        assert answer.identity == "who 0" and answer.basis == "borrowed"

    def test_one_reference_each(self, gallery):
        enrolled(gallery, range(50), pictures=1)
        null, mated = gallery.calibrator("character").outcomes(5, "weighted")
        assert null.count == 50 and len(mated.scores) == 0
        assert ask(gallery, range(50), fpir=0.1)[0].basis == "own"
        (told,) = gallery.calibrator("character").costs([0.1], 0.01, k=5, rule="weighted")
        assert told[1].tpir is None

    def test_a_huge_identity_beside_small_ones(self, gallery):
        gallery.enroll([new(0, picture) for picture in range(5000)], STAMP)
        enrolled(gallery, range(1, 30), pictures=2)
        known = gallery.calibrator("character").neighbourhoods()
        assert len(known.samples) == 20 + 29 * 2
        held = gallery.calibrator("character")._held()
        own = np.isin(known.samples, held.references[:5000])
        assert not np.isin(known.strangers.references[own], held.references[:5000]).any()
        null, _ = gallery.calibrator("character").outcomes(5, "weighted")
        assert null.count == 30 and ask(gallery, range(5), fpir=0.1)[0].candidates

    def test_nobody_but_strangers(self, gallery):
        enrolled(gallery, range(5), kind="character stranger")
        assert gallery.kinds() == []
        (answer,) = ask(gallery, range(1))
        assert answer.status is Status.UNKNOWN and answer.candidates == () and answer.p_value == 1.0

    def test_the_same_pictures_under_two_names_are_ambiguous(self, gallery):
        enrolled(gallery, range(30))
        gallery.enroll([new(3, picture, name="twin") for picture in range(6)], STAMP, allow_conflicts=True)
        (answer,) = ask(gallery, range(3, 4), fpir=0.2, k=4)
        assert answer.status is Status.AMBIGUOUS and answer.identity is None
        assert {candidate.identity for candidate in answer.candidates[:2]} == {"who 3", "twin"}

    def test_k_larger_than_the_gallery(self, gallery):
        enrolled(gallery, range(4), pictures=2)
        (answer,) = ask(gallery, range(1), k=100, fpir=0.3)
        assert len(answer.neighbours) == 8 and answer.candidates[0].identity == "who 0"

    @pytest.mark.parametrize("rate", [0.0, -1.0, 1.5])
    def test_rates_that_are_none(self, gallery, rate):
        enrolled(gallery, range(2))
        with pytest.raises(ValueError, match="a rate lies above 0"):
            ask(gallery, range(1), fpir=rate)

    @pytest.mark.parametrize("cut", [0, 10, None])
    def test_a_damaged_cache_is_computed_again(self, gallery, cut):
        enrolled(gallery, range(2))
        file = io.BytesIO()
        np.savez(file, samples=np.zeros(1))
        gallery.store.keep_calibration(
            "character", "neighbourhoods 2 16", gallery.store.revision(), file.getvalue()[:cut]
        )
        assert ask(gallery, range(1))[0].candidates
