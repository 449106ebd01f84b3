from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_without_a_gpu_it_says_so_and_exits_with_3() -> None:
    if Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi"):
        pytest.skip("there may be a GPU here; `make gpu-check` is the check then")
    script = Path(__file__).parents[2] / "benchmarks" / "gpu_check.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "No GPU to check" in done.stdout
