"""Stopping a run: a step under way is always finished, and the checkpoint is written first."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Interrupted(Exception):
    """The run was asked to stop; its checkpoint lies in the folder, and the same command continues it."""


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """While inside, SIGTERM and Ctrl-C are noted instead of obeyed at once: a step is always finished."""
    asked: list[int] = []
    before = {}
    for one in (signal.SIGTERM, signal.SIGINT):
        try:
            before[one] = signal.signal(one, lambda number, frame: asked.append(number))
        except ValueError:  # only the main thread may set handlers; elsewhere nobody can ask
            continue
    try:
        yield lambda: bool(asked)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
