"""Where pictures come from: reading, folders, splits, drawn characters.

The names below are loaded when first asked for, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data.folders import PICTURE_SUFFIXES, Found, LabelledPicture, find_pictures, list_pictures
    from data.pictures import read_picture

__all__ = ["PICTURE_SUFFIXES", "Found", "LabelledPicture", "find_pictures", "list_pictures", "read_picture"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'data' has no attribute {name!r}")
    return getattr(import_module("data.pictures" if name == "read_picture" else "data.folders"), name)
