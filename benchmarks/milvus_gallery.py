"""A gallery on a Milvus server: how fast it takes references in, and what the client and the server need to search it.

    python benchmarks/milvus_gallery.py            # 100,000 references; starts a server of its own
    python benchmarks/milvus_gallery.py --size 10000 --json milvus.json
    python benchmarks/milvus_gallery.py --address milvus://HOST:PORT/EMPTY_COLLECTION

Enrols vectors that lie like encodings (see `vectors.py`), 20 of an identity, with drawn faces as crops. Then the same
questions are asked with `?search=client` and `?search=server`, each in a process of its own, and both must answer the
same. Peak memory is that of the client's process; what Python with numpy and FAISS takes is in it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from synthetic_gallery import KIND, STAMP, enrol_synthetic, new_reference
from vectors import queries

from data.gallery_place import MilvusAddress, gallery_place
from index.gallery import Gallery
from index.recognizer import DEFAULT_K

BATCH = 1024
REPEATS = 7
DEPTH = 65
"""Neighbours of each sample: more than are kept, so that they are found anew."""


@contextmanager
def started_server() -> Iterator[tuple[MilvusAddress, int]]:
    """The server of the package `milvus` as it comes, with data in a folder that goes afterwards; and its process."""
    from milvus import MilvusServer

    with tempfile.TemporaryDirectory() as folder:
        server = MilvusServer()
        server.set_base_dir(folder)
        server.start()
        try:
            yield MilvusAddress("localhost", server.listen_port, "benchmark"), server.server_proc.pid
        finally:
            server.stop()


def peak(process: int | str = "self") -> float:
    """The most memory that a process ever had, in MB (`ru_maxrss` would count its parent's)."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def median(step: Callable[[int], object]) -> float:
    """Milliseconds of one step, the middle of some."""
    taken = []
    for turn in range(REPEATS):
        began = time.perf_counter()
        step(turn)
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def ask(address: MilvusAddress, size: int) -> dict[str, float | str]:
    """Open the gallery, search it, and find the neighbourhoods that calibration stands on."""
    asked = queries(256, of=size)
    told: dict[str, float | str] = {"peak MB before": peak()}
    began = time.perf_counter()
    with Gallery.open(address, device="cpu") as gallery:
        assert len(gallery) == size
        told["open s"] = time.perf_counter() - began
        told["peak MB opened"] = peak()
        began = time.perf_counter()
        gallery.search(asked[:1], DEFAULT_K)
        told["first search s"] = time.perf_counter() - began
        told["1 query ms"] = median(lambda turn: gallery.search(asked[turn : turn + 1], DEFAULT_K))
        told["32 queries ms"] = median(lambda turn: gallery.search(asked[32 * turn : 32 * turn + 32], DEFAULT_K))
        told["peak MB searched"] = peak()
        found = gallery.search(asked, DEFAULT_K)
        told["answers"] = hashlib.sha256(found.references.tobytes() + found.similarities.tobytes()).hexdigest()[:16]
        began = time.perf_counter()
        known = gallery.calibrator(KIND).neighbourhoods(DEPTH)
        told["neighbourhoods s"] = time.perf_counter() - began
        told["samples"] = len(known.samples)
        told["peak MB calibrated"] = peak()
        one = new_reference(size, queries(1, of=size, seed=1)[0].astype(np.float16), b"crop")
        began = time.perf_counter()
        added = gallery.enroll([one], STAMP)[0].reference
        told["add one ms"] = 1000 * (time.perf_counter() - began)
        began = time.perf_counter()
        found = gallery.search(one.encoding.astype(np.float32)[None], 1)
        told["search after it ms"] = 1000 * (time.perf_counter() - began)
        assert found.references[0, 0] == added
        gallery.remove_references([added])
    return told


def main() -> None:
    """Print one table, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=100_000, help="references")
    parser.add_argument("--address", help="an empty collection on a server that runs; by default one is started")
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    parser.add_argument("--ask", choices=("client", "server"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    given = gallery_place(arguments.address) if arguments.address else None
    if given is not None and not isinstance(given, MilvusAddress):
        raise SystemExit("--address names a collection: milvus://HOST:PORT/COLLECTION")
    if arguments.ask and given:
        print(json.dumps(ask(replace(given, search=arguments.ask), arguments.size)))
        return
    with nullcontext((given, 0)) if given else started_server() as (address, server):
        made = enrol_synthetic(address, arguments.size, BATCH)
        told: dict[str, dict] = {
            "enrolment": {"enrol seconds": made["seconds"], "enrolled a second": made["per_second"]}
        }
        for who in ("client", "server"):
            words = [sys.executable, __file__, "--ask", who, "--size", str(arguments.size), "--address", str(address)]
            told[who] = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
        if server:
            told["enrolment"]["server's peak MB"] = peak(server)
    assert told["client"]["answers"] == told["server"]["answers"], "client and server answer differently"
    for name, value in told["enrolment"].items():
        print(f"{name:<20}{value:>12,.1f}")
    print(f"{'':<20}{'client':>12}{'server':>12}")
    for name, value in told["client"].items():
        other = told["server"][name]
        print(
            f"{name:<20}"
            + "".join(f"{one:>12}" if isinstance(one, str) else f"{one:>12,.1f}" for one in (value, other))
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
