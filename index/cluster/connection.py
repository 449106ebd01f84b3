"""Into a Ray cluster and out of it again, with Ray's own words kept off stdout."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import Any, TextIO

from data.errors import MissingDependency, UnusableCluster

LOCAL, RUNNING = "local", "auto"
SECONDS_TO_ANSWER = 5.0


@contextmanager
def cluster(address: str) -> Iterator[Any]:
    """The module `ray`, connected to `local` (a cluster of this machine, for the moment), `auto` or HOST:PORT.

    A program that is connected already keeps its connection. Ray's usage statistics are off unless
    RAY_USAGE_STATS_ENABLED says otherwise.

    Raises MissingDependency where there is no ray, UnusableCluster where no cluster answers, or one of another version.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingDependency("encoding on a cluster needs ray: pip install 'kaodex[ray]'") from error
    with ExitStack() as leaving:
        leaving.enter_context(redirect_stdout(_WithoutRay(sys.stdout)))
        if not ray.is_initialized():
            leaving.callback(ray.shutdown)
            _connect(ray, address)
        yield ray


def _connect(ray: Any, address: str) -> None:
    if address not in (LOCAL, RUNNING):
        _check_reachable(address)
    started = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **started)
    except Exception as error:  # Ray's errors of connecting share no base class
        reason = " ".join(str(error).split())
        cure = (
            "install the same versions here and there"
            if "ersion mismatch" in reason
            else "start one with `ray start --head`, join it here with `ray start --address=HOST:PORT`, or give `local`"
        )
        raise UnusableCluster(f"no Ray cluster can be used at '{address}' ({reason}): {cure}") from error


def _check_reachable(address: str) -> None:
    """Of an address where nothing listens this tells at once, where Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UnusableCluster(
            f"'{address}' is no address of a Ray cluster: give HOST:PORT as `ray start --head` told it, auto or local"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_ANSWER):
            pass
    except (OSError, OverflowError) as error:
        raise UnusableCluster(
            f"no Ray cluster answers at {address} ({error}): is the address the one that `ray start --head` told, and "
            "is its port open to this machine?"
        ) from error


class _WithoutRay:
    """A stream that drops what threads of Ray write: news of processes, which is in Ray's logs, and no answer."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith("ray_"):
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
