"""Detectors of others: YOLOv8-style networks in ONNX files, as the Ultralytics exporter writes them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from data.errors import UnusableEncoder
from embedder.detectors.detection import Detection
from embedder.detectors.found import as_faces
from embedder.onnx_file import external_files
from embedder.preprocess import stretch
from embedder.runtime import open_session

CONFIDENCE = 0.25
"""The class score from which a box counts; that which these networks are usually run with."""

SIDE = 640
"""Pixels: the input's height and width where neither the graph nor its metadata tells them."""

_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class Yolo:
    """A YOLOv8-style ONNX file that the user brings; raises UnusableEncoder where it is not such a file.

    Its input is (1, 3, height, width), RGB in 0..1, the whole picture stretched to the size that the graph or its
    `imgsz` metadata tells. Its output is (1, 4 + classes, boxes): centre x, centre y, width, height in pixels of the
    input, then a score for each class. Where the `names` metadata calls classes faces, only these count.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self.name = f"onnx:{path}"
        if not self.path.is_file():
            raise UnusableEncoder(f"no ONNX file at {self.path}; give the path of a YOLOv8-style face detector (.onnx)")
        external_files(self.path)  # refuses a model that reads weights from elsewhere
        self._session: Any = open_session(self.path, spinning=False)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or inputs[0].type not in _FLOATS or len(inputs[0].shape) != 4:
            raise self._other(f"takes {', '.join(f'{one.name} {one.type} {one.shape}' for one in inputs)}")
        self._input, self._output = inputs[0].name, outputs[0].name
        self._float = _FLOATS[inputs[0].type]
        told = self._session.get_modelmeta().custom_metadata_map
        names = self._literal(told, "names")
        self._height, self._width = self._size(inputs[0].shape, self._literal(told, "imgsz"))
        self._classes = None if names is None else _classes(names)
        self._rows = None if names is None else 4 + len(names)
        self._run(np.full((self._height, self._width, 3), 128, np.uint8))

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Faces of at least 20 pixels, the surest first, each with its class score."""
        height, width = picture.shape[:2]
        table = self._run(stretch(picture, self._height, self._width))
        scores = table[4:] if self._classes is None else table[4:][self._classes]
        best = scores.max(axis=0)
        sure = best >= CONFIDENCE
        centre, half = table[:2, sure].T, table[2:4, sure].T / 2
        scale = np.array([width / self._width, height / self._height] * 2)
        return as_faces(np.concatenate([centre - half, centre + half], axis=1) * scale, best[sure], (width, height))

    def _run(self, picture: UInt8[np.ndarray, "height width 3"]) -> Float32[np.ndarray, "rows boxes"]:
        pixels = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], self._float) / self._float(255)
        try:
            found = self._session.run([self._output], {self._input: pixels})[0]
        except Exception as error:  # onnxruntime's own errors share no base class
            raise UnusableEncoder(f"{self.path} fails on a picture of {pixels.shape}: {error}") from error
        shape = found.shape
        if len(shape) != 3 or shape[0] != 1 or shape[1] != (self._rows or max(5, min(shape[1:]))):
            raise self._other(f"gives {self._output} of the shape {shape}")
        table: np.ndarray = found[0].astype(np.float32, copy=False)
        if not np.isfinite(table).all():
            raise UnusableEncoder(f"{self.path} gives numbers that are not finite: export it again")
        return table

    def _size(self, shape: list[int | str], told: Any) -> tuple[int, int]:
        """(height, width) in pixels: of the graph where it is fixed, else of `imgsz`."""
        sides = [told, told] if isinstance(told, int) else [SIDE, SIDE] if told is None else list(told)
        if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
            raise UnusableEncoder(f"{self.path} tells its imgsz as {told!r}, not as [height, width]: export it again")
        height, width = (
            side if isinstance(side, int) and side > 0 else other for side, other in zip(shape[2:], sides, strict=True)
        )
        return height, width

    def _literal(self, told: dict[str, str], key: str) -> Any:
        """A value of the metadata, which holds Python literals as text; None where there is none."""
        try:
            return ast.literal_eval(told[key]) if key in told else None
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise UnusableEncoder(f"the metadata '{key}' of {self.path} is no Python literal: {error}") from error

    def _other(self, what: str) -> UnusableEncoder:
        rows = f"{self._rows}" if getattr(self, "_rows", None) else "4 + classes"
        return UnusableEncoder(
            f"{self.path} {what}; a YOLOv8-style detector takes float pictures (1, 3, height, width) and gives "
            f"(1, {rows}, boxes): export it for detection, in the format onnx with nms=False"
        )

    def __repr__(self) -> str:
        return f"Yolo({str(self.path)!r})"


def _classes(names: Any) -> list[int]:
    """The rows of the classes that are faces: those with `face` in their name, or all where none has it."""
    named = list(names.values() if isinstance(names, dict) else names)
    faces = [number for number, name in enumerate(named) if "face" in str(name).lower()]
    return faces or list(range(len(named)))
