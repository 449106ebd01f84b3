"""Work done ahead in threads, handed out in order: decoding overlaps with encoding."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from data.errors import KaodexError

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int = 2, ahead: int = 64
) -> Iterator[tuple[Item, Result | KaodexError]]:
    """Yield each item with what `work` made of it, in order, at most `ahead` items before they are asked for.

    A `KaodexError` is yielded in the result's place, so one bad picture never stops a batch; anything else is raised.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="prefetch") as pool:
        waiting: deque[tuple[Item, Future[Result]]] = deque()
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) > ahead:
                    item, future = waiting.popleft()
                    yield item, _settled(future)
            while waiting:
                item, future = waiting.popleft()
                yield item, _settled(future)
        finally:
            for _, future in waiting:
                future.cancel()


def _settled(future: Future[Any]) -> Any:
    try:
        return future.result()
    except KaodexError as error:
        return error
