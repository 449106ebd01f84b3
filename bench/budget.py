"""Work that is given up after so many seconds: in a process of its own, since a fit cannot be interrupted."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any


class OverBudget(Exception):
    """The work was given up, or its process died, as it does for want of memory."""


def within(seconds: float, work: Callable[..., Any], *arguments: Any) -> Any:
    """`work(*arguments)` in a new process; raises `OverBudget` where it does not end in time, or its process dies.

    What goes in and comes out must be of this program's own making: processes hand it over pickled. An exception of
    the work is raised here.
    """
    context = get_context("spawn")  # a fork would inherit locks that other threads of this process hold
    ours, theirs = context.Pipe(duplex=False)
    # A daemon would take all its forests and folds on one core: joblib starts no workers from one.
    process = context.Process(target=_run, args=(theirs, work, arguments), daemon=False)
    process.start()
    theirs.close()
    try:
        if not ours.poll(seconds):
            raise OverBudget(f"given up after {seconds:.0f} s")
        done, answer = ours.recv()
    except EOFError:
        raise OverBudget("its process died, as it does for want of memory") from None
    finally:
        process.kill()
        process.join()
        ours.close()
    if not done:
        raise answer
    return answer


def _run(connection: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        connection.send((True, work(*arguments)))
    except Exception as error:  # raised in the process that asked
        connection.send((False, error))


def _end_with_parent() -> None:
    """Nobody waits for the answer of a process whose parent was killed."""
    if parent := parent_process():
        parent.join()
        os._exit(1)
