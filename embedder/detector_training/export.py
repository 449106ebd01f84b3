"""Writing a detector folder: weights rounded to float16 once, and the same rounded weights in both files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from embedder.card_file import sha256
from embedder.detectors.card import CARD, FORMAT, ONNX, WEIGHTS
from embedder.detectors.network import STRIDE, FaceNetwork
from embedder.export import save_rounded, write_onnx


def export_detector(
    network: FaceNetwork,
    folder: Path,
    *,
    name: str,
    threshold: float,
    faces: tuple[int, int],
    story: Mapping[str, Any],
) -> None:
    """Write `model.safetensors`, `model.onnx` and `detector.json`; the network keeps the rounded weights.

    story: what the card tells besides (licence, data, figures, limits).
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_rounded(network, folder / WEIGHTS)
    some = torch.export.Dim.DYNAMIC
    write_onnx(
        network,
        folder / ONNX,
        torch.zeros(2, 96, 128, 3, dtype=torch.uint8),
        taken="images",
        given=["scores", "boxes"],
        dynamic={0: some, 1: some, 2: some},
    )
    card = {
        "format": FORMAT,
        "name": name,
        "threshold": round(threshold, 3),
        "stride": STRIDE,
        "faces": list(faces),
        "network": network.description,
        **story,
        "files": {file: sha256(folder / file) for file in (WEIGHTS, ONNX)},
    }
    (folder / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
