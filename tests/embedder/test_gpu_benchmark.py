"""`benchmarks/gpu.py`: refuses in words without a GPU, and runs to its end on the CPU at a small size."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def test_without_a_gpu_it_says_so_and_exits_with_3() -> None:
    if Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi"):
        pytest.skip("there may be a GPU here; `make gpu-check` is the check then")
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "No GPU to check" in done.stdout


@pytest.mark.slow
def test_the_program_itself_runs_to_its_end(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    command = [
        sys.executable,
        str(SCRIPT),
        "--device",
        "cpu",
        "--sizes",
        "2000",
        "--compared",
        "3000",
        "--seconds",
        "0.01",
    ]
    done = subprocess.run([*command, "--json", str(tmp_path / "r.json")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["holds"] and report["neighbours"]["same"] == 1.0
    assert {row["system"] for row in report["search"]} == {"FAISS", "PyTorch product and top-k", "Kaodex"}
