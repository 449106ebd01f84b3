"""A trained detector: a network in a folder with its card, run in ONNX Runtime over pictures of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from data.errors import UnusableEncoder
from embedder.detectors.card import ONNX, DetectorCard, read_detector_card
from embedder.detectors.detection import Detection
from embedder.detectors.found import as_faces
from embedder.detectors.search import search
from embedder.runtime import open_session

INPUT, OUTPUTS = "images", ("scores", "boxes")
_TRIED = (64, 96)


class TrainedDetector:
    """Faces by a detector folder; raises UnusableEncoder where it is damaged or not what its card says.

    `find` may be called from several threads at once.
    """

    def __init__(self, folder: str | Path) -> None:
        self.card = read_detector_card(Path(folder))
        self.name = self.card.name
        self._network = _OnnxNetwork(self.card)

    def find(self, picture: UInt8[np.ndarray, "height width 3"]) -> list[Detection]:
        """Faces from 20 pixels to the whole picture, the surest first, each with the network's score."""
        boxes, scores = search(picture, self._network, faces=self.card.faces, threshold=self.card.threshold)
        return as_faces(boxes, scores, (picture.shape[1], picture.shape[0]))

    def __repr__(self) -> str:
        return f"TrainedDetector({self.name!r})"


class _OnnxNetwork:
    def __init__(self, card: DetectorCard) -> None:
        path = card.file(ONNX)
        self._session: Any = open_session(path, spinning=False)
        taken = [one.name for one in self._session.get_inputs()]
        given = {one.name for one in self._session.get_outputs()}
        if taken != [INPUT] or not given.issuperset(OUTPUTS):
            raise UnusableEncoder(
                f"{path} takes {', '.join(taken)} and gives {', '.join(sorted(given))}; a detector takes {INPUT} and "
                f"gives {' and '.join(OUTPUTS)}: export it again"
            )
        height, width = _TRIED
        cells = (1, height // card.stride, width // card.stride)
        try:
            scores, boxes = self(np.zeros((1, height, width, 3), np.uint8))
        except Exception as error:  # onnxruntime's own errors share no base class
            raise UnusableEncoder(f"{path} fails on a picture of {width} x {height} pixels: {error}") from error
        if scores.shape != cells or boxes.shape != (*cells, 4):
            raise UnusableEncoder(
                f"{path} gives scores {scores.shape} and boxes {boxes.shape} for {width} x {height} pixels; by the "
                f"stride on its card they are {cells} and {(*cells, 4)}: export it again"
            )

    def __call__(
        self, pictures: UInt8[np.ndarray, "tiles height width 3"]
    ) -> tuple[Float32[np.ndarray, "tiles _ _"], Float32[np.ndarray, "tiles _ _ 4"]]:
        scores, boxes = self._session.run(list(OUTPUTS), {INPUT: pictures})
        return scores, boxes
