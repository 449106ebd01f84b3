"""A detector folder whose network, written out by hand, sees red squares of 32 pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from embedder.card_file import sha256


def write_detector(folder: Path, *, network: dict[str, Any] | None = None, **fields: Any) -> Path:
    """A whole detector folder; `network` goes to `write_network`, `fields` take the place of those on the card."""
    folder.mkdir(parents=True, exist_ok=True)
    write_network(folder / "model.onnx", **(network or {}))
    (folder / "model.safetensors").write_bytes(b"weights")
    card: dict[str, Any] = {
        "format": 1,
        "name": "red-squares",
        "licence": "MIT",
        "threshold": 0.8,
        "stride": 8,
        "faces": [8, 128],
        "network": {},
        "files": {name: sha256(folder / name) for name in ("model.onnx", "model.safetensors")},
    }
    told = {name: value for name, value in (card | fields).items() if value is not None}
    (folder / "detector.json").write_text(json.dumps(told))
    return folder


def write_network(path: Path, *, outputs: tuple[str, str] = ("scores", "boxes"), cell: int = 8) -> Path:
    """Scores: the redness of the 32 x 32 pixels around a cell, less that of the frame of 16 pixels around them."""
    scores, boxes = outputs
    constants = {
        "red": np.array([1, -0.5, -0.5], np.float32)[:, None, None] / 255,
        "three": np.float32(3),
        "four": np.float32(4),
        "cell": np.float32(cell),
        "half": np.float32(cell / 2),
        "side": np.float32(16),
        "channel": np.array([1]),
        "last": np.array([-1]),
        "down": np.array(1),
        "across": np.array(2),
        "no": np.float32(0),
        "yes": np.float32(1),
    }

    def mean(name: str, side: int) -> Any:
        pads = [(side - cell) // 2] * 4
        return helper.make_node(
            "AveragePool",
            ["redness"],
            [name],
            kernel_shape=[side, side],
            strides=[cell, cell],
            pads=pads,
            count_include_pad=1,
        )

    node = helper.make_node
    nodes = [
        node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        node("Transpose", ["floats"], ["first"], perm=[0, 3, 1, 2]),
        node("Mul", ["first", "red"], ["weighed"]),
        node("ReduceSum", ["weighed", "channel"], ["redness"], keepdims=1),
        mean("inner", 32),
        mean("outer", 64),
        node("Mul", ["inner", "four"], ["inner4"]),
        node("Mul", ["outer", "four"], ["outer4"]),
        node("Sub", ["outer4", "inner"], ["frame3"]),  # the frame has three times the pixels of what it surrounds
        node("Div", ["frame3", "three"], ["frame"]),
        node("Sub", ["inner", "frame"], ["contrast"]),
        node("Clip", ["contrast", "no", "yes"], ["clipped"]),
        node("Squeeze", ["clipped", "channel"], [scores]),
        node("Mul", [scores, "no"], ["zeros"]),
        node("Add", ["zeros", "yes"], ["ones"]),
        node("CumSum", ["ones", "across"], ["columns"]),
        node("CumSum", ["ones", "down"], ["rows"]),
    ]
    for axis, name in (("columns", "x"), ("rows", "y")):
        nodes += [
            node("Mul", [axis, "cell"], [f"{name}end"]),
            node("Sub", [f"{name}end", "half"], [f"{name}centre"]),
            node("Sub", [f"{name}centre", "side"], [f"{name}0flat"]),
            node("Add", [f"{name}centre", "side"], [f"{name}1flat"]),
            node("Unsqueeze", [f"{name}0flat", "last"], [f"{name}0"]),
            node("Unsqueeze", [f"{name}1flat", "last"], [f"{name}1"]),
        ]
    nodes.append(node("Concat", ["x0", "y0", "x1", "y1"], [boxes], axis=-1))
    graph = helper.make_graph(
        nodes,
        "red squares",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", "h", "w", 3])],
        [
            helper.make_tensor_value_info(scores, TensorProto.FLOAT, ["n", "rows", "columns"]),
            helper.make_tensor_value_info(boxes, TensorProto.FLOAT, ["n", "rows", "columns", 4]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    save(model, str(path))
    return path
