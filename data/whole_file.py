"""A file that appears complete under its name, or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data.errors import UnusableSource


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a file beside `path` to write to; it takes the name when the block ends well, and goes when it does not.

    Missing folders are made, and a folder that cannot be written to is told before the block begins. Raises
    UnusableSource where the system refuses.
    """
    unfinished = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnusableSource(f"{path}: cannot be written ({reason}); choose another folder") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
