"""The benchmark of enrolment: what a stage takes is its own, and every stage is seen."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def test_a_stage_inside_another_counts_for_itself(script, monkeypatch):
    benchmark = script("enroll")
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    class Work:
        def inner(self):
            clock[0] += 2

        def outer(self):
            clock[0] += 1
            self.inner()
            self.inner()

    work, watch = Work(), benchmark.Stopwatch()
    with watch.watching([("outer", work, "outer"), ("inner", work, "inner")]):
        work.outer()
        work.inner()
    work.outer()
    assert watch.seconds == {"outer": 1, "inner": 6} and not vars(work)


def test_drawn_files_all_differ(script, tmp_path, monkeypatch):
    benchmark = script("enroll")
    monkeypatch.setattr(benchmark, "MOST_DRAWN", 5)
    benchmark.draw_folder(tmp_path, 14)
    files = list(tmp_path.glob("*/*.jpg"))
    assert len(files) == 14 and len({file.read_bytes() for file in files}) == 14
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.slow
def test_a_small_run_sees_every_stage(tmp_path):
    document = tmp_path / "figures.md"
    document.write_text("<!-- enroll -->\n<!-- end of enroll -->\n")
    run = subprocess.run(
        [sys.executable, FOLDER / "enroll.py", "--pictures", "24", "--json", tmp_path / "a.json",
         "--markdown", document],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(FOLDER.parent)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    told = json.loads((tmp_path / "a.json").read_text())
    assert told["fates"] == {"added": 24} and told["file_bytes"] > 24 * 512
    assert set(told["stages"]) == {
        "read and hash the file", "decode", "find faces", "crop and fit", "hash the pictures", "compress the crop",
        "encode", "store", "look for near-duplicates", "prepare calibration", "keep the vectors",
    }  # fmt: skip
    assert all(seconds > 0 for seconds in told["stages"].values())
    assert "| encode |" in document.read_text()
