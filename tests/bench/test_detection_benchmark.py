"""The parts of the benchmark of detectors, on pictures and detectors that a reader can follow."""

import importlib.util
import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bench.detection_sheets import GREEN, WHITE, annotated, contact_sheet
from bench.detection_speed import GAP, in_turns, median_with_interval, tiled
from bench.found_faces import figures
from bench.half_bodies import compare_detectors, half_bodies
from bench.rival_detectors import cascade_settings
from bench.windows import best_scores, held_back_windows, is_held_back, window_figures
from data.errors import UnusableSource
from embedder.detectors import Detection, WholePicture

SHARED = Path(__file__).parents[3] / "shared" / "data"
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "detection.py"


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("detection_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_windows_are_told_apart_by_their_best_scores():
    faces, others = np.array([0.9, 0.4, 0.0]), np.array([0.5, 0.0])
    told = window_figures(faces, others, threshold=0.45)
    assert told["auroc"][0] == pytest.approx((2 + 1 + 0.5) / 6)
    assert told["hits"][0] == pytest.approx(1 / 3) and told["false"][0] == 0.5
    assert window_figures(faces, others, threshold=0.0)["hits"][0] == pytest.approx(2 / 3)
    assert told["auroc"][1] <= told["auroc"][0] <= told["auroc"][2]


def test_about_three_of_sixteen_windows_are_held_back_by_name(tmp_path):
    share = np.mean([is_held_back(f"{number}.jpg") for number in range(4000)])
    assert 0.16 < share < 0.215
    for number in range(20):
        Image.new("RGB", (8, 8), (number,) * 3).save(tmp_path / f"{number}.png")
    held = held_back_windows(tmp_path)
    assert held == [path for path in held if is_held_back(path.name)] and 0 < len(held) < 20

    class Brightness:
        name = "brightness"

        def find(self, picture):
            return [Detection((0, 0, 8, 8), float(picture.max()) / 255, "face")] if picture.max() > 9 else []

    expected = [int(path.stem) / 255 if int(path.stem) > 9 else 0 for path in held]
    assert best_scores(held, Brightness()).tolist() == pytest.approx(expected)


def test_a_tiled_picture_is_full_of_whole_figures(tmp_path):
    Image.new("RGB", (10, 20), (255, 0, 0)).save(tmp_path / "red.png")
    picture = tiled([tmp_path / "red.png"], (100, 60), 20)
    red = (picture == (255, 0, 0)).all(axis=2)
    count, _ = cv2.connectedComponents(red.astype(np.uint8))
    assert picture.shape == (60, 100, 3) and count - 1 == 2 * 5
    assert red.sum() == (count - 1) * 200 and GAP == 8


def test_detectors_take_turns(monkeypatch):
    order = []

    class Noted(WholePicture):
        def __init__(self, name):
            self.name = name

        def find(self, picture):
            order.append(self.name)
            return []

    seconds = in_turns(np.zeros((4, 4, 3), np.uint8), {"a": Noted("a"), "b": Noted("b")}, 2)
    assert "".join(order) == "ba" + "ab" + "ba" and {len(own) for own in seconds.values()} == {2}
    assert median_with_interval(np.array([3.0, 1.0, 2.0]))[0] == 2.0


def test_boxes_are_drawn_to_scale_and_sheets_keep_all():
    picture = np.zeros((20, 40, 3), np.uint8)
    drawn = annotated(picture, [(np.array([[5.0, 5, 15, 15]]), WHITE), (np.array([[25.0, 5, 35, 15]]), GREEN)], 80)
    assert drawn.shape == (40, 80, 3)
    assert drawn[10, 20].tolist() == list(WHITE) and drawn[10, 60].tolist() == list(GREEN)
    sheet = contact_sheet([drawn] * 3, 2)
    assert (sheet == GREEN).all(axis=2).sum() == 3 * (drawn == GREEN).all(axis=2).sum()


@pytest.fixture
def half_body_data(tmp_path):
    """Four characters; a, b and c are drawn twice or more, and each has a colour in the corner."""
    random = np.random.default_rng(3)
    rows = [("x", "a"), ("x", "a"), ("y", "b"), ("z", "b"), ("y", "c"), ("y", "c"), ("y", "c"), ("y", "d")]
    colours = dict(zip("abcd", ((255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)), strict=True))
    lines = ["artist,file,base_character"]
    for number, (artist, character) in enumerate(rows):
        picture = random.integers(0, 256, (64, 64, 3), np.uint8)
        picture[:24, :24] = colours[character]
        (tmp_path / "art/arknights" / artist).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "art/arknights" / artist / f"{number}.png")
        lines.append(f"{artist},{number}.png,{character}")
    (tmp_path / "art/arknights.csv").write_text("\n".join(lines) + "\n")
    listed = {"characters": {"arknights": ["a"]}, "artists": {"art/arknights": ["z"]}}
    (tmp_path / "dev_identities.json").write_text(json.dumps(listed))
    return tmp_path


class Corner:
    name = "corner"

    def find(self, picture):
        return [Detection((4, 4, 20, 20), 0.9, "face")]


def test_half_bodies_are_told_apart_by_faces_and_not_by_the_middle(half_body_data, mean_colour):
    everyone = half_bodies(half_body_data, held_back=False)
    assert everyone.names == ("a", "b", "c") and np.bincount(everyone.identities).tolist() == [2, 2, 3]
    assert half_bodies(half_body_data, held_back=True).names == ("a", "b")  # listed, or by a listed artist
    detectors = {"whole": WholePicture(), "corner": Corner()}
    whole, corner = compare_detectors(everyone, mean_colour, detectors, (1,), draws=3)
    assert (whole["faces"], corner["faces"]) == (None, {"one": 7, "several": 0, "whole": 0, "none": 0})
    assert corner["rank1"] == [1.0, 1.0, 1.0] and whole["difference"] is None
    assert corner["difference"][0] == pytest.approx(1 - whole["rank1"][0])


def test_without_the_table_the_cure_is_told(tmp_path):
    with pytest.raises(UnusableSource, match="no table of half-body pictures"):
        half_bodies(tmp_path, held_back=False)


def test_tables_have_a_column_for_each_figure(benchmark):
    text = benchmark.markdown([{"detector": "a", "ap": [0.5, 0.25, 0.75]}, {"detector": "b", "size": [3, 4]}])
    assert text.splitlines() == [
        "| detector | ap | size |",
        "| --- | --- | --- |",
        "| a | 0.500 (0.250–0.750) |  |",
        "| b |  | 3 x 4 |",
    ]


def test_the_file_of_boxes_by_hand_is_sorted_and_whole():
    told = json.loads(SCRIPT.with_name("hand_boxes.json").read_text())
    assert list(told) == sorted(told)
    assert (
        sum(name.startswith("art/") for name in told) == 150 and sum(name.startswith("scenes/") for name in told) == 5
    )
    for one in told.values():
        assert all(x0 < x1 and y0 < y1 for x0, y0, x1, y1 in one["boxes"] + one["ignore"])


@pytest.fixture
def shared_data():
    if not (SHARED / "scenes").is_dir():
        pytest.skip("the real pictures of ../shared/data are not here")
    return SHARED


@pytest.fixture
def cascade_file(shared_data):
    return shared_data / "lbpcascade_animeface.xml"


def test_a_search_is_shared_and_says_what_opencv_says(cascade_file, shared_data, monkeypatch):
    picture = np.ascontiguousarray(cv2.imread(str(shared_data / "scenes" / "sample1.jpg"))[..., ::-1])
    grey = cv2.equalizeHist(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    monkeypatch.setattr("bench.rival_detectors.SCALE_FACTORS", (1.1,))
    settings = cascade_settings(cascade_file)
    assert len(settings) == 8
    for least in (1, 3):
        own = settings[f"lbpcascade_animeface x1.1 n{least}"].find(picture)
        boxes, neighbours = cv2.CascadeClassifier(str(cascade_file)).detectMultiScale2(
            grey, scaleFactor=1.1, minNeighbors=least, minSize=(20, 20)
        )
        expected = [(x, y, x + w, y + h, n / (n + 5)) for (x, y, w, h), n in zip(boxes, neighbours, strict=True)]
        assert np.allclose(sorted((*face.box, face.score) for face in own), sorted(expected))
        assert own
    assert settings["lbpcascade_animeface x1.1 n1"].find(np.zeros((9, 300, 3), np.uint8)) == []


def test_a_whole_run(benchmark, shared_data, tmp_path, capsys, monkeypatch):
    """Boxes and sheets on three pictures, by the cascade alone, with one scale factor to be quick."""
    every = json.loads(SCRIPT.with_name("hand_boxes.json").read_text())
    half_body = next(name for name, one in every.items() if one["boxes"])
    three = {name: every[name] for name in (half_body, "scenes/detect_02.jpg", "scenes/sample1.jpg")}
    (tmp_path / "boxes.json").write_text(json.dumps(three))
    monkeypatch.setattr("bench.rival_detectors.SCALE_FACTORS", (1.1,))
    monkeypatch.setattr(benchmark, "figures", partial(figures, resamples=20))
    monkeypatch.setattr(benchmark.os, "sched_setaffinity", lambda *arguments: None)
    spec = f"cascade:{shared_data / 'lbpcascade_animeface.xml'}"
    threads = cv2.getNumThreads()
    words = ["--detector", spec, "--boxes", tmp_path / "boxes.json", "--out", tmp_path, "--part", "boxes", "sheets"]
    try:
        benchmark.main([str(shared_data), *map(str, words)])
    finally:
        cv2.setNumThreads(threads)
    told = json.loads((tmp_path / "detection.json").read_text())
    rows = {row["detector"]: row for row in told["boxes"] if row["pictures_of"] == "scenes"}
    assert {"cascade, as shipped", "cascade, best", "cascade, best, boxes fitted"} <= set(rows)
    assert rows[spec]["ap"] == rows["cascade, as shipped"]["ap"]
    assert rows["cascade, best"]["ap"][0] >= rows["cascade, as shipped"]["ap"][0]
    assert "| scenes |" in capsys.readouterr().out
    assert {row["pictures_of"] for row in told["boxes"]} == {"art", "scenes"}
    assert (tmp_path / "art-1.png").is_file() and (tmp_path / "scenes-1.png").is_file()
