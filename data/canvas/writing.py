"""Pictures written to files, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from data.errors import UnusableSource
from data.whole_file import whole_file

LONGEST_SIDE = {".webp": 16_383, ".jpg": 65_500, ".jpeg": 65_500}  # in pixels, as the encoders have it
SETTINGS = {
    ".png": [],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 90],
}


def write_picture(path: str | Path, picture: UInt8[np.ndarray, "height width 3"]) -> None:
    """Write an RGB picture as PNG, JPEG or WebP, as the path's suffix says; missing folders are made.

    The file appears complete under its name or not at all: it is written beside it first. Raises UnusableSource for
    another suffix, for a picture that the format cannot hold (WebP ends at 16,383 pixels a side, JPEG at 65,500), and
    where the system refuses to write.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SETTINGS:
        raise UnusableSource(f"{path}: cannot write a picture of this kind; end the name in {', '.join(SETTINGS)}")
    height, width = picture.shape[:2]
    fits = min(height, width) > 0 and max(height, width) <= LONGEST_SIDE.get(suffix, width + height)
    done, code = (
        cv2.imencode(suffix, np.ascontiguousarray(picture[..., ::-1]), SETTINGS[suffix]) if fits else (False, None)
    )
    if not done or code is None:
        cure = "try .png" if min(height, width) else "it has no pixels"
        raise UnusableSource(f"{path}: a picture of {width} x {height} pixels cannot be written as {suffix}; {cure}")
    with whole_file(path) as unfinished:
        unfinished.write_bytes(code.tobytes())
