"""Who makes encodings of picture files for an enrolment: threads of this process, or others that do the same."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, runtime_checkable

from embedder import Detector, Encoder
from index.picture_faces import CutPicture, PictureFaces, Take, Unusable, cut, encode

THREADS = 2


@runtime_checkable
class Work(Protocol):
    """A batch of pictures that is under way."""

    def result(self) -> list[PictureFaces | Unusable]:
        """What became of each picture, in order, once it is done."""
        ...


@runtime_checkable
class Workers(Protocol):
    """Picture files in, encoded faces out; several batches may be under way at once. To be used in a `with` block."""

    ahead: int
    """How many batches should be begun before the first one's result is asked for."""

    def begin(self, contents: Sequence[bytes]) -> Work:
        """Set the work on some files going. May wait while too much is under way."""
        ...

    def __enter__(self) -> Workers: ...

    def __exit__(self, *exception: object) -> None: ...


class LocalWorkers:
    """Threads of this process cut faces out of the next batch while the thread that asks for a result encodes one."""

    ahead = 1

    def __init__(self, encoder: Encoder, detector: Detector, *, take: Take) -> None:
        self._pool = ThreadPoolExecutor(max(THREADS, encoder.feeders), thread_name_prefix="enrol")
        self._encoder = encoder
        self._detector = detector
        self._take = take

    def begin(self, contents: Sequence[bytes]) -> Work:
        """Set decoding and cutting going."""
        return _LocalWork(
            [self._pool.submit(cut, content, self._detector, self._encoder, take=self._take) for content in contents],
            self._encoder,
        )

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)


class _LocalWork:
    def __init__(self, cuts: Sequence[Future[CutPicture | Unusable]], encoder: Encoder) -> None:
        self._cuts = cuts
        self._encoder = encoder

    def result(self) -> list[PictureFaces | Unusable]:
        return encode([one.result() for one in self._cuts], self._encoder)
