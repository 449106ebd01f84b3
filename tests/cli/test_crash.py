"""An enrolment that is killed at any moment loses nothing, and the same command completes it."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from embedder import Encoder
from index import Gallery
from tests.cli.conftest import paint_crowd

PICTURES = 2000
KILLS = 10


@pytest.mark.slow
@pytest.mark.skipif(not Encoder.available_encoders(), reason="no encoder ships with this checkout")
def test_killed_ten_times_and_completed(tmp_path: Path):
    paint_crowd(tmp_path / "refs", PICTURES)
    path = tmp_path / "gallery.kaodex"
    command = [sys.executable, "-m", "cli.main", "enroll", str(tmp_path / "refs"), "-g", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}

    moments = random.Random(7)
    killed, longest = 0, 3.0  # seconds; a busy machine needs longer to begin
    held = [0]
    while killed < KILLS or (killed < 4 * KILLS and not any(0 < count < PICTURES for count in held)):
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(moments.uniform(0.1, longest))
        if process.poll() is not None:  # it was done before its moment came: once more from the start
            assert process.returncode == 0
            for file in tmp_path.glob("gallery.kaodex*"):
                file.unlink()
            held, longest = [0], longest / 1.2
            continue
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        killed += 1
        longest *= 1.2 if held[-1] == 0 else 1.0
        if path.exists() and path.stat().st_size:
            with Gallery.create(path, device="cpu") as gallery:
                assert gallery.check() == []
                held.append(len(gallery))
                assert held[-1] >= held[-2], "an enrolled reference was lost"
    completed = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    with Gallery.open(path, device="cpu") as gallery:
        assert len(gallery) == PICTURES and gallery.check() == []
    assert any(0 < count < PICTURES for count in held), f"no kill fell into the work itself: {held}"
