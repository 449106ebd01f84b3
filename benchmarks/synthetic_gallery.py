"""A gallery of vectors that lie like encodings (see `vectors.py`), 20 of an identity, with drawn faces as crops."""

from __future__ import annotations

import hashlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from vectors import DIMENSION, EACH, references

from data.gallery_place import GalleryPlace
from index.gallery import Gallery
from index.records import EncoderStamp, NewReference

STAMP = EncoderStamp("synthetic", "0" * 64, DIMENSION)
KIND = "character"
FACES = 64
"""Crops that are drawn, and given to the references in turn."""


def new_reference(number: int, encoding: np.ndarray, crop: bytes) -> NewReference:
    """The reference of this number; 20 of an identity after those of another."""
    digest = hashlib.sha256(str(number).encode()).digest()
    return NewReference(
        identity=f"identity {number // EACH:06}",
        sha256=digest,
        source=f"references/identity {number // EACH:06}/{number % EACH:02}.jpg",
        box=(40, 30, 200, 190),
        region="face",
        detection=0.9,
        hash=int.from_bytes(digest[:8], "big"),
        encoding=encoding.astype(np.float16),
        crop=crop,
    )


def crops() -> list[bytes]:
    """Drawn faces, stored as the gallery stores them."""
    import cv2

    from data.drawn import draw_face
    from index.recognizer import Recognizer

    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "drawn"
        drawn.mkdir()
        for number in range(FACES):
            picture = cv2.cvtColor(draw_face(number, number, number, 320), cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(drawn / f"{number}.png"), picture)
        small = Path(folder) / "small.kaodex"
        with Recognizer.open(small, create=True, detector="whole", device="cpu") as recognizer:
            recognizer.enroll(drawn, name="drawn")
            return [recognizer.gallery.crop(one.id) for one in recognizer.gallery.references("drawn")]


def enrol_synthetic(place: GalleryPlace, size: int, batch: int) -> dict[str, float]:
    """Enrol so many references at an empty place, in batches; how long that took, without drawing the crops.

    Ends the program where the place is not empty.
    """
    stored = crops()
    began = time.perf_counter()
    number = 0
    with Gallery.create(place, device="cpu") as gallery:
        if len(gallery):
            raise SystemExit(f"{place} is not empty: name a place that is")
        command = gallery.begin(f"enroll {size} synthetic references")
        for block in references(size):
            for start in range(0, len(block), batch):
                some = []
                for encoding in block[start : start + batch]:
                    some.append(new_reference(number, encoding, stored[number % FACES]))
                    number += 1
                gallery.enroll(some, STAMP, command=command)
                print(f"\r{number:,} enrolled", end="", file=sys.stderr)
    print(file=sys.stderr)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "per_second": size / seconds, "crop_bytes": statistics.mean(map(len, stored))}
