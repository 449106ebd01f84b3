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


SCANNED = ((3_000, 16), (300_000, 4))
"""Up to so many vectors, the most queries that are scanned; one reads memory, and a product has to convert it too."""

SCANNED_BEYOND = 2

PROPOSED = (50_000, 48)
"""So many vectors and queries at least make a proposal worth its second look."""


def fastest_route(vectors: int, queries: int, *, can_propose: bool) -> Route:
    """The route for so many queries over so many vectors.

    From the table that `benchmarks/search.py --routes` makes, in docs/benchmarks.md.

    >>> fastest_route(1_000_000, 1, can_propose=True).value, fastest_route(1_000_000, 32, can_propose=True).value
    ('scan', 'product')
    """
    scanned = next((most for size, most in SCANNED if vectors <= size), SCANNED_BEYOND)
    if queries <= scanned:
        return Route.SCAN
    if can_propose and vectors >= PROPOSED[0] and queries >= PROPOSED[1]:
        return Route.PROPOSAL
    return Route.PRODUCT
