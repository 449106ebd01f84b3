"""Which reference holds each face of a picture."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

_MOST_RECENT = 65_536


class FaceTable:
    """References by the numbers of their faces, at 16 bytes each: sorted arrays, and a dictionary of the newest."""

    def __init__(self) -> None:
        self._faces = np.empty(0, np.int64)
        self._holders = np.empty(0, np.int64)
        self._recent: dict[int, int] = {}

    def holders(self, faces: Int64[np.ndarray, " faces"]) -> Int64[np.ndarray, " faces"]:
        """The reference that came in last with each face; -1 where none did."""
        get = self._recent.get
        found = np.fromiter((get(face, -1) for face in faces.tolist()), np.int64, len(faces))
        if len(self._faces):
            at = np.minimum(np.searchsorted(self._faces, faces), len(self._faces) - 1)
            found = np.where((found < 0) & (self._faces[at] == faces), self._holders[at], found)
        return found

    def put(self, faces: Int64[np.ndarray, " faces"], holders: Int64[np.ndarray, " faces"]) -> None:
        """Note who holds these faces from now on."""
        self._recent.update(zip(faces.tolist(), holders.tolist(), strict=True))
        if len(self._recent) > _MOST_RECENT:
            faces = np.concatenate([self._faces, np.fromiter(self._recent, np.int64)])
            holders = np.concatenate([self._holders, np.fromiter(self._recent.values(), np.int64)])
            latest = len(faces) - 1 - np.unique(faces[::-1], return_index=True)[1]
            self._faces, self._holders = faces[latest], holders[latest]
            self._recent.clear()
