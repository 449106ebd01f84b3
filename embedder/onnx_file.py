"""What an ONNX file says about the files that it needs beside it, read without running or trusting any of it."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from data.errors import UnusableEncoder

# Field numbers of onnx.proto3 on the way from a model to where its tensors lie.
_INSIDE = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_DEEPEST = 200


def external_files(path: Path) -> list[Path]:
    """The files in which an ONNX model keeps weights of its own, sorted; none where all lie in the model itself.

    Raises UnusableEncoder for a file that is no ONNX model, and for weights outside its folder.
    """
    folder = path.parent.resolve()
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            places = set(_locations(content, 0, len(content), "model", 0))
    except (IndexError, UnicodeDecodeError, ValueError, OSError) as error:
        raise UnusableEncoder(f"{path} is not an ONNX model ({error}); fetch it again") from error
    for place in places:
        if not (folder / place).resolve().is_relative_to(folder):
            raise UnusableEncoder(
                f"{path} wants to read weights from '{place}', outside its own folder, which is refused: "
                "put them beside it, and export it so that it says so"
            )
    return sorted(folder / place for place in places)


def _locations(content: mmap.mmap, start: int, end: int, what: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError("its parts lie too deep in each other")
    key = b""
    for number, begin, stop in _fields(content, start, end):
        if what == "entry":  # of a tensor's external data: field 1 is the key, field 2 its value
            if number == 1:
                key = content[begin:stop]
            elif number == 2 and key == b"location":
                yield content[begin:stop].decode()
        elif number in _INSIDE[what]:
            yield from _locations(content, begin, stop, _INSIDE[what][number], depth + 1)


def _fields(content: mmap.mmap, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, first byte, byte past the last) of each field of a message that has a length."""
    while position < end:
        tag, position = _varint(content, position)
        kind = tag & 7
        if kind == _VARINT:
            _, position = _varint(content, position)
        elif kind == _EIGHT_BYTES:
            position += 8
        elif kind == _FOUR_BYTES:
            position += 4
        elif kind == _LENGTH:
            length, position = _varint(content, position)
            if position + length > end:
                raise ValueError("it ends too early")
            yield tag >> 3, position, position + length
            position += length
        else:
            raise ValueError(f"it holds a field of the unknown kind {kind}")


def _varint(content: mmap.mmap, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("it holds a number without end")
