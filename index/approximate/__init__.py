"""Beyond the exact range: an approximate index beside a gallery file, with its measured recall."""

from index.approximate.choice import EXACT_UP_TO, LEAST_RECALL, SEARCHES, exact_range, proper_search
from index.approximate.files import index_files
from index.approximate.keeper import IndexKeeper, build_now, described

__all__ = [
    "EXACT_UP_TO",
    "LEAST_RECALL",
    "SEARCHES",
    "IndexKeeper",
    "build_now",
    "described",
    "exact_range",
    "index_files",
    "proper_search",
]
