"""One system of `benchmarks/search.py` in a process of its own, so that its memory is its own.

The worker answers requests, a line of JSON each, on its standard input and output. It is stopped between its turns, as
threads that wait for work take a processor from the others.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peak_memory import peak_memory
from search_systems import SYSTEMS, Queries, System, VectorFile
from vectors import DIMENSION

LONG = 1.0
"""Seconds of a search that need no warming up."""
MOST_REPETITIONS = 50


class WorkerFailed(Exception):
    """A worker ended or took too long; the message is its last word."""


class Worker:
    """The parent's side: a running system, whose files lie in a folder of its name."""

    def __init__(self, system: str, folder: Path, count: int) -> None:
        self._folder = folder.parent
        self._answer = folder.parent / f"{system}.npy"
        self._told = (folder.parent / f"{system}.log").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, __file__, system, str(folder), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            start_new_session=True,
        )

    def ask(self, request: dict[str, Any], seconds: float) -> Any:
        """Let it work on one request. Raises WorkerFailed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerFailed(self._last_words()) from None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        if not ready:
            self.close()
            raise WorkerFailed(f"took more than {seconds:,.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise WorkerFailed(self._last_words())
        self._signal(signal.SIGSTOP)
        return json.loads(line)

    def positions(self) -> NDArray[np.int64]:
        """What the last `answer` found."""
        return np.load(self._answer)

    def close(self) -> None:
        """End the process and all that it started."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._told):
            with suppress(OSError):  # what it was never given
                pipe.close()  # type: ignore[union-attr]

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def _last_words(self) -> str:
        code = self._process.wait()
        self._told.seek(0)
        lines = self._told.read().decode(errors="replace").strip().splitlines()
        return lines[-1].replace(f"{self._folder}/", "") if lines else f"ended with code {code}"


class Server:
    """The worker's side: one system and what it is asked to do."""

    def __init__(self, system: System, folder: Path, count: int) -> None:
        self._system = system
        self._folder = folder
        self._vectors = VectorFile(folder.parent / "vectors.f16", count)
        self._queries: dict[str, Queries] = {
            name: np.fromfile(folder.parent / f"{name}.f32", np.float32).reshape(-1, DIMENSION)
            for name in ("test", "tuning")
        }

    def build(self) -> dict[str, float]:
        """Take the vectors in."""
        before = peak_memory()
        start = time.perf_counter()
        self._system.build(self._vectors, self._folder)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "bytes_per_vector": self._system.bytes_per_vector, "before": before}

    def widen(self, width: int) -> None:
        """Search as widely from now on."""
        self._system.widen(width)

    def answer(self, queries: str, k: int) -> None:
        """Find the neighbours of all queries, 256 at once, and leave them in a file."""
        asked = self._queries[queries]
        found = [self._system.search(asked[start : start + 256], k) for start in range(0, len(asked), 256)]
        np.save(self._folder.parent / f"{self._folder.name}.npy", np.concatenate(found))

    def time(self, batch: int, k: int, seconds: float) -> list[float]:
        """Seconds of each search, after one that does not count, until so many seconds are spent."""
        asked = self._queries["test"]
        parts = [asked[start : start + batch] for start in range(0, len(asked) - batch + 1, batch)]
        taken: list[float] = []
        warm = False
        while not taken or (sum(taken) < seconds and len(taken) < MOST_REPETITIONS):
            part = np.ascontiguousarray(parts[(len(taken) + int(warm)) % len(parts)])
            start = time.perf_counter()
            self._system.search(part, k)
            took = time.perf_counter() - start
            if warm or took > LONG:
                taken.append(took)
            warm = True
        return taken

    def peak(self) -> int:
        """Bytes held at most so far."""
        return peak_memory()


def serve(name: str, folder: Path, count: int) -> None:
    """Answer requests until there are no more; what the system itself prints goes to the log."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    server = Server(SYSTEMS[name](), folder, count)
    for line in sys.stdin:
        request = json.loads(line)
        answer = getattr(server, request.pop("do"))(**request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
