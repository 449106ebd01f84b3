"""Checkpoints: everything that a run needs to go on as if it had never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from data.errors import UnusableSource
from data.whole_file import whole_file

CHECKPOINT = "checkpoint.pt"
BEST = "best.safetensors"


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and numbers; a crash while writing leaves the previous checkpoint whole."""
    with whole_file(path) as unfinished:
        torch.save(state, unfinished)


def load_checkpoint(path: Path, digest: str) -> dict[str, Any] | None:
    """The saved state, or None where there is none; raises UnusableSource when it is damaged or of another recipe."""
    if not path.is_file():
        return None
    try:
        # Tensors and numbers only: no code can hide in it.
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # a damaged archive raises nearly anything
        raise UnusableSource(f"{path} is damaged; delete it to begin anew, or give another --out") from error
    if state["recipe"] != digest:
        raise UnusableSource(f"{path} was made with other settings or data; give another --out, or delete it")
    return state


def save_best(folder: Path, network: torch.nn.Module) -> None:
    """Keep the weights that did best so far."""
    with whole_file(folder / BEST) as unfinished:
        save_file({name: value.contiguous() for name, value in network.state_dict().items()}, unfinished)


def load_best(folder: Path, network: torch.nn.Module) -> None:
    """Put the kept weights into the network."""
    network.load_state_dict(load_file(folder / BEST))
