"""What times were measured on: the processor, its cores, and the versions that do the work."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = {
    "numpy": "numpy",
    "scikit-learn": "scikit-learn",
    "mahotas": "mahotas",
    "OpenCV": "opencv-contrib-python-headless",
    "ONNX Runtime": "onnxruntime",
}


def machine_told() -> str:
    """One line for people; a figure of time holds for machines of which it is true."""
    cores = core_count()
    found = []
    for name, package in _PACKAGES.items():
        try:
            found.append(f"{name} {version(package)}")
        except PackageNotFoundError:
            continue
    cores_told = f"{cores} core" if cores == 1 else f"{cores} cores"
    return f"{_processor()}, {cores_told}; Python {platform.python_version()}, {', '.join(found)}"


def core_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
