"""Checkpoints: everything that a run needs to go on as if it had never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from data.errors import UnusableSource


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and numbers; a crash while writing leaves the previous checkpoint whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.replace(path)


def load_checkpoint(path: Path, digest: str) -> dict[str, Any] | None:
    """The saved state, or None where there is none; raises UnusableSource when it belongs to another recipe."""
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True)  # tensors and numbers only: no code can hide in it
    if state["recipe"] != digest:
        raise UnusableSource(f"{path} was made with other settings or data; give another --out, or delete it")
    return state
