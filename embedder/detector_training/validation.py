"""How well a network finds faces that it has not learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8

from embedder.detector_training.backdrops import on_white
from embedder.detector_training.box_files import Boxes
from embedder.detector_training.collage import compose
from embedder.detector_training.sprites import Cast, Sprite
from embedder.detectors import SMALLEST_FACE
from embedder.detectors.network import FaceNetwork
from embedder.detectors.search import GREY, search
from embedder.detectors.suppression import suppress
from measure.detection import Found, average_precision, match_boxes, recall_at_false_boxes

FACES = (14, 160)
"""Longer sides in pixels of the faces that a network of ours sees: what `collage` composes, less a margin."""

LEAST = 0.05
"""Scores below it are no boxes when networks are measured."""

ENLARGED = np.float32(2.5)

FALSE_BOXES = 0.1
"""Per picture, at which recall is told."""


class Truth(NamedTuple):
    """A picture, its faces, and its places to be ignored."""

    picture: UInt8[np.ndarray, "height width 3"]
    boxes: Boxes
    ignore: Boxes


def dev_pictures(cast: Cast, most: int = 200) -> list[Truth]:
    """Pictures with faces on a grey border, evenly from all collections; each as it is, and enlarged as in a scan."""
    each = max(1, most // len(cast.faces))
    chosen = []
    for collection in cast.faces:
        stride = max(1, len(collection) // each)
        for sprite in collection[::stride][:each]:
            truth = _with_border(sprite)
            chosen += [truth, _enlarged(truth)]
    return chosen


def dev_scenes(cast: Cast, count: int, size: int = 512) -> list[Truth]:
    """Composed scenes, the same ones each time."""
    scenes = [compose(cast, size, np.random.default_rng([7, number])) for number in range(count)]
    return [Truth(scene.view, *scene.truth(SMALLEST_FACE)) for scene in scenes]


def measure_network(network: FaceNetwork, truths: Sequence[Truth]) -> dict[str, float]:
    """Average precision at IoU 0.5, and recall at one false box per ten pictures."""
    matched = match(network, truths)
    return {"ap": average_precision(matched), "recall": recall_at_false_boxes(matched, FALSE_BOXES)}


def match(network: FaceNetwork, truths: Sequence[Truth]) -> Found:
    """What the network finds in pictures, matched to their faces."""
    found = [find(network, picture, LEAST) for picture, _, _ in truths]
    return match_boxes(
        [boxes for boxes, _ in found],
        [scores for _, scores in found],
        [boxes.astype(np.float64) for _, boxes, _ in truths],
        [ignore.astype(np.float64) for _, _, ignore in truths],
    )


def find(
    network: FaceNetwork, picture: UInt8[np.ndarray, "height width 3"], threshold: float
) -> tuple[Float[np.ndarray, "faces 4"], Float[np.ndarray, " faces"]]:
    """Boxes and scores as the finished detector gives them, by the network in PyTorch."""
    device = next(network.parameters()).device

    @torch.inference_mode()
    def run(
        pictures: UInt8[np.ndarray, "tiles height width 3"],
    ) -> tuple[Float32[np.ndarray, "tiles rows columns"], Float32[np.ndarray, "tiles rows columns 4"]]:
        scores, boxes = network.eval()(torch.from_numpy(pictures).to(device))
        return scores.cpu().numpy(), boxes.cpu().numpy()

    boxes, scores = search(picture, run, faces=FACES, threshold=threshold)
    kept = suppress(boxes, scores)
    return boxes[kept], scores[kept]


def _enlarged(truth: Truth) -> Truth:
    picture = cv2.resize(truth.picture, None, fx=float(ENLARGED), fy=float(ENLARGED), interpolation=cv2.INTER_CUBIC)
    return Truth(np.asarray(picture, np.uint8), truth.boxes * ENLARGED, truth.ignore * ENLARGED)


def _with_border(sprite: Sprite) -> Truth:
    plain = on_white(sprite.picture)
    border = round(0.1 * max(plain.shape[:2]))
    framed = cv2.copyMakeBorder(plain, border, border, border, border, cv2.BORDER_CONSTANT, value=(GREY, GREY, GREY))
    return Truth(np.asarray(framed, np.uint8), sprite.boxes + border, sprite.ignore + border)
