"""The curve of a run, line by line in a file and as TensorBoard's events; a resumed run never tells a step twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.whole_file import whole_file

CURVE = "curve.jsonl"
TENSORBOARD = "tensorboard"


class Notes:
    """Notes of the run in a folder, from a step on: what was noted past it is forgotten, as it is learnt again."""

    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._path = folder / CURVE
        kept = [row for row in read_curve(folder) if row["step"] <= step]
        with whole_file(self._path) as unfinished:
            unfinished.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
        self._events: Any = SummaryWriter(str(folder / TENSORBOARD), purge_step=step + 1 if step else None)

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        """Note the figures of a step."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **figures}) + "\n")
        for name, value in figures.items():
            self._events.add_scalar(name, value, step)

    def close(self) -> None:
        """Finish TensorBoard's file."""
        self._events.close()


def read_curve(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run's curve, in order; a line cut short by a crash is left out."""
    path = folder / CURVE
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows
