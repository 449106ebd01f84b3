"""The detector that ships: small, whole, the same in both runtimes, and it finds faces."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bench.known_pictures import KnownPicture, drawn_scenes, hand_boxed
from data.drawn import draw_face
from embedder import load_detector
from embedder.detectors.card import SHIPPED, SHIPPED_DETECTOR, check_files, read_detector_card
from embedder.detectors.trained import TrainedDetector
from measure.detection import Found, average_precision, match_boxes, operating_point

FOLDER = SHIPPED / SHIPPED_DETECTOR
BOXES = Path(__file__).parents[3] / "benchmarks" / "hand_boxes.json"


def found(pictures: list[KnownPicture]) -> Found:
    """What the shipped detector finds at its own threshold."""
    detector = load_detector(SHIPPED_DETECTOR)
    every = [detector.find(one.picture) for one in pictures]
    return match_boxes(
        [np.array([face.box for face in one], np.float64).reshape(-1, 4) for one in every],
        [np.array([face.score for face in one], np.float64) for one in every],
        [one.boxes for one in pictures],
        [one.ignored for one in pictures],
    )


def test_it_is_small_and_whole() -> None:
    card = read_detector_card(FOLDER)
    assert card.name == SHIPPED_DETECTOR and not check_files(card)
    assert card.fields["licence"] == "Apache-2.0" and card.fields["data"] and card.fields["figures"]
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert {"README.md", "detector.json", "model.onnx", "model.safetensors"} == {path.name for path in files}
    assert sum(path.stat().st_size for path in files) < 4_000_000


def test_both_runtimes_see_the_same() -> None:
    torch = pytest.importorskip("torch", reason="training needs torch; install kaodex[train]")
    from safetensors.torch import load_file

    from embedder.detectors.network import FaceNetwork

    card = read_detector_card(FOLDER)
    network = FaceNetwork(card.network["backbone"], card.network["arguments"], channels=card.network["channels"]).eval()
    state = {
        name: value.float() if value.is_floating_point() else value
        for name, value in load_file(card.file("model.safetensors")).items()
    }
    network.load_state_dict(state)
    picture = next(drawn_scenes(1)).picture[:224, :256]
    with torch.inference_mode():
        scores, boxes = (part.numpy() for part in network(torch.from_numpy(picture[None].copy())))
    detector = TrainedDetector(FOLDER)
    again, boxes_again = detector._network(np.ascontiguousarray(picture[None]))
    assert scores.shape == again.shape == (1, 28, 32)
    np.testing.assert_allclose(again, scores, atol=1e-4)
    np.testing.assert_allclose(boxes_again, boxes, rtol=1e-3, atol=1e-2)


def test_it_finds_drawn_faces_that_it_never_learnt_from() -> None:
    told = found(list(drawn_scenes(24)))
    recall, false = operating_point(told)
    assert average_precision(told) > 0.9 and recall > 0.9 and false < 0.5


def test_a_drawn_face_crop_is_taken_whole_and_emptiness_is_empty() -> None:
    auto = load_detector("auto")
    regions = [auto.find(draw_face((1 << 31) + seed, (1 << 31) + seed, seed, 160))[0].region for seed in range(20)]
    assert regions.count("whole") >= 18
    assert load_detector(SHIPPED_DETECTOR).find(np.full((600, 900, 3), 200, np.uint8)) == []


def test_it_finds_the_faces_that_people_boxed(shared_data: Path) -> None:
    told = found([one for one in hand_boxed(BOXES, shared_data) if one.subset == "scenes"])
    assert operating_point(told)[0] == 1.0


def test_no_place_of_the_training_machine_is_in_the_files() -> None:
    for path in FOLDER.iterdir():
        assert not re.search(rb"/(work|home|tmp|root|Users)/", path.read_bytes()), path.name
