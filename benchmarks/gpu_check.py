"""One command for a GPU machine: does the GPU give the CPU's answers, and how fast?

    python benchmarks/gpu_check.py [--references 200000] [--queries 500]

Checks that FAISS on the GPU names the CPU's neighbours (at least 0.999 of the ten nearest, flat index in float16) and
that the encoder in PyTorch on the GPU equals the one in ONNX Runtime (cosine at least 0.999), and measures images and
queries per second of both. Exits with 0 when all hold, 1 when one does not, 3 when there is no GPU to check.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from rich.console import Console
from rich.table import Table

from data.errors import KaodexError
from embedder import Encoder

NEIGHBOURS = 10
SAME_NEIGHBOURS = 0.999
SAME_ENCODING = 0.999
NO_GPU = 3
CROPS = 2048


def main() -> int:
    """Run both checks that this machine allows, print one table, and say with the exit code whether they hold."""
    parser = argparse.ArgumentParser(description="Does the GPU give the CPU's answers, and how fast?")
    parser.add_argument("--references", type=int, default=200_000, help="references in the search check")
    parser.add_argument("--queries", type=int, default=500, help="queries in the search check")
    options = parser.parse_args()
    console = Console()
    reason = without_gpu()
    if reason:
        console.print(f"No GPU to check: {reason}. Nothing was compared; run this on a machine with an NVIDIA GPU.")
        return NO_GPU
    table = Table("check", "found", "needed", "CPU per second", "GPU per second", "holds")
    holds = [check_encoder(table), check_search(table, options.references, options.queries)]
    console.print(table)
    return 0 if all(holds) else 1


def without_gpu() -> str:
    """Why no GPU can be checked, or an empty text when one can."""
    if find_spec("torch") is None:
        return "PyTorch is not installed (pip install 'kaodex[gpu]')"
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi")):
        return "this machine shows no NVIDIA driver"
    import torch

    return "" if torch.cuda.is_available() else "PyTorch sees none (torch.cuda.is_available() is False)"


def check_encoder(table: Table) -> bool:
    """The same crops through ONNX Runtime on the CPU and PyTorch on the GPU."""
    try:
        cpu, gpu = Encoder.load(device="cpu"), Encoder.load(device="cuda")
    except KaodexError as error:
        table.add_row("encoder", str(error), "", "", "", "no")
        return False
    random = np.random.default_rng(0)
    crops = [random.integers(0, 256, (128, 128, 3), np.uint8) for _ in range(CROPS)]
    cosine = float((cpu.encode(crops[:512]) * gpu.encode(crops[:512], batch_size=256)).sum(axis=1).min())
    cpu_rate = rate(lambda: cpu.encode(crops[:512]), 512)
    gpu_rate = rate(lambda: gpu.encode(crops, batch_size=256), CROPS)
    holds = cosine >= SAME_ENCODING and cpu.fingerprint == gpu.fingerprint
    table.add_row(
        f"{cpu.name}: {gpu.runtime} against {cpu.runtime}",
        f"cosine {cosine:.6f}",
        f"{SAME_ENCODING}",
        f"{cpu_rate:,.0f} images",
        f"{gpu_rate:,.0f} images",
        "yes" if holds else "NO",
    )
    return holds


def check_search(table: Table, references: int, queries: int) -> bool:
    """The same unit vectors in a flat index on the CPU and, as float16, on the GPU."""
    try:
        import faiss
    except ImportError:
        table.add_row("search", "faiss is not installed (pip install 'kaodex[gpu]')", "", "", "", "NO")
        return False
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        table.add_row(
            "search", "this faiss knows no GPU: pip uninstall faiss-cpu; pip install faiss-gpu", "", "", "", "NO"
        )
        return False
    gallery, asked = faces_like_vectors(references, queries)
    on_cpu = faiss.IndexFlatIP(gallery.shape[1])
    on_cpu.add(gallery)
    settings = faiss.GpuIndexFlatConfig()
    settings.useFloat16 = True
    resources = faiss.StandardGpuResources()
    on_gpu = faiss.GpuIndexFlatIP(resources, gallery.shape[1], settings)
    on_gpu.add(gallery)
    _, expected = on_cpu.search(asked, NEIGHBOURS)
    _, found = on_gpu.search(asked, NEIGHBOURS)
    same = float(np.mean([len(set(one) & set(other)) / NEIGHBOURS for one, other in zip(found, expected, strict=True)]))
    holds = same >= SAME_NEIGHBOURS
    table.add_row(
        f"search: {references:,} references x {gallery.shape[1]}, float16",
        f"{same:.5f} of the top {NEIGHBOURS}",
        f"{SAME_NEIGHBOURS}",
        f"{rate(lambda: on_cpu.search(asked, NEIGHBOURS), queries):,.0f} queries",
        f"{rate(lambda: on_gpu.search(asked, NEIGHBOURS), queries):,.0f} queries",
        "yes" if holds else "NO",
    )
    return holds


def faces_like_vectors(references: int, queries: int, dim: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors in clusters of about 20, as encodings of identities are, and queries near some of them."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(max(references // 20, 1), dim)).astype(np.float32)
    gallery = centres[random.integers(len(centres), size=references)]
    gallery += 0.8 * random.normal(size=gallery.shape).astype(np.float32)
    asked = gallery[random.integers(references, size=queries)] + 0.5 * random.normal(size=(queries, dim)).astype("f4")
    return unit(gallery), unit(asked)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length one."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def rate(work: Callable[[], object], items: int, at_least: float = 2.0) -> float:
    """Items per second over at least two seconds, after one round to warm up."""
    work()
    rounds, started = 0, time.perf_counter()
    while time.perf_counter() - started < at_least:
        work()
        rounds += 1
    return rounds * items / (time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main())
