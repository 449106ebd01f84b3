"""Pictures with several faces: each has its row, numbered as on the annotated picture."""

import json

import cv2
import numpy as np
import pytest

import index.recognizer
from embedder import Detection

RED, BLUE = (220, 30, 30), (30, 30, 220)
BOXES = [(30, 40, 90, 100), (230, 40, 290, 100)]

pytestmark = pytest.mark.usefixtures("use_fake_encoder")


class TwoFaces:
    name = "two faces"

    def find(self, picture):
        return [Detection(box, 0.9, "face") for box in BOXES] if picture.shape[1] == 320 else []


@pytest.fixture
def two_faces(monkeypatch):
    load = index.recognizer.load_detector
    monkeypatch.setattr(
        index.recognizer, "load_detector", lambda spec: TwoFaces() if spec == "cascade:two" else load(spec)
    )


@pytest.fixture
def scene(tmp_path):
    picture = np.full((160, 320, 3), 128, np.uint8)
    picture[:, :160], picture[:, 160:] = RED, BLUE
    cv2.imwrite(str(tmp_path / "scene.png"), picture[..., ::-1])
    return tmp_path / "scene.png"


@pytest.mark.usefixtures("two_faces")
def test_faces_are_numbered_in_one_order_everywhere(run, refs, scene, paint, tmp_path):
    run("enroll", refs, "--detector", "whole")
    run("enroll", refs, "--detector", "whole", "--kind", "artist")
    answered = run("query", scene, "--detector", "cascade:two", "--annotate", "named")
    assert answered.code == 0
    first, second, third = answered.out.splitlines()[1:4]
    assert "scene.png" in first and "1: 30,40 60x60" in first and " red " in first
    assert "scene.png" not in second and "2: 230,40 60x60" in second and " blue " in second
    assert "3: artist" in third
    listed = json.loads(run("query", scene, "--detector", "cascade:two", "--json").out)
    assert [face["box"] for face in listed["faces"]] == [list(box) for box in BOXES]
    assert [face["identity"] for face in listed["faces"]] == ["red", "blue"]
    drawn = cv2.imread(str(tmp_path / "named" / "scene.named.png"))
    assert drawn is not None and drawn.size > 640 * 320 * 3  # with a card for each


@pytest.mark.usefixtures("two_faces")
def test_one_face_has_no_number_and_none_is_told(run, refs, paint, tmp_path):
    run("enroll", refs, "--detector", "whole")
    picture = paint(tmp_path / "a.png", RED, 99)
    alone = run("query", picture, "--detector", "whole").out
    assert "whole" in alone and ": whole" not in alone
    nobody = run("query", picture, "--detector", "cascade:two", "--annotate", "named")
    assert nobody.code == 0 and "none found" in nobody.out
    assert (tmp_path / "named" / "a.named.png").exists()
