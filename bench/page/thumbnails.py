"""Small pictures of the collection, read anew when the page needs them and kept as text."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

import cv2
import numpy as np

from data.canvas.fitting import in_square
from data.errors import KaodexError
from data.pictures import read_picture
from embedder.crop import crop_face
from embedder.detectors import Detection

_QUALITY = 80


class Thumbnails:
    """Positions of pictures to `<img>` elements; one picture is in memory at a time."""

    def __init__(self, paths: Sequence[Path], places: Sequence[Detection], side: int = 96) -> None:
        """`places` are what to show of each picture; `side` in pixels."""
        self._paths = paths
        self._side = side
        self._places = places
        self._made: dict[int, str] = {}

    def uri(self, position: int) -> str:
        """The place that stands for the picture as a data URI; empty where the file cannot be read any more."""
        if position not in self._made:
            self._made[position] = self._make(self._paths[position], self._places[position])
        return self._made[position]

    def img(self, position: int, title: str) -> str:
        """The element, with its title for those who hover or cannot see."""
        words = escape(title, quote=True)
        return f'<img class="face" src="{self.uri(position)}" alt="{words}" title="{words}" loading="lazy">'

    def _make(self, path: Path, place: Detection) -> str:
        try:
            picture = read_picture(path)
        except KaodexError:
            return ""
        face = in_square(crop_face(picture, place), self._side, (255, 255, 255))
        done, code = cv2.imencode(".jpg", np.ascontiguousarray(face[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        return f"data:image/jpeg;base64,{base64.b64encode(code.tobytes()).decode()}" if done else ""
