"""Figures kept in a folder, each under what it was measured by, so that a table can grow without refitting."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.collection import Collection
from bench.machine import machine_told
from data.whole_file import whole_file
from embedder.detectors import Detector
from embedder.detectors.auto import Auto
from embedder.detectors.cascade import Cascade
from embedder.detectors.trained import TrainedDetector
from embedder.detectors.yolo import Yolo

_FORMAT = 2


def data_fingerprint(collection: Collection) -> str:
    """The pictures' bytes, whose they are, whom artists show and how they are grouped, in their order."""
    digest = hashlib.sha256()
    for path, identity in zip(collection.paths, collection.identities, strict=True):
        try:
            content = hashlib.sha256(path.read_bytes()).digest()
        except OSError:
            content = b"unreadable"
        digest.update(content + collection.names[identity].encode() + b"\n")
    if collection.characters is not None:
        digest.update(b"characters" + collection.characters.tobytes())
    digest.update(b"by hash" if collection.groups is None else collection.groups.tobytes())
    return digest.hexdigest()


def detector_fingerprint(detector: Detector) -> str:
    """A digest of all that a detector was made of: its card, which tells of its weights, or the file that it was given.

    Its name where there is neither.
    """
    finder = detector.finder if isinstance(detector, Auto) else detector
    if isinstance(finder, TrainedDetector):
        made_of = json.dumps(finder.card.fields, sort_keys=True).encode()
    elif isinstance(finder, Cascade | Yolo):
        made_of = finder.path.read_bytes()
    else:
        return detector.name
    return f"{type(detector).__name__} {hashlib.sha256(made_of).hexdigest()}"


class KeptFigures:
    """A folder of one JSON file per key; without a folder, nothing is kept. `of` is what all keys have in common."""

    def __init__(self, folder: Path | None, of: Sequence[str]) -> None:
        self._folder, self._of = folder, tuple(of)

    @classmethod
    def of_run(
        cls, folder: Path | None, collection: Collection, seed: int, detector: Detector, kind: str = "character"
    ) -> KeptFigures:
        """Figures of these pictures of a kind, split with this seed, seen through this detector, on this machine."""
        if folder is None:  # the pictures need not be read for it
            return cls(None, ())
        seen = detector_fingerprint(detector)
        return cls(folder, (data_fingerprint(collection), kind, f"seed {seed}", seen, machine_told()))

    def find(self, *what: str) -> dict[str, Any] | None:
        """What was kept before, if anything; a file that cannot be read is nothing."""
        if self._folder is None:
            return None
        try:
            kept = json.loads(self._path(self._folder, what).read_text(encoding="utf-8"))["figures"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return kept if isinstance(kept, dict) else None

    def keep(self, figures: dict[str, Any], *what: str) -> None:
        """Write figures down. Raises `UnusableSource` where the folder cannot be written to."""
        if self._folder is None:
            return
        told = {"of": [*self._of, *what], "figures": figures}
        with whole_file(self._path(self._folder, what)) as path:
            path.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _path(self, folder: Path, what: tuple[str, ...]) -> Path:
        key = json.dumps([_FORMAT, *self._of, *what])
        return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
