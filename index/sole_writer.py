"""Folders that several processes may write: one at a time, and complete under their names or not there."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".unfinished"
"""What the name of a folder ends with while it is written."""


@contextmanager
def sole_writer(lock: Path) -> Iterator[bool]:
    """Whether nobody else holds this lock file, which is then held until the block ends; never waits.

    Raises OSError where the file cannot be made.
    """
    with lock.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder` to write files to; it takes the name when the block ends well, else goes.

    What had the name before is removed. All is on the disk when the block has ended. For a `sole_writer`; raises
    OSError.
    """
    unfinished = folder.with_name(f"{folder.name}{UNFINISHED}")
    shutil.rmtree(unfinished, ignore_errors=True)  # of somebody who was stopped
    unfinished.mkdir()
    try:
        yield unfinished
        for written in (*unfinished.iterdir(), unfinished):
            _sync(written)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)  # what was not renamed


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
