"""Batches made ahead of time, so that preparing them overlaps with learning: in a thread, or in processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from embedder.training.batches import Batch, Batches

AHEAD = 4
"""Batches that each worker process prepares before they are asked for."""

Tasks = Iterator[tuple[int, int]]
"""The steps to come, each with the pixels of a side; asked for one by one, and without an end."""


@contextmanager
def supply(batches: Batches, tasks: Tasks, workers: int, *, pin: bool = False) -> Iterator[Iterator[Batch]]:
    """Yield the batches of the tasks, in order, as tensors.

    workers: processes; 0 for one thread, which is best on few cores because nothing is copied between processes.
    pin: put them where a GPU fetches them faster.
    """
    if not workers:
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
            yield _in_a_thread(batches, tasks, pool)
        return
    loader: DataLoader[Any] = DataLoader(
        _ByTask(batches),
        batch_size=None,
        sampler=tasks,
        num_workers=workers,
        prefetch_factor=AHEAD,
        pin_memory=pin,
        worker_init_fn=_begin_worker,
    )
    yield iter(loader)


def _in_a_thread(batches: Batches, tasks: Tasks, pool: ThreadPoolExecutor) -> Iterator[Batch]:
    coming = pool.submit(batches.at, *next(tasks))
    while True:
        batch = coming.result()
        coming = pool.submit(batches.at, *next(tasks))
        yield Batch(*(torch.from_numpy(one) for one in batch))  # type: ignore[arg-type]


class _ByTask(Dataset[Batch]):
    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __getitem__(self, task: tuple[int, int]) -> Batch:
        return self._batches.at(*task)


def _begin_worker(number: int) -> None:
    # Ctrl-C reaches every process of a terminal; only the run itself decides when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cv2.setNumThreads(0)
