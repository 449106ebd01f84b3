"""Which exact route is the fastest, by the size of the gallery and the number of queries."""

from __future__ import annotations

from enum import StrEnum


class Route(StrEnum):
    """A way to the nearest vectors; all give the same answer."""

    SCAN = "scan"
    """FAISS reads every vector once for each query."""
    PRODUCT = "product"
    """A float32 matrix product in ONNX Runtime."""
    PROPOSAL = "proposal"
    """A bfloat16 matrix product in PyTorch, ranked again on the stored numbers."""


FEW_QUERIES = 3
"""Up to here the scan wins: it reads memory as fast as a product does, and converts less."""

MANY_QUERIES = 48
MANY_VECTORS = 50_000
"""From here on the proposal wins where it can run; below, its passes over the products cost more than they save."""


def fastest_route(vectors: int, queries: int, *, can_propose: bool) -> Route:
    """The route for so many queries over so many vectors.

    Measured by `benchmarks/search.py --routes`, see docs/benchmarks.md. Milliseconds for 1,000,000 x 256, k 10, on two
    cores with AMX: one query 42 by scan and 54 by product; 8 queries 174 and 66; 256 queries 478 by product and 170 by
    proposal, where FAISS's IndexFlatIP takes over 6,000.

    >>> fastest_route(1_000_000, 1, can_propose=True).value, fastest_route(1_000_000, 32, can_propose=True).value
    ('scan', 'product')
    """
    if queries <= FEW_QUERIES:
        return Route.SCAN
    if can_propose and queries >= MANY_QUERIES and vectors >= MANY_VECTORS:
        return Route.PROPOSAL
    return Route.PRODUCT
