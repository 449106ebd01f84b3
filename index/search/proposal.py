"""Matrix products in bfloat16 through PyTorch: the fastest route for many queries, on processors that have them.

bfloat16 keeps 8 bits, so the products only propose: all that lie within twice their rounding bound of the k-th best are
candidates, and `candidates.rank` orders these by the stored numbers.
"""

from __future__ import annotations

import sys

import numpy as np
from jaxtyping import Bool, Float16, Float32, Float64

from index.search.candidates import Candidates, float32_bound

PIECE = 16_384
CHUNK = 64
"""Of each chunk of vectors first only the largest product is looked at."""

ROUNDING = 2.0**-8
"""u of bfloat16: |rounded(x) - x| <= u |x|, for 8 significant bits."""


def can_propose() -> bool:
    """Whether the processor multiplies bfloat16, and PyTorch is in use already (not worth importing for a search)."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.backends.mkldnn.is_available():
        return False
    asks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, ask, lambda: False)() for ask in asks)


def propose_candidates(
    vectors: Float16[np.ndarray, "vectors dim"],
    queries: Float32[np.ndarray, "queries dim"],
    k: int,
    removed: Bool[np.ndarray, " vectors"] | None,
) -> Candidates:
    """All positions that can be among the k nearest of each query.

    A running lower bound of each query's k-th best product (the k-th best of the chunks' largest) leaves few chunks to
    look into. Vectors must not be longer than 1.01.
    """
    import torch

    room = 2 * rounding_bound(queries)
    rounded = torch.from_numpy(queries).bfloat16().T.contiguous()
    allowed = torch.from_numpy(room.astype(np.float32))
    least = torch.full((len(queries),), -torch.inf)
    largest: list[torch.Tensor] = []
    kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    wide = torch.zeros(PIECE, vectors.shape[1])
    narrow = torch.zeros(PIECE, vectors.shape[1], dtype=torch.bfloat16)
    for number, start in enumerate(range(0, len(vectors), PIECE)):
        piece = vectors[start : start + PIECE]
        padded = -(-len(piece) // CHUNK) * CHUNK
        wide[: len(piece)].copy_(_tensor(piece))
        narrow[:padded].copy_(wide[:padded])
        products = narrow[:padded] @ rounded
        products[len(piece) :] = -torch.inf
        if removed is not None:
            products[torch.from_numpy(np.flatnonzero(removed[start : start + PIECE]))] = -torch.inf
        chunks = products.view(padded // CHUNK, CHUNK, len(queries))
        tops = chunks.amax(dim=1)
        largest.append(tops)
        if number & (number + 1) == 0:  # after 1, 2, 4, 8 … pieces: more often costs more than it leaves out
            together = torch.cat(largest).float()
            if len(together) >= k:
                least = together.topk(k, dim=0).values[k - 1]
        below = least - allowed
        chunk, query = (tops >= below).nonzero(as_tuple=True)
        inside = chunks[chunk, :, query].float()
        pair, place = (inside >= below[query, None]).nonzero(as_tuple=True)
        kept.append(
            (
                query[pair].numpy(),
                (start + chunk[pair] * CHUNK + place).numpy(),
                inside[pair, place].numpy(),
            )
        )
    rows, positions, near = (np.concatenate(of) for of in zip(*kept, strict=True))
    finite = ~np.isneginf(near)
    rows, positions, near = rows[finite], positions[finite], near[finite]
    best = _kth_best(rows, near, len(queries), k)
    chosen = near >= best[rows] - room[rows]
    return Candidates(rows[chosen], positions[chosen])


def rounding_bound(queries: Float32[np.ndarray, "queries dim"]) -> Float64[np.ndarray, " queries"]:
    """How wrong a product with a vector r, |r| <= 1.01, is at most, for each query q.

    With q' and r' rounded to bfloat16, |q'r' - qr| <= |q' - q| |r| + |q'| |r' - r| <= (|q' - q| + u |q'|) |r|
    (Cauchy and Schwarz); summing in float32 and rounding the sum to bfloat16 adds at most u |q'| |r'| and float32's own
    bound.
    """
    import torch

    rounded = torch.from_numpy(queries).bfloat16().float().numpy().astype(np.float64)
    length = np.linalg.norm(rounded, axis=1)
    off = np.linalg.norm(rounded - queries, axis=1)
    longest = 1.01
    summing = float32_bound(queries.shape[1])
    return (off + ROUNDING * length) * longest + (ROUNDING + summing) * (1 + ROUNDING) * length * longest


def _tensor(piece: Float16[np.ndarray, "some dim"]):
    import torch

    if piece.flags.writeable:
        return torch.from_numpy(piece)
    return torch.frombuffer(bytearray(piece.tobytes()), dtype=torch.float16).view(piece.shape)


def _kth_best(rows: np.ndarray, near: np.ndarray, count: int, k: int) -> Float64[np.ndarray, " queries"]:
    """Of each row the k-th largest of its values; -inf where it has fewer."""
    order = np.lexsort((-near, rows))
    counts = np.bincount(rows, minlength=count)
    starts = np.cumsum(counts) - counts
    best = np.full(count, -np.inf)
    enough = counts >= k
    best[enough] = near[order][starts[enough] + k - 1]
    return best
