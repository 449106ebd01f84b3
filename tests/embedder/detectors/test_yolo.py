"""YOLOv8-style networks of others, by one whose answer is its input: the mean colours of the four quarters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import UnusableEncoder
from embedder import Detection, load_detector

pytest.importorskip("onnx", reason="making a network needs onnx")
from onnx import TensorProto, helper, numpy_helper, save

HEIGHT, WIDTH = 64, 96
NAMES = "{0: 'Face', 1: 'hat', 2: 'hand'}"


def write(
    path: Path,
    *,
    shape: tuple = (1, 3, "h", "w"),
    kind: int = TensorProto.FLOAT,
    boxes: np.ndarray | None = None,
    **told: str,
) -> Path:
    """Output (1, 7, 4): four boxes, a quarter of 64 x 96 pixels each, with the quarter's mean red, green and blue."""
    quarters = [(x, y, WIDTH / 2, HEIGHT / 2) for y in (16, 48) for x in (24, 72)]
    places = np.array(quarters, np.float32).T[None] if boxes is None else boxes
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
            node("AveragePool", ["floats"], ["pooled"], kernel_shape=[32, 48], strides=[32, 48]),
            node("Reshape", ["pooled", "flat"], ["scores"]),
            node("Concat", ["places", "scores"], ["output0"], axis=1),
        ],
        "quarters",
        [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(places, "places"), numpy_helper.from_array(np.array([1, 3, 4]), "flat")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    helper.set_model_props(model, {"imgsz": f"[{HEIGHT}, {WIDTH}]", "names": NAMES} | told)
    save(model, str(path))
    return path


def picture(*colours: tuple[int, int, int]) -> np.ndarray:
    """200 x 600 pixels, its quarters in these colours."""
    return np.array(colours, np.uint8).reshape(2, 2, 3).repeat(100, axis=0).repeat(300, axis=1)


RED, GREEN, DARK, GREY = (255, 0, 0), (0, 255, 0), (60, 0, 0), (128, 128, 128)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16])
@pytest.mark.parametrize("shape", [(1, 3, "h", "w"), (1, 3, HEIGHT, WIDTH), ("n", 3, "h", "w")])
def test_faces_in_pixels_of_the_picture(tmp_path: Path, kind: int, shape: tuple) -> None:
    path = write(tmp_path / "net.onnx", kind=kind, shape=shape)
    detector = load_detector(f"onnx:{path}")
    assert detector.name == f"onnx:{path}"
    found = detector.find(picture(GREEN, RED, GREY, DARK))
    assert [(one.box, one.region) for one in found] == [((300, 0, 600, 100), "face"), ((0, 100, 300, 200), "face")]
    assert [one.score for one in found] == pytest.approx([1.0, 128 / 255], abs=0.01)


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (NAMES, 1),
        ("['hat', 'face', 'hand']", 1),
        ("{0: 'head', 1: 'body', 2: 'hand'}", 2),
        ("{0: 'face_a', 1: 'face_b', 2: 'c'}", 2),
    ],
)
def test_where_names_tell_faces_only_they_count(tmp_path: Path, names: str, count: int) -> None:
    detector = load_detector(f"onnx:{write(tmp_path / 'net.onnx', names=names)}")
    assert len(detector.find(picture(RED, (0, 0, 0), GREEN, (0, 0, 0)))) == count


def test_overlapping_boxes_are_one_face_and_end_at_the_border(tmp_path: Path) -> None:
    places = np.array([[20, 20, 40, 60], [22, 20, 40, 60], [90, 32, 40, 64], [50, 50, 2, 2]], np.float32).T[None]
    detector = load_detector(f"onnx:{write(tmp_path / 'net.onnx', boxes=places)}")
    found = detector.find(np.full((HEIGHT, WIDTH, 3), 255, np.uint8))
    assert [one.box for one in found] == [(0, 0, 40, 50), (70, 0, 96, 64)]
    assert found[0] == Detection((0, 0, 40, 50), 1.0, "face")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"names": "{0: 'face'}"}, r"gives output0 of the shape \(1, 7, 4\).*\(1, 5, boxes\).*nms=False"),
        ({"names": "__import__('os').getcwd()"}, "'names' of .* is no Python literal"),
        ({"imgsz": "[64]"}, "as .height, width."),
        ({"imgsz": "'large'"}, "as .height, width."),
        ({"kind": TensorProto.UINT8}, r"takes images tensor\(uint8\)"),
        ({"imgsz": "[16, 16]"}, "fails on a picture of"),
        ({"boxes": np.full((1, 4, 4), np.nan, np.float32)}, "not finite"),
    ],
)
def test_another_graph_is_refused_in_words(tmp_path: Path, made: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "net.onnx", **made)
    with pytest.raises(UnusableEncoder, match=message):
        load_detector(f"onnx:{path}")


def test_no_file_and_no_graph(tmp_path: Path) -> None:
    with pytest.raises(UnusableEncoder, match="no ONNX file at"):
        load_detector(f"onnx:{tmp_path / 'none.onnx'}")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(UnusableEncoder, match="not an ONNX model"):
        load_detector(f"onnx:{tmp_path / 'text.onnx'}")
