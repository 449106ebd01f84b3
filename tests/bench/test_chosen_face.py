"""Which face stands for a picture, and that every system is shown that one."""

import json
from base64 import b64decode

import cv2
import numpy as np
from PIL import Image

from bench import Protocol, load_collection, run_bench, run_open_set
from bench.chosen_face import choose_face
from bench.page.page import page
from bench.page.thumbnails import Thumbnails
from embedder.detectors import Detection


class Finds:
    """Finds what it is told, whatever the picture."""

    name = "told <before>"

    def __init__(self, *found):
        self._found = list(found)

    def find(self, picture):
        return self._found


def face(box, score=0.5):
    return Detection(box, score, "face")


def test_the_largest_face_and_of_equals_the_surest():
    picture = np.zeros((40, 60, 3), np.uint8)
    small, large = face((0, 0, 10, 10), 0.9), face((20, 0, 40, 20), 0.3)
    sure = face((0, 20, 40, 30), 0.6)
    assert choose_face(picture, Finds(small, large)).detection == large
    chosen = choose_face(picture, Finds(small, large, sure))
    assert (chosen.detection, chosen.found) == (sure, 3)


def test_without_a_face_the_centre_square():
    picture = np.zeros((40, 60, 3), np.uint8)
    chosen = choose_face(picture, Finds())
    assert (chosen.detection, chosen.found) == (Detection((10, 0, 50, 40), 1.0, "whole"), 0)


class ByBrightness:
    """Finds the white squares: each 8 x 8 block of a picture that is white."""

    name = "white"

    def find(self, picture):
        height, width = picture.shape[:2]
        places = [(x, y) for y in range(0, height, 8) for x in range(0, width, 8)]
        return [face((x, y, x + 8, y + 8)) for x, y in places if picture[y : y + 8, x : x + 8].min() > 250]


def test_every_system_sees_the_face_and_the_report_says_how_many(tmp_path, mean_colour):
    random = np.random.default_rng(0)
    for who in range(4):
        (tmp_path / "refs" / str(who)).mkdir(parents=True)
        for number, faces in enumerate((1, 1, 2, 0)):
            picture = random.integers(0, 200, (40, 24, 3), np.uint8)
            picture[8 : 8 + 8 * faces, 8:16] = 255
            Image.fromarray(picture).save(tmp_path / "refs" / str(who) / f"{number}.png")
    shown = []

    class Watching(type(mean_colour)):
        def encode(self, crops):
            shown.extend(crop.shape[:2] for crop in crops)
            return super().encode(crops)

    collection = load_collection(tmp_path / "refs", groups=["(.*)"])
    report = run_bench(collection, Watching(), Protocol((1,), (1,), draws=1), detector=ByBrightness())
    assert sorted(shown) == [(12, 12)] * 12 + [(24, 24)] * 4  # one and a half times a face; the centre square
    written = json.loads(json.dumps(report.as_json()))["protocol"]
    assert (written["detector"], written["region"]) == ("white", "face")
    assert written["faces"] == {"one": 8, "several": 4, "whole": 0, "none": 4}
    assert report.faces_told() in report.notes()
    assert "one in 8 pictures, several in 4" in report.faces_told()


def test_pictures_that_are_face_crops_are_counted_apart(three_colours, mean_colour):
    found = Finds(Detection((0, 0, 32, 32), 0.8, "whole"))
    found.name = "auto"
    report = run_bench(load_collection(three_colours), mean_colour, Protocol((1,), (1,), draws=1), detector=found)
    assert report.faces_found() == {"one": 0, "several": 0, "whole": 24, "none": 0}
    assert "24 are crops already" in report.faces_told()


def test_the_page_says_it(painted, new_mean_colour):
    protocol = Protocol((1,), (1,), draws=1, strangers=0.5)
    found = Finds(face((4, 4, 12, 12)))
    report = run_open_set(load_collection(painted(12, 2)), new_mean_colour(), protocol, detector=found)
    assert report.as_json()["protocol"]["faces"] == {"one": 24, "several": 0, "whole": 0, "none": 0}
    assert "faces by told &lt;before&gt;: one in 24 pictures" in page(report)


def test_small_pictures_show_the_face(tmp_path):
    halves = np.repeat(np.array([[[250, 0, 0]] * 16 + [[0, 0, 250]] * 16], np.uint8), 32, axis=0)
    Image.fromarray(halves).save(tmp_path / "halves.png")
    places = [face((2, 2, 10, 10)), face((20, 2, 28, 10))]
    faces = Thumbnails([tmp_path / "halves.png"] * 2, places, side=8)
    left, right = (cv2.imdecode(np.frombuffer(b64decode(faces.uri(one).split(",")[1]), np.uint8), 1) for one in (0, 1))
    assert left[..., 2].min() > 200 > 50 > left[..., 0].max() and right[..., 0].min() > 200
