"""Where a run computes, and how several processes of one run agree."""

from __future__ import annotations

import os

import torch
from accelerate import Accelerator

from data.errors import UnusableSource
from embedder.training.recipe import Recipe


def check_device(device: str) -> None:
    """Raises UnusableSource for what is no device word, or a device that is not there.

    The words are `auto` (a GPU where there is one), `cpu`, `cuda` and `cuda:N`.
    """
    if device not in ("auto", "cpu", "cuda") and not (device.startswith("cuda:") and device[5:].isdecimal()):
        raise UnusableSource(f"there is no device '{device}'; use auto, cpu, cuda or cuda:N")
    if device.startswith("cuda"):
        index = int(device[5:] or 0)
        if index >= torch.cuda.device_count():
            raise UnusableSource(f"PyTorch sees {torch.cuda.device_count()} GPUs, so there is no {device}; use cpu")


def accelerator_for(device: str, recipe: Recipe) -> Accelerator:
    """The accelerator of a device word (see `check_device`).

    Precision is the learner's own affair, so that one process may hold several runs. Raises UnusableSource for a device
    that is not there, or a batch that the processes cannot share evenly.
    """
    check_device(device)
    if device.startswith("cuda"):
        torch.cuda.set_device(int(device[5:] or 0))
    accelerator = Accelerator(cpu=device == "cpu")
    each = accelerator.num_processes * recipe.accumulate
    if recipe.batch % each:
        raise UnusableSource(
            f"a batch of {recipe.batch} cannot be shared by {accelerator.num_processes} processes in "
            f"{recipe.accumulate} parts each; give a multiple of {each}"
        )
    return accelerator


def agree(accelerator: Accelerator, stop: bool, seconds: float) -> tuple[bool, float]:
    """Whether any process was asked to stop, and the main process's clock: what all of them go by."""
    if accelerator.num_processes == 1:
        return stop, seconds
    told = torch.tensor([float(stop), seconds if accelerator.is_main_process else 0.0], dtype=torch.float64)
    found = accelerator.reduce(told.to(accelerator.device), "sum").tolist()
    return found[0] > 0, found[1]


def is_main() -> bool:
    """Whether this process is the one that writes and prints, before any accelerator is there to ask."""
    return os.environ.get("RANK", "0") == "0"
