"""One query from cold: wall seconds and peak memory of `kaodex query` on a gallery, and which imports they go to.

    python benchmarks/query_cold.py --references 8000

Makes a gallery of that many references (noise crops: the numbers matter, not the faces), then runs the command in new
processes and prints the median of their wall seconds and peak memory, and the slowest imports of one run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from embedder import Encoder
from index.gallery import Gallery
from index.records import EncoderStamp, NewReference


def make_gallery(path: Path, references: int) -> None:
    """A gallery of `references` random unit vectors over references / 20 identities."""
    encoder = Encoder.load(device="cpu")
    stamp = EncoderStamp(encoder.name, encoder.fingerprint, encoder.dimension)
    generator = np.random.default_rng(0)
    crop = cv2.imencode(".jpg", generator.integers(0, 256, (128, 128, 3), np.uint8))[1].tobytes()
    with Gallery.create(path, device="cpu") as gallery:
        command = gallery.begin("benchmark")
        for start in range(0, references, 2000):
            vectors = generator.normal(size=(min(2000, references - start), encoder.dimension))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            batch = [
                NewReference(
                    identity=f"identity {(start + row) // 20}",
                    sha256=hashlib.sha256(str(start + row).encode()).digest(),
                    source=f"refs/{start + row}.jpg",
                    box=(0, 0, 128, 128),
                    region="whole",
                    detection=1.0,
                    hash=int(generator.integers(0, 2**63)),
                    encoding=vector.astype(np.float16),
                    crop=crop,
                )
                for row, vector in enumerate(vectors)
            ]
            gallery.enroll(batch, stamp, command=command)


def cold_run(command: list[str]) -> tuple[float, float, str]:
    """Wall seconds, peak megabytes and stderr of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, told
    return time.perf_counter() - began, usage.ru_maxrss / 1024, told


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--references", type=int, default=8000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        gallery = Path(folder) / "gallery.kaodex"
        make_gallery(gallery, options.references)
        picture = Path(folder) / "query.png"
        cv2.imwrite(str(picture), np.random.default_rng(1).integers(0, 256, (160, 160, 3), np.uint8))
        typed = ["-m", "cli.main", "query", str(picture), "-g", str(gallery)]
        runs = [cold_run([sys.executable, *typed]) for _ in range(options.runs)]
        told = cold_run([sys.executable, "-X", "importtime", *typed])[2]
    wall = statistics.median(seconds for seconds, _, _ in runs)
    peak = statistics.median(megabytes for _, megabytes, _ in runs)
    lines = re.findall(r"import time:\s+(\d+) \|\s+(\d+) \| (\S+)", told)
    cumulative = {name: int(total) / 1000 for _, total, name in lines}
    packages = ("numpy", "cv2", "faiss", "onnxruntime", "PIL.Image", "rich.console", "rich.table", "click", "jaxtyping")
    shares = {package: cumulative[package] for package in packages if package in cumulative}
    print(
        f"{options.references:,} references, median of {options.runs} cold runs: {wall:.2f} s wall, {peak:.0f} MB peak"
    )
    for package, milliseconds in sorted(shares.items(), key=lambda pair: -pair[1]):
        print(f"  import {package:<14} {milliseconds:6.0f} ms (with what it imports first)")
    if options.json:
        figures = {"references": options.references, "wall_seconds": wall, "peak_mb": peak, "imports_ms": shares}
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
