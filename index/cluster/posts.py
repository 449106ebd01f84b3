"""How many workers a cluster has room for, and what each of them gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data.errors import UnusableCluster


@dataclass(frozen=True)
class Posts:
    """Places for workers that are all alike."""

    count: int
    cpus: int
    """For each; as many threads cut faces."""
    gpus: int
    """For each: 0 or 1."""
    device: str
    """On which each encodes, as a word of `--device`."""


def posts(nodes: Sequence[Mapping[str, float]], device: str) -> Posts:
    """The posts on nodes with these resources (`CPU`, `GPU`), for a device word of `--device`.

    One for each GPU where there are some and `device` allows it, with an equal part of its node's CPUs; else one for
    each CPU. GPUs and CPUs never work together: their encodings differ in the last bits.

    >>> posts([{"CPU": 4.0}, {"CPU": 8.0}], "auto")
    Posts(count=12, cpus=1, gpus=0, device='cpu')
    >>> posts([{"CPU": 4.0}, {"CPU": 32.0, "GPU": 4.0}], "auto")
    Posts(count=4, cpus=8, gpus=1, device='auto')

    Raises UnusableCluster where there are none.
    """
    shares = [
        (int(node["GPU"]), int(node.get("CPU", 0) // int(node["GPU"]))) for node in nodes if node.get("GPU", 0) >= 1
    ]
    if device.startswith("cuda") and not shares:
        raise UnusableCluster(f"the cluster has no GPU for --device {device}; leave it at auto, or give cpu")
    if shares and (device == "auto" or device.startswith("cuda")):
        on = "cuda" if device != "auto" else "auto"  # a worker has one GPU, which it calls the first
        return Posts(sum(gpus for gpus, _ in shares), min(cpus for _, cpus in shares), 1, on)
    count = sum(int(node.get("CPU", 0)) for node in nodes)
    if not count:
        raise UnusableCluster("no node of the cluster offers a CPU: start one with `ray start --num-cpus=N`")
    return Posts(count, 1, 0, "torch-cpu" if device == "torch-cpu" else "cpu")
