"""Matrix products through ONNX Runtime, piece by piece: the fastest route for several queries without PyTorch.

Converting the stored float16 numbers, multiplying, and choosing the nearest of each piece are one graph
(`product.onnx`; see `product_graph`), so that a piece stays in the processor's cache on its way.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Float16, Float32, Int64

from data.errors import MissingDependency
from index.search.product_graph import FILE

PIECE = 8_192
"""Vectors at a time: 256 queries against them make 8 MB of products; more were no faster."""

_KEPT = 1 << 22


def nearest_by_product(
    vectors: Float16[np.ndarray, "vectors dim"],
    queries: Float32[np.ndarray, "queries dim"],
    k: int,
    removed: Bool[np.ndarray, " vectors"] | None,
) -> tuple[Float32[np.ndarray, "queries found"], Int64[np.ndarray, "queries found"]]:
    """The k nearest positions of each query, best first, by similarities summed in float32; past the last: -inf, -1.

    Raises MissingDependency without ONNX Runtime.
    """
    session = _session()
    near: list[np.ndarray] = []
    where: list[np.ndarray] = []
    held = 0
    zeros = np.zeros((1, min(PIECE, len(vectors))), np.float32)
    for start in range(0, len(vectors), PIECE):
        piece = vectors[start : start + PIECE]
        bias = zeros[:, : len(piece)]
        if removed is not None and (out := removed[start : start + PIECE]).any():
            bias = np.where(out, np.float32(-np.inf), np.float32(0))[None]
        found = min(k, len(piece))
        similarities, positions = session.run(
            None, {"vectors": piece, "queries": queries, "bias": bias, "k": np.array([found], np.int64)}
        )
        near.append(similarities)
        where.append(np.add(positions, start, dtype=np.int64))
        held += similarities.size
        if held > _KEPT:
            best = _best(np.concatenate(near, axis=1), np.concatenate(where, axis=1), k)
            near, where, held = [best[0]], [best[1]], best[0].size
    return _best(np.concatenate(near, axis=1), np.concatenate(where, axis=1), k)


def _best(
    near: Float32[np.ndarray, "queries some"], where: Int64[np.ndarray, "queries some"], k: int
) -> tuple[Float32[np.ndarray, "queries found"], Int64[np.ndarray, "queries found"]]:
    """The best k of several pieces' best, in order."""
    if near.shape[1] > k:
        chosen = np.argpartition(-near, k - 1, axis=1)[:, :k]
        near, where = np.take_along_axis(near, chosen, 1), np.take_along_axis(where, chosen, 1)
    order = np.argsort(-near, axis=1, kind="stable")
    near, where = np.take_along_axis(near, order, 1), np.take_along_axis(where, order, 1)
    return near, np.where(np.isneginf(near), -1, where)


def all_similarities(
    vectors: Float16[np.ndarray, "vectors dim"],
    query: Float32[np.ndarray, " dim"],
    removed: Bool[np.ndarray, " vectors"] | None,
) -> Float32[np.ndarray, " vectors"]:
    """One query's similarity to every vector, summed in float32; -inf to removed ones."""
    similarities = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), PIECE):
        similarities[start : start + PIECE] = vectors[start : start + PIECE].astype(np.float32) @ query
    if removed is not None:
        similarities[removed] = -np.inf
    return similarities


@cache
def _session() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependency('ONNX Runtime is missing: pip install "kaodex[cpu]" (or "kaodex[gpu]")') from error
    return onnxruntime.InferenceSession(FILE.read_bytes(), providers=["CPUExecutionProvider"])
