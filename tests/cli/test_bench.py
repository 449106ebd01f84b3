"""`kaodex bench` as it is typed."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cli.bench import bench
from cli.options import DEFAULT_DETECTOR
from data.errors import UnusableSource
from embedder.detectors import Detection, WholePicture
from tests.drawings import hatched, write


class MeanColour:
    name, fingerprint = "mean-colour", "by hand"

    def encode(self, crops):
        means = np.array([crop.reshape(-1, 3).mean(axis=0) + 1 for crop in crops], np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def encoder(monkeypatch):
    asked = []

    def load(name=None, *, device="auto"):
        asked.append((name, device))
        return MeanColour()

    monkeypatch.setattr("embedder.encoder.Encoder.load", load)
    return asked


class Corner:
    """Finds one face, the upper left quarter, in every picture that is not dark there."""

    name = "corner"

    def find(self, picture):
        height, width = picture.shape[:2]
        found = picture[: height // 2, : width // 2].mean() > 30
        return [Detection((0, 0, width // 2, height // 2), 0.5, "face")] if found else []


@pytest.fixture(autouse=True)
def detector(monkeypatch):
    asked = []

    def load(spec):
        asked.append(spec)
        return Corner() if spec == "corner" else WholePicture()

    monkeypatch.setattr("embedder.detectors.load_detector", load)
    return asked


@pytest.fixture
def refs(tmp_path: Path):
    for name, colour in {"rem": (60, 90, 200), "ram": (220, 120, 150), "emilia": (210, 210, 220)}.items():
        (tmp_path / "refs" / name).mkdir(parents=True)
        for picture in range(6):
            pattern = np.random.default_rng([picture, *colour]).integers(-30, 31, (16, 16, 1))
            Image.fromarray((np.array(colour) + pattern).clip(0, 255).astype(np.uint8)).save(
                tmp_path / "refs" / name / f"{picture}.png"
            )
    return tmp_path / "refs"


def run(*words):
    return CliRunner().invoke(bench, [str(word) for word in words])


def test_a_table_and_json(refs, tmp_path, encoder):
    result = run(refs, "--shots", "1,3", "-k", "1", "--draws", "2", "--json", tmp_path / "out.json", "--device", "cpu")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == [
        "system",
        "shots",
        "k",
        "rule",
        "rank-1",
        "95",
        "%",
        "rank-5",
        "mAP@R",
        "precision@k",
        "ms/query",
    ]
    assert [line.split()[0] for line in lines[1:]] == ["kaodex", "colour", "HOG"] * 2
    assert "1.000–1.000" in lines[1]
    written = json.loads((tmp_path / "out.json").read_text())
    assert [system["shots"] for system in written["systems"]] == [1, 1, 1, 3, 3, 3]
    assert encoder == [(None, "cpu")]


def test_faces_are_found_by_the_detector_asked_for(refs, tmp_path, detector):
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(refs / "rem" / "dark.png")
    words = (refs, "--shots", "1", "-k", "1", "--draws", "1", "--json", tmp_path / "out.json")
    result = run(*words, "--detector", "corner")
    assert result.exit_code == 0, result.output
    told = (
        "faces by corner: one in 18 pictures, several in 0 (the largest was taken), none in 1 (the centre square was)"
    )
    assert told in result.stderr.replace("\n", " ")
    written = json.loads((tmp_path / "out.json").read_text())["protocol"]
    assert (written["detector"], written["region"]) == ("corner", "face")
    assert written["faces"] == {"one": 18, "several": 0, "whole": 0, "none": 1}
    assert run(*words).exit_code == 0
    assert detector == ["corner", DEFAULT_DETECTOR]


def test_the_same_seed_gives_the_same_figures(refs, tmp_path):
    for name in ("one", "two"):
        assert run(refs, "--shots", "2", "--draws", "3", "--seed", "5", "--json", tmp_path / name).exit_code == 0
    one, two = (json.loads((tmp_path / name).read_text())["systems"] for name in ("one", "two"))
    for left, right in zip(one, two, strict=True):
        del left["query_ms"], right["query_ms"], left["fit_seconds"], right["fit_seconds"]
        assert left == right


def test_several_rules_and_groups(refs, tmp_path):
    (tmp_path / "g.csv").write_text("identity,file,group\nrem,0.png,a\nrem,1.png,a\n")
    words = ("--rule", "nearest", "--rule", "centroid", "--groups", tmp_path / "g.csv", "--groups", r"(\d)\.png")
    result = run(refs, "--shots", "1", "-k", "5", "--draws", "1", *words)
    assert result.exit_code == 0, result.output
    assert [line.split()[-7] for line in result.stdout.splitlines()[1:]] == [
        "nearest",
        "centroid",
        "nearest",
        "nearest",
    ]
    assert "says nothing of 16 of 18 pictures" in result.stderr


def test_unreadable_pictures_are_named_and_the_exit_code_is_1(refs):
    (refs / "rem" / "5.png").write_bytes(b"")
    result = run(refs, "--shots", "1", "-k", "1", "--draws", "1")
    assert result.exit_code == 1
    assert "rem/5.png: the file is empty" in result.stderr.replace("\n", "")
    assert result.stdout.startswith("system")


def test_first_mistakes_are_told(refs, tmp_path):
    for words, message in (
        ((tmp_path / "nowhere",), "there is no"),
        ((refs, "--groups", tmp_path / "no.csv"), "there is no"),
        ((refs, "--identities", tmp_path / "no.txt"), "there is no"),
        ((refs, "--shots", "50"), "nothing to measure"),
    ):
        result = run(*words)
        assert isinstance(result.exception, UnusableSource) and message in str(result.exception)
    for words, message in (
        ((refs, "--shots", "1,x"), "not a list of whole numbers"),
        ((refs, "-k", "0"), "below 1"),
        ((refs, "--rule", "loudest"), "loudest"),
        ((refs, "--json", tmp_path / "no" / "out.json"), "there is no folder"),
    ):
        result = run(*words)
        assert result.exit_code == 2 and message in result.stderr


@pytest.fixture
def crowd(tmp_path: Path):
    random = np.random.default_rng(0)
    for number in range(40):
        (tmp_path / "crowd" / f"who {number}").mkdir(parents=True)
        colour = random.integers(40, 216, 3)
        for picture in range(3):
            pattern = random.integers(-30, 31, (16, 16, 1))
            Image.fromarray((colour + pattern).clip(0, 255).astype(np.uint8)).save(
                tmp_path / "crowd" / f"who {number}" / f"{picture}.png"
            )
    return tmp_path / "crowd"


def test_open_set_tables_json_and_report(crowd, tmp_path):
    words = ("--open-set", "--shots", "1", "-k", "1", "--draws", "2", "--json", tmp_path / "out.json")
    result = run(crowd, *words, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    tables = result.stdout.split("\n\n")
    assert tables[0].split()[4:8] == ["rank-1", "mAP@R", "AUROC", "OSCR"]
    assert tables[1].split()[4:6] == ["promised", "found"]
    assert [line.split()[0] for line in tables[1].splitlines()[1:]] == ["kaodex", "colour", "HOG"]
    assert "faces by" not in result.stderr
    assert "20 enrolled identities of 1 reference are too few for a promise of 1 % (179 more)" in result.stderr
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["protocol"]["strangers"] == 0.5
    assert written["systems"][0]["promised"]["0.1"] == 0.1
    assert (tmp_path / "report" / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert str(tmp_path / "report" / "report.html") in result.stderr.replace("\n", "")


def test_the_share_of_strangers_is_the_users(crowd, tmp_path):
    words = ("--open-set", "--strangers", "0.2", "--shots", "1", "-k", "1", "--draws", "1")
    result = run(crowd, *words, "--json", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    first, *_ = json.loads((tmp_path / "out.json").read_text())["systems"]
    assert (first["enrolled"], first["strangers"]) == (32, 8)


def test_options_of_the_open_set_need_it(refs, tmp_path):
    for words in (("--strangers", "0.5"), ("--report", tmp_path / "report")):
        result = run(refs, *words)
        assert result.exit_code == 2 and f"{words[0]} needs --open-set" in result.stderr
    assert run(refs, "--open-set", "--strangers", "1").exit_code == 2


def test_the_closed_protocol_as_table_json_and_page(refs, tmp_path, encoder):
    pytest.importorskip("mahotas", reason="texture needs mahotas; install kaodex[bench]")
    words = ("--protocol", "closed", "--systems", "kaodex,floor,hand-made-nb", "--pictures-per-identity", "5")
    kept = ("--cache", tmp_path / "figures", "--markdown", tmp_path / "page.md", "--json", tmp_path / "out.json")
    result = run(refs, *words, *kept)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["system", "settings"]
    assert [line.split()[0] for line in lines[1:]] == ["kaodex", "colour", "HOG", "hand-made"]
    assert ".513 of 7 characters" in result.stdout and "enrolling" in lines[1] and "refitting" in lines[4]
    assert "hand-made NB: test" in result.stderr
    written = json.loads((tmp_path / "out.json").read_text())
    assert (written["protocol"]["references"], written["protocol"]["queries"]) == (12, 3)
    assert written["systems"][0]["published"] is None and written["systems"][3]["family"] == "hand-made"
    page = (tmp_path / "page.md").read_text()
    assert run(refs, *words, *kept).exit_code == 0  # from what was kept: to the last digit
    assert (tmp_path / "page.md").read_text() == page
    assert page.startswith("<!-- bench closed: refs -->")


def test_systems_of_the_papers_in_few_shot(refs, tmp_path):
    pytest.importorskip("mahotas", reason="texture needs mahotas; install kaodex[bench]")
    words = (
        "--systems",
        "kaodex,hand-made-nb",
        "--shots",
        "2",
        "-k",
        "1",
        "--draws",
        "2",
        "--json",
        tmp_path / "out.json",
    )
    result = run(refs, *words)
    assert result.exit_code == 0, result.output
    systems = json.loads((tmp_path / "out.json").read_text())["systems"]
    assert [(one["name"], one["rule"]) for one in systems] == [("kaodex", "weighted"), ("hand-made NB", "refitted")]


def test_artists_in_the_closed_protocol(tmp_path, use_fake_encoder):
    rows = ["artist,file,character"]
    for artist, colour in {"mika": (220, 30, 30), "sato": (30, 220, 30), "yuki": (30, 30, 220)}.items():
        for number in range(6):
            picture = hatched(colour, 150 + 10 * number, 140 + 7 * number, number)
            write(tmp_path / "art" / artist / f"{number}.png", picture)
            rows.append(f"{artist},{number}.png,character {number // 2}")
    (tmp_path / "art.csv").write_text("\n".join(rows))
    words = ("--kind", "artist", "--groups", "(.+)", "--protocol", "closed", "--systems", "kaodex,floor")
    kept = ("--markdown", tmp_path / "page.md", "--json", tmp_path / "out.json", "--cache", tmp_path / "figures")
    result = run(tmp_path / "art", *words, *kept, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["kaodex", "face", "colour", "HOG"]
    assert "artists two by two" in " ".join(result.stderr.split())
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["protocol"]["kind"] == "artist" and told["systems"][0]["test_accuracy"] == 1.0
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"pairs.png"}
    page = (tmp_path / "page.md").read_text()
    assert page.startswith("<!-- bench closed: art artists -->\n3 artists: 12 pictures") and "- artists two by" in page
    assert run(tmp_path / "art", *words, *kept, "--section", "again").exit_code == 0
    assert "<!-- bench closed: again -->" in (tmp_path / "page.md").read_text()


def test_other_protocols_write_a_section_too(refs, crowd, tmp_path):
    page = tmp_path / "page.md"
    words = ("--shots", "1", "-k", "1", "--draws", "1", "--markdown", page)
    assert run(refs, *words).exit_code == 0
    assert run(crowd, "--open-set", *words, "--section", "many").exit_code == 0
    text = page.read_text()
    assert "<!-- bench few-shot: refs -->\n3 identities, 18 pictures" in text
    assert "<!-- bench open-set: many -->\n40 identities, 120 pictures" in text and "| promised | found |" in text


def test_the_closed_protocol_draws_who_is_taken_for_whom(refs, tmp_path):
    pytest.importorskip("mahotas", reason="texture needs mahotas; install kaodex[bench]")
    words = ("--protocol", "closed", "--systems", "kaodex,hand-made-nb", "--report", tmp_path / "report")
    result = run(refs, *words)
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"confusion.png", "pairs.png"}


def test_searched_settings_have_rows_and_curves(refs, tmp_path, monkeypatch):
    pytest.importorskip("mahotas", reason="texture needs mahotas; install kaodex[bench]")
    monkeypatch.setattr("bench.tuning.NEIGHBOURS", (1, 2))
    words = ("--protocol", "closed", "--systems", "hand-made-knn", "--tune", "--report", tmp_path / "curves")
    result = run(refs, *words, "--json", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    assert "hand-made kNN searched" in result.stdout
    assert (tmp_path / "curves" / "tuning.png").is_file()
    (curve,) = json.loads((tmp_path / "out.json").read_text())["searches"]["hand-made kNN"]["curves"]
    assert curve["values"] == [1, 2] and len(curve["lines"][""]) == 2


def test_a_fit_beyond_its_budget_is_given_up(refs):
    pytest.importorskip("mahotas", reason="texture needs mahotas; install kaodex[bench]")
    words = ("--protocol", "closed", "--systems", "kaodex,hand-made-nb", "--budget", "0.0001")
    result = run(refs, *words)
    assert result.exit_code == 0, result.output
    assert "hand-made NB: given up after 0 s" in result.stderr


def test_each_protocol_has_its_options(refs, tmp_path):
    for words, message in (
        (("--section", "mine"), "--section names a part of the FILE of --markdown"),
        (("--budget", "5"), "--budget needs --protocol closed"),
        (("--random-init", "--weights", tmp_path), "--random-init and --weights exclude each other"),
        (("--open-set", "--cache", tmp_path), "--cache needs --protocol closed"),
        (("--protocol", "closed", "--shots", "5"), "--shots needs --protocol few-shot or --open-set"),
        (("--protocol", "closed", "--open-set"), "a protocol of its own"),
        (("--protocol", "closed", "--tune"), "give --report DIR"),
    ):
        result = run(refs, *words)
        assert result.exit_code == 2 and message in " ".join(result.stderr.split()), result.stderr
    result = run(refs, "--protocol", "closed", "--systems", "resnet")
    assert isinstance(result.exception, UnusableSource) and "there is no system 'resnet'" in str(result.exception)


def test_open_set_has_two_names(crowd, tmp_path):
    words = ("--shots", "1", "-k", "1", "--draws", "1", "--strangers", "0.5", "--json")
    assert run(crowd, "--protocol", "open-set", *words, tmp_path / "one.json").exit_code == 0
    assert run(crowd, "--open-set", *words, tmp_path / "two.json").exit_code == 0
    one, two = (json.loads((tmp_path / name).read_text())["systems"][0]["oscr"] for name in ("one.json", "two.json"))
    assert one == two
