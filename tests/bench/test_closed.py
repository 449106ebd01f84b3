"""The closed protocol: one split, every system, each measured as it says."""

import dataclasses
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench.budget import OverBudget, within
from bench.closed import Figures, Sides, among_three, measure_closed
from bench.closed_run import Terms, run_closed, sample, to_search
from bench.collection import load_collection
from bench.kept_figures import KeptFigures, data_fingerprint, detector_fingerprint
from bench.markdown_page import write_section
from bench.protocol import Protocol
from bench.run import run_bench, run_open_set
from bench.systems.catalogue import catalogue, choose, slug
from bench.systems.classifier import Classifier, Enrolls
from bench.systems.learned import KINDS, Learned
from bench.systems.references import KeptReferences
from data.errors import UnusableSource
from embedder.detectors import WholePicture, load_detector
from embedder.detectors.auto import Auto
from embedder.detectors.trained import TrainedDetector

pytest.importorskip("sklearn", reason="the papers' classifiers need scikit-learn; install kaodex[bench]")
pytest.importorskip("mahotas", reason="texture needs mahotas; install kaodex[bench]")

NOTHING_KEPT = KeptFigures(None, ())


class Slow:
    """Answers rightly after so many seconds of fitting; its inputs are the truth."""

    def __init__(self, seconds):
        self.seconds = seconds

    def fit(self, inputs, labels):
        self.count = int(labels.max()) + 1
        time.sleep(self.seconds)

    def scores(self, inputs):
        return np.eye(self.count, dtype=np.float32)[inputs[:, 0].astype(int)]


def sides(identities=3, references=4, queries=2):
    learned, asked = np.repeat(np.arange(identities), references), np.repeat(np.arange(identities), queries)
    return Sides(learned[:, None].astype(np.float32), learned, asked[:, None].astype(np.float32), asked)


def test_what_was_describing_counts_where_it_is_done():
    figures = measure_closed(Slow(0.05), sides(), seconds_each=10.0)
    assert 120.05 <= figures.fit_seconds < 121  # 12 pictures described, and fitted
    assert 40.05 <= figures.add_seconds < 41  # the 4 of one identity described, and everyone fitted
    assert 10_000 <= figures.query_ms < 10_100
    assert (figures.train, figures.test, figures.enrolls) == ((1.0,) * 3, (1.0,) * 3, False)


def test_each_identity_weighs_the_same():
    inputs = np.array([[0], [1], [0], [0], [0], [1]], np.float32)
    asked = Sides(inputs[:2], np.array([0, 1]), inputs[2:], np.array([0, 0, 1, 1]))
    figures = measure_closed(Slow(0), asked, 0.0)
    assert (figures.test, figures.accuracy(), figures.train_accuracy()) == ((1.0, 0.5), 0.75, 1.0)


def test_enrolling_is_as_good_as_learning_all(clustered):
    vectors, whose = clustered(6, 8)
    held = np.arange(len(whose)) % 4 == 0
    parts = Sides(vectors[~held], whose[~held], vectors[held], whose[held])
    enrolling, whole = KeptReferences("weighted", 5), KeptReferences("weighted", 5)
    figures = measure_closed(enrolling, parts, 0.0)
    whole.fit(parts.references, parts.identities)
    assert figures.enrolls and isinstance(enrolling, Enrolls)
    assert np.array_equal(enrolling.scores(parts.queries), whole.scores(parts.queries))
    assert figures.accuracy() == (whole.scores(parts.queries).argmax(axis=1) == parts.truth).mean()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("identities", [2, 4])
def test_scores_decide_as_the_classifier_does(kind, identities, clustered):
    vectors, whose = clustered(identities, 12)
    given = {"n_estimators": 20} if kind == "RF" else {}
    learned = Learned(kind, given, scale="range")
    learned.fit(vectors[::2], whose[::2])
    scores = learned.scores(vectors[1::2])
    assert scores.shape == (len(whose) // 2, identities)
    assert scores.argmax(axis=1).tolist() == learned._fitted.predict(vectors[1::2]).tolist()
    assert isinstance(learned, Classifier) and not isinstance(learned, Enrolls)


def test_what_scikit_learn_warns_of_becomes_a_remark(clustered):
    vectors, whose = clustered(3, 10)
    patient, impatient = Learned("LR", {}, scale=""), Learned("LR", {"max_iter": 1}, scale="")
    patient.fit(vectors, whose)
    impatient.fit(vectors, whose)
    assert patient.remarks == () and "failed to converge" in impatient.remarks[0]
    lda = Learned("LDA", {}, scale="")
    with pytest.raises(ValueError, match="number of samples must be more than the number of classes"):
        lda.fit(vectors[:3], np.arange(3))


def test_systems_are_chosen_by_name_and_family(mean_colour):
    entries = catalogue(mean_colour)
    assert len({slug(entry.name) for entry in entries}) == len(entries) == 43
    assert [entry.name for entry in choose(entries, "Kaodex,pixels-svm,floor")] == [
        "kaodex",
        "colour histogram",
        "HOG + Lab",
        "pixels SVM",
    ]
    for wrong in ("kaodex,resnet", "", ","):
        with pytest.raises(
            UnusableSource, match="there are all, the families artist-networks, fine-tuned-resnet, floor, hand-made"
        ):
            choose(entries, wrong)


def test_the_published_settings(mean_colour):
    told = {entry.name: (entry.settings, entry.published) for entry in catalogue(mean_colour)}
    assert told["hand-made LR"] == ("LR: C 4.5", ".756 of 7 characters, .339 of 163 (test)")
    assert told["hand-made kNN"][0] == "kNN: k 6"
    assert told["hand-made RF"] == ("RF: trees 3000", ".748 of 7 characters, .549 of 163 (test)")
    assert told["hand-made SVM"][0] == "SVM: kernel poly, degree 4, C 4"
    assert told["hand-made SVM summary"][0] == "SVM: kernel poly, degree 3, C 11"
    assert told["pixel forest"] == ("RF: defaults", ".6966 of 21 characters (out of bag)")
    assert told["pixel forest tuned"][0] == "RF: trees 189, depth 13, min split 5, min leaf 1"
    assert told["kaodex"] == ("mean-colour, weighted vote, k 5", "")


def test_one_row_of_each_classifier_is_searched(mean_colour):
    entries = catalogue(mean_colour)
    kinds = ("LR", "kNN", "CART", "RF", "SVM")
    assert to_search(entries) == {
        *(f"hand-made {kind}" for kind in kinds),
        *(f"pixels {kind}" for kind in kinds),
        "pixel forest",
        *(f"resnet-18 outputs {kind}" for kind in kinds),
    }
    assert to_search(choose(entries, "kaodex,pixel-forest-tuned,hand-made-lda")) == {"pixel forest tuned"}


def test_a_sample_keeps_so_many_of_each(three_colours):
    collection = load_collection(three_colours)
    few = sample(collection, 3, 0)
    assert np.bincount(few.identities).tolist() == [3, 3, 3]
    assert few.paths == sample(collection, 3, 0).paths != sample(collection, 3, 1).paths


QUICK = "kaodex,floor,hand-made-lda,hand-made-nb,hand-made-cart"


def test_a_whole_run(three_colours, mean_colour, tmp_path):
    told = []
    entries = choose(catalogue(mean_colour), QUICK)
    report = run_closed(load_collection(three_colours), mean_colour, entries, Terms(), NOTHING_KEPT, None, told.append)
    assert [row.entry.name for row in report.rows] == [entry.name for entry in entries]
    by_name = {row.entry.name: row.figures for row in report.rows}
    assert by_name["kaodex"].test == by_name["hand-made NB"].test == (1.0, 1.0, 1.0)
    assert (report.references, report.queries) == (18, 6)
    assert told[0].startswith("kaodex: test 1.000, fitted in")
    assert any(note.startswith("as good as kaodex or better on new pictures (1.000)") for note in report.notes())
    assert any(" must refit (" in note for note in report.notes())
    written = json.loads(json.dumps(report.as_json()))
    assert written["protocol"]["name"] == "closed" and written["protocol"]["shots"] is None
    assert [system["adds_by"] for system in written["systems"]] == ["enrolling"] * 3 + ["refitting"] * 3
    assert written["systems"][0]["rank1"] == written["systems"][0]["test_accuracy"] == 1.0
    page = tmp_path / "page.md"
    page.write_text("# Words of a person\n")
    write_section(report, page, "refs")
    first = page.read_text()
    write_section(report, page, "others")
    write_section(report, page, "refs")
    assert first.startswith("# Words of a person\n\n<!-- bench closed: refs -->\n3 identities: 18 pictures")
    assert page.read_text().startswith(first.rstrip()) and page.read_text().count("| kaodex |") == 2
    assert str(tmp_path) not in first


def test_a_busy_machine_is_told_of(three_colours, mean_colour):
    entries = choose(catalogue(mean_colour), "kaodex,floor")
    report = run_closed(load_collection(three_colours), mean_colour, entries, Terms(), NOTHING_KEPT)

    def loaded(load):
        rows = [dataclasses.replace(one, figures=dataclasses.replace(one.figures, load=load)) for one in report.rows]
        return any("all times are too high" in note for note in dataclasses.replace(report, rows=tuple(rows)).notes())

    assert (loaded(0.5), loaded(10_000.0), loaded(None)) == (False, True, False)


def test_a_page_that_lost_its_end_is_left_alone(three_colours, mean_colour, tmp_path):
    entries = choose(catalogue(mean_colour), "kaodex")
    report = run_closed(load_collection(three_colours), mean_colour, entries, Terms(), NOTHING_KEPT)
    (tmp_path / "page.md").write_text("<!-- bench closed: refs -->\nmine\n")
    with pytest.raises(UnusableSource, match="without"):
        write_section(report, tmp_path / "page.md", "refs")
    assert (tmp_path / "page.md").read_text() == "<!-- bench closed: refs -->\nmine\n"


def test_kept_figures_are_not_measured_again(three_colours, new_mean_colour, tmp_path):
    collection = load_collection(three_colours)

    def run(wanted, **changed):
        encoder = new_mean_colour()
        entries = [dataclasses.replace(one, **changed) for one in choose(catalogue(encoder), wanted)]
        kept = KeptFigures.of_run(tmp_path / "kept", collection, 0, WholePicture())
        return encoder, run_closed(collection, encoder, entries, Terms(), kept)

    first, alone = run("kaodex")
    second, both = run("kaodex,hand-made-nb")
    assert (first.encoded, second.encoded) == (24, 0)
    assert both.rows[0].figures == alone.rows[0].figures
    assert run("kaodex", measured="another encoder")[0].encoded == 24
    (file, *_) = sorted((tmp_path / "kept").iterdir())
    file.write_text("{")
    for path in (tmp_path / "kept").iterdir():
        path.write_text("{")  # damaged: measured again
    assert run("kaodex")[0].encoded == 24


def test_other_pictures_are_other_data(three_colours):
    collection = load_collection(three_colours)
    before = data_fingerprint(collection)
    assert before == data_fingerprint(collection)
    assert before != data_fingerprint(collection.only(np.arange(24) > 0))
    assert before != data_fingerprint(dataclasses.replace(collection, groups=np.zeros(24, np.int64)))
    collection.paths[0].write_bytes(collection.paths[1].read_bytes())
    assert before != data_fingerprint(collection)


def test_whom_artists_show_is_part_of_the_data(three_colours):
    collection = load_collection(three_colours)
    shown = [dataclasses.replace(collection, characters=np.arange(24) % count) for count in (3, 4)]
    assert len({data_fingerprint(one) for one in (collection, *shown)}) == 3


def test_a_detector_is_known_by_its_weights(tmp_path):
    shipped = load_detector("auto").finder
    assert detector_fingerprint(WholePicture()) == "whole"
    moved = object.__new__(TrainedDetector)
    moved.card, moved.name = dataclasses.replace(shipped.card, folder=tmp_path), shipped.name
    retrained = object.__new__(TrainedDetector)
    retrained.name = shipped.name
    retrained.card = dataclasses.replace(shipped.card, fields={**shipped.card.fields, "files": {"model.onnx": "0"}})
    known = detector_fingerprint(shipped)
    assert detector_fingerprint(moved) == known != detector_fingerprint(retrained)
    assert detector_fingerprint(Auto(shipped)) not in (known, detector_fingerprint(Auto(retrained)))


def test_kept_figures_are_of_one_kind_and_one_detector(three_colours, tmp_path):
    collection = load_collection(three_colours)
    auto = load_detector("auto")
    ways = [(WholePicture(), "character"), (WholePicture(), "artist"), (auto, "character"), (auto.finder, "character")]
    for detector, kind in ways:
        kept = KeptFigures.of_run(tmp_path, collection, 0, detector, kind)
        assert kept.find("a row") is None
        kept.keep({"kind": kind}, "a row")
    assert KeptFigures.of_run(tmp_path, collection, 0, WholePicture(), "artist").find("a row") == {"kind": "artist"}


def test_other_protocols_have_sections_too(three_colours, painted, mean_colour, tmp_path):
    page = tmp_path / "page.md"
    few = run_bench(load_collection(three_colours), mean_colour, Protocol((1, 2), (1,), draws=2))
    strange = run_open_set(load_collection(painted(6, 3)), mean_colour, Protocol((1,), (1,), draws=2, strangers=0.5))
    write_section(few, page, "refs")
    write_section(strange, page, "refs")
    few_section, open_section = page.read_text().split("<!-- end of bench few-shot: refs -->")
    assert few_section.startswith("<!-- bench few-shot: refs -->\n3 identities, 24 pictures in ")
    assert "; 1, 2 references of each, drawn 2 times (seed 0); encoder mean-colour (by hand), detector" in few_section
    assert few_section.count("\n| kaodex |") == 2 and "| system | shots | k | rule | rank-1 |" in few_section
    assert "in each draw 50 % of the identities are strangers" in open_section
    assert open_section.count("\n| kaodex |") == 1 and "- bootstrap intervals of fewer" in open_section
    assert all(line.endswith("|") for line in open_section.splitlines() if line.startswith("|"))
    before = page.read_text()
    write_section(few, page, "refs")
    assert page.read_text() == before


def test_figures_survive_a_file():
    figures = Figures((1.0,), (0.5,), 1.0, 2.0, 3.0, False, None, ("slow",))
    assert Figures.from_json(json.loads(json.dumps(figures.as_json()))) == figures


def test_work_is_given_up_after_its_budget():
    from joblib import effective_n_jobs

    assert within(60.0, pow, 2, 10) == 1024
    with pytest.raises(OverBudget, match=r"given up after 0 s"):
        within(0.2, time.sleep, 60)
    assert within(60.0, effective_n_jobs, 2) == 2  # a fit has as many cores there as here
    with pytest.raises(ZeroDivisionError):
        within(60.0, divmod, 1, 0)


ALONE = """
import os, sys, time
from multiprocessing import active_children
from threading import Thread
from bench.budget import within

if __name__ == "__main__":
    Thread(target=within, args=(600.0, time.sleep, 600), daemon=True).start()
    while not active_children():
        time.sleep(0.01)
    print(active_children()[0].pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked for in /proc")
def test_work_ends_with_who_asked_for_it(tmp_path):
    (tmp_path / "alone.py").write_text(ALONE)
    root = str(Path(__file__).resolve().parents[2])
    words, paths = [sys.executable, str(tmp_path / "alone.py")], {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=paths) as asking:
        worker = Path("/proc") / asking.stdout.readline().strip() / "cmdline"
        assert _alive(worker)
        asking.kill()
    until = time.monotonic() + 60
    while _alive(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(command_line):
    try:
        return bool(command_line.read_bytes())  # that of a zombie is empty
    except OSError:
        return False


def test_two_identities_at_least(three_colours, mean_colour):
    collection = load_collection(three_colours)
    alone = collection.only(collection.identities == 0)
    with pytest.raises(UnusableSource, match="at least 2 identities"):
        run_closed(alone, mean_colour, choose(catalogue(mean_colour), "kaodex"), Terms(), NOTHING_KEPT)


def test_places_among_three_are_shared_by_those_who_score_the_same() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 4, (40, 6)).astype(float)
    truth = random.integers(0, 6, 40)
    found = among_three(scores, truth)
    for own, who, share in zip(scores, truth.tolist(), found.tolist(), strict=True):
        in_it = [who in sorted(order, key=lambda at: -own[at])[:3] for order in itertools.permutations(range(6))]
        expected = 1.0 if own.argmax() == who else np.mean(in_it)
        assert share == pytest.approx(expected)
