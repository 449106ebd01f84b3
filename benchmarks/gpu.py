"""One command for a GPU machine: does the GPU give the CPU's answers, and how near does it come to its own limits?

    python benchmarks/gpu.py [--sizes 1000000,10000000,50000000] [--json FILE] [--device cuda:0]

1. Neighbours: the ten nearest of 500 queries over 1,000,000 references, by Kaodex on the GPU and on the CPU; at least
   0.999 of them must be the same. So must the encodings of the shipped encoder: cosine at least 0.999.
2. Limits of the machine, measured first: bytes a second of a copy on the device (read and written), and float16
   operations a second of a large matrix product.
3. Flat search of each size x 256 in float16 with 1, 256 and 4,096 queries, k 10: milliseconds of raw FAISS, of
   PyTorch's matrix product and top-k, and of Kaodex (ranked again on the stored numbers), each beside its *floor*: the
   larger of the vectors' bytes over the bandwidth and 2 x queries x size x 256 operations over the product's rate.
4. Encoding: images a second of `Encoder.encode`, and of the bare forward pass on batches that lie on the device.
5. A gallery's day: adding 1,000 references, removing 1,000, asking about a hundredth of the references, each through
   Kaodex on the device, in milliseconds until the next answer.

Exits with 0 when all that must hold does, 1 when something does not, 3 when there is no GPU. `--device cpu` with small
sizes runs the same program without a GPU, to try the program itself.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from rich.console import Console
from rich.table import Table
from vectors import DIMENSION, queries, references

from data.errors import KaodexError

NEIGHBOURS = 10
SAME_NEIGHBOURS = 0.999
SAME_ENCODING = 0.999
NO_GPU = 3
BATCHES = (1, 256, 4096)
PIECE = 262_144


def main() -> int:
    """Run all parts and print them; the exit code says whether what must hold does."""
    parser = argparse.ArgumentParser(description="Does the GPU give the CPU's answers, and how fast?")
    parser.add_argument("--sizes", default="1000000,10000000,50000000", help="references, with commas")
    parser.add_argument("--compared", type=int, default=1_000_000, help="references in the comparison with the CPU")
    parser.add_argument("--device", default="cuda:0", help="cuda:N, or cpu to try the program")
    parser.add_argument("--seconds", type=float, default=2.0, help="to measure each figure for")
    parser.add_argument("--json", type=Path, help="write all figures here")
    options = parser.parse_args()
    console = Console()
    reason = without_gpu() if options.device != "cpu" else ""
    if reason:
        console.print(f"No GPU to check: {reason}. Nothing was compared; run this on a machine with an NVIDIA GPU.")
        return NO_GPU
    report: dict[str, Any] = {"versions": versions(options.device)}
    console.print(report["versions"])
    report["limits"] = limits(options.device, options.seconds)
    console.print(report["limits"])
    report["neighbours"] = same_neighbours(options.compared, options.device)
    report["encoder"] = encoding(options.device, options.seconds)
    report["day"] = a_day(options.compared, options.device, options.seconds)
    report["search"] = []
    for size in (int(size) for size in options.sizes.split(",")):
        report["search"] += flat_search(size, options.device, report["limits"], options.seconds)
        if options.json:  # a later size may not fit: what was measured is kept
            options.json.write_text(json.dumps(report, indent=1))
    console.print(report["neighbours"], report["encoder"], report["day"])
    console.print(search_table(report["search"]))
    holds = report["neighbours"]["same"] >= SAME_NEIGHBOURS and report["encoder"].get("cosine", 1) >= SAME_ENCODING
    report["holds"] = holds
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    return 0 if holds else 1


def without_gpu() -> str:
    """Why no GPU can be checked, or an empty text when one can."""
    if find_spec("torch") is None:
        return "PyTorch is not installed (pip install 'kaodex[gpu]')"
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi")):
        return "this machine shows no NVIDIA driver"
    import torch

    if not torch.cuda.is_available():
        return "PyTorch sees none (torch.cuda.is_available() is False)"
    import faiss

    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        return "this FAISS knows none: pip uninstall faiss-cpu; pip install faiss-gpu"
    return ""


def versions(device: str) -> dict[str, str]:
    """Of what is compared, and the device's name."""
    import faiss
    import torch

    name = "CPU" if device == "cpu" else torch.cuda.get_device_name(device)
    return {"device": name, "torch": torch.__version__, "faiss": faiss.__version__, "numpy": np.__version__}


def limits(device: str, most: float) -> dict[str, float]:
    """Bytes a second of a copy (read and written), and float16 operations a second of a matrix product."""
    import torch

    small = device == "cpu"
    numbers = torch.empty(1 << (24 if small else 31), dtype=torch.uint8, device=device)
    target = torch.empty_like(numbers)
    copy = seconds(lambda: target.copy_(numbers), device, most)
    side = 1024 if small else 8192
    kind = torch.bfloat16 if small else torch.float16
    one = torch.randn(side, side, device=device).to(kind)
    product = seconds(lambda: one @ one, device, most)
    return {
        "copy_bytes_per_second": 2 * numbers.numel() / copy,
        "product_operations_per_second": 2 * side**3 / product,
    }


def same_neighbours(size: int, device: str) -> dict[str, float]:
    """How many of the CPU's ten nearest the GPU names, through Kaodex and by raw FAISS."""
    from index.search import VectorSearch

    stored, asked = clustered(size, 500)
    on_cpu, on_gpu = VectorSearch(DIMENSION, "cpu"), VectorSearch(DIMENSION, device)
    for search in (on_cpu, on_gpu):
        search.add(stored)
    expected = on_cpu.search(asked, NEIGHBOURS)
    found = on_gpu.search(asked, NEIGHBOURS)
    raw = raw_faiss(device)
    for start in range(0, size, PIECE):
        raw.add(stored[start : start + PIECE].astype(np.float32))
    return {
        "references": size,
        "device": on_gpu.device,
        "same": shared(found[1], expected[1]),
        "same_similarities": float(np.abs(found[0] - expected[0]).max()),
        "same_by_raw_faiss": shared(raw.search(asked, NEIGHBOURS)[1], expected[1]),
    }


def flat_search(size: int, device: str, known: dict[str, float], most: float) -> list[dict[str, Any]]:
    """Milliseconds of raw FAISS, PyTorch and Kaodex for each batch, and their floor."""
    import torch

    from index.search import VectorSearch

    stored, asked = clustered(size, max(BATCHES))
    rows = []

    def measured(system: str, search: Callable[[np.ndarray], object]) -> None:
        for batch in BATCHES:
            queries = np.ascontiguousarray(asked[:batch])
            took = seconds(lambda queries=queries: search(queries), device, most)
            floor = max(
                2 * size * DIMENSION / (known["copy_bytes_per_second"] / 2),
                2 * batch * size * DIMENSION / known["product_operations_per_second"],
            )
            rows.append(
                {"references": size, "queries": batch, "system": system, "ms": 1e3 * took, "floor_ms": 1e3 * floor}
            )

    raw = raw_faiss(device)
    for start in range(0, size, PIECE):
        raw.add(stored[start : start + PIECE].astype(np.float32))
    measured("FAISS", lambda queries: raw.search(queries, NEIGHBOURS))
    del raw
    kind = torch.bfloat16 if device == "cpu" else torch.float16
    held = torch.empty(size, DIMENSION, dtype=kind, device=device)
    for start in range(0, size, PIECE):
        held[start : start + PIECE] = torch.from_numpy(stored[start : start + PIECE]).to(device)

    def product(queries: np.ndarray) -> object:
        """In pieces, so that 4,096 queries over 50 million need no 800 GB of products."""
        wanted = torch.from_numpy(queries).to(device).to(kind)
        width = max(NEIGHBOURS, (1 << 30) // (2 * len(queries)))
        best: list[torch.Tensor] = []
        where: list[torch.Tensor] = []
        for start in range(0, size, width):
            near = (wanted @ held[start : start + width].T).topk(min(NEIGHBOURS, size - start), dim=1)
            best.append(near.values)
            where.append(near.indices + start)
        together = torch.cat(best, dim=1).topk(NEIGHBOURS, dim=1)
        return together.values.float().cpu(), torch.cat(where, dim=1).gather(1, together.indices).cpu()

    measured("PyTorch product and top-k", product)
    del held
    kaodex = VectorSearch(DIMENSION, device)
    kaodex.add(stored)
    measured("Kaodex", lambda queries: kaodex.search(queries, NEIGHBOURS))
    return rows


def encoding(device: str, most: float) -> dict[str, Any]:
    """The shipped encoder on the device against ONNX Runtime, and its rate against the bare forward pass."""
    import torch

    from embedder import Encoder
    from embedder.card import WEIGHTS, find_encoder, read_card
    from embedder.network import load_network

    torch_device = "torch-cpu" if device == "cpu" else device
    try:
        on_cpu, on_gpu = Encoder.load(device="cpu"), Encoder.load(device=torch_device)
    except KaodexError as error:
        return {"error": str(error), "cosine": 0.0}
    count = 256 if device == "cpu" else 8192
    random = np.random.default_rng(0)
    crops = [random.integers(0, 256, (128, 128, 3), np.uint8) for _ in range(count)]
    cosine = float((on_cpu.encode(crops[:256]) * on_gpu.encode(crops[:256], batch_size=256)).sum(axis=1).min())
    whole = count / seconds(lambda: on_gpu.encode(crops, batch_size=256), device, most)
    card = read_card(find_encoder(None))
    network = load_network(card.network, card.file(WEIGHTS)).to(device).to(memory_format=torch.channels_last)
    batch = torch.randn(256, 3, on_gpu.input_size, on_gpu.input_size, device=device)
    batch = batch.to(memory_format=torch.channels_last)

    def forward() -> None:
        kind = torch.bfloat16 if device != "cpu" else torch.float32
        with torch.inference_mode(), torch.autocast(device.split(":")[0], dtype=kind, enabled=device != "cpu"):
            network(batch)

    bare = 256 / seconds(forward, device, most)
    return {"cosine": cosine, "images_per_second": whole, "bare_images_per_second": bare, "ratio": whole / bare}


def a_day(size: int, device: str, most: float) -> dict[str, float]:
    """Milliseconds until the next answer after adding, after removing, and among a hundredth of the references."""
    from index.search import VectorSearch

    stored, asked = clustered(size + 1000, 1)
    search = VectorSearch(DIMENSION, device)
    started = time.perf_counter()
    search.add(stored[:size])
    search.search(asked, NEIGHBOURS)
    enrolled = time.perf_counter() - started
    plain = seconds(lambda: search.search(asked, NEIGHBOURS), device, most)
    started = time.perf_counter()
    search.add(stored[size:])
    search.search(asked, NEIGHBOURS)
    added = time.perf_counter() - started
    removed = np.zeros(size + 1000, bool)
    removed[np.random.default_rng(0).choice(size, 1000, replace=False)] = True
    started = time.perf_counter()
    search.search(asked, NEIGHBOURS, removed)
    after = time.perf_counter() - started
    others = np.ones(size + 1000, bool)
    others[::100] = False
    started = time.perf_counter()
    subset = VectorSearch(DIMENSION, device)
    subset.add(stored[~others])
    subset.search(asked, NEIGHBOURS)
    only = time.perf_counter() - started
    told = {"fill_and_ask": enrolled, "ask": plain, "add_1000_and_ask": added, "remove_1000_and_ask": after}
    return {name + "_ms": 1e3 * value for name, value in {**told, "ask_among_a_hundredth": only}.items()}


def raw_faiss(device: str) -> Any:
    """FAISS's flat index in float16 on the device."""
    import faiss

    if device == "cpu":
        return faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    settings = faiss.GpuIndexFlatConfig()
    settings.useFloat16 = True
    settings.device = int(device.partition(":")[2] or 0)
    index = faiss.GpuIndexFlatIP(faiss.StandardGpuResources(), DIMENSION, settings)
    return index


def clustered(size: int, asked: int) -> tuple[np.ndarray, np.ndarray]:
    """So many float16 vectors that lie as encodings do, and queries to them: see `vectors.py`."""
    stored = np.empty((size, DIMENSION), np.float16)
    filled = 0
    for block in references(size):
        stored[filled : filled + len(block)] = block
        filled += len(block)
    return stored, queries(asked, size)


def shared(found: np.ndarray, expected: np.ndarray) -> float:
    """The mean share of the expected neighbours that were found."""
    return float(np.mean([len(set(one) & set(other)) / len(other) for one, other in zip(found, expected, strict=True)]))


def seconds(work: Callable[[], object], device: str, most: float) -> float:
    """The median time of one call, the device waited for, after one to warm up."""
    import torch

    def once() -> float:
        started = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize(device)
        return time.perf_counter() - started

    once()
    times: list[float] = []
    while not times or (sum(times) < most and len(times) < 100):
        times.append(once())
    return float(np.median(times))


def search_table(rows: list[dict[str, Any]]) -> Table:
    """The figures of `flat_search` for people."""
    table = Table("references", "queries", "system", "ms", "floor, ms", "times the floor")
    for row in rows:
        table.add_row(
            f"{row['references']:,}",
            f"{row['queries']:,}",
            row["system"],
            f"{row['ms']:.2f}",
            f"{row['floor_ms']:.2f}",
            f"{row['ms'] / row['floor_ms']:.1f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
