"""A progress line on stderr, so that stdout stays free for answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

talk = Console(stderr=True, highlight=False, soft_wrap=True)
"""Where every word to a person goes that is not the answer itself."""


@contextmanager
def progress(description: str, total: int | None = None, unit: str = "pictures") -> Iterator[Callable[[int], None]]:
    """Show how far a long piece of work is; yields `advance(n)`, which takes how many more are done.

    On a terminal: a bar with the rate and the time left. Elsewhere (a log, a pipe): nothing, the summary tells.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as bar:
        task = bar.add_task(description, total=total, rate="")

        def advance(count: int = 1) -> None:
            bar.advance(task, count)
            speed = bar.tasks[task].speed
            bar.update(task, rate=f"{speed:.0f} {unit}/s" if speed else "")

        yield advance
