"""FAISS, imported where it is needed."""

from __future__ import annotations

from types import ModuleType

from data.errors import MissingDependency


def faiss_library() -> ModuleType:
    """The FAISS module. Raises MissingDependency, which names both packages that bring it."""
    try:
        import faiss
    except ImportError as error:
        raise MissingDependency(
            'FAISS is missing: pip install "kaodex[cpu]", or "kaodex[gpu]" on a machine with an NVIDIA GPU '
            "(one of the two: they overwrite each other)"
        ) from error
    return faiss


def count_gpus() -> int:
    """How many GPUs FAISS can search on. Raises MissingDependency without FAISS."""
    return int(getattr(faiss_library(), "get_num_gpus", lambda: 0)())
