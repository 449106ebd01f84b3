"""Reading one picture safely: whatever the file, an upright RGB array or `UnreadablePicture` with the reason.

Pillow reads the header and the odd formats. OpenCV decodes the two usual ones in which it was measured to be faster
(JPEG by a third, WebP by half); whatever OpenCV will not decode, Pillow judges. Both give the same pixels, which the
tests check. Colour profiles are ignored: the numbers in the file are taken as sRGB.
"""

from __future__ import annotations

import io
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from data.errors import UnreadablePicture

MAX_PIXELS = 100_000_000
MAX_BYTES = 1 << 30  # 100 megapixels of 16-bit RGBA, uncompressed, are 0.8 GB

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_ORIENTATION_TAG = 0x0112
_BAND_ROWS = 128

# The warning filters are one list for the whole process: two threads that change it at once would leave it changed.
_warning_filters = threading.RLock()


def read_picture(source: str | Path | bytes, name: str | None = None) -> UInt8[np.ndarray, "height width 3"]:
    """Read a JPEG, PNG, WebP, BMP, GIF (first frame) or TIFF picture as upright 8-bit RGB.

    The EXIF orientation is applied and transparency is laid on white. Grey, palette, CMYK and 16-bit pictures are
    converted (of 16 bits the upper 8 are kept). The size is read from the header, before any pixel is decoded.
    `name` is what an error calls the picture; by default its path.

    Raises `UnreadablePicture`, with the place and the reason, for everything that gives no whole picture: a missing,
    empty, truncated or foreign file, a folder, more than 100 megapixels.
    """
    if name is None:
        name = "<bytes>" if isinstance(source, bytes) else str(source)
    encoded = source if isinstance(source, bytes) else read_file(Path(source), name)
    if not encoded:
        raise UnreadablePicture(name, "the file is empty")
    try:
        return _decode(encoded, name)
    except UnreadablePicture:
        raise
    except UnidentifiedImageError:
        raise UnreadablePicture(name, "not a JPEG, PNG, WebP, BMP, GIF or TIFF picture") from None
    except Image.DecompressionBombError:  # Pillow's own limit, which is above ours
        raise UnreadablePicture(name, f"too large; the limit is {MAX_PIXELS // 10**6} megapixels") from None
    except Exception as error:  # damaged files raise nearly anything in a decoder, and one must not end a batch
        raise UnreadablePicture(name, f"cannot be decoded: {error or type(error).__name__}") from error


def read_picture_with_alpha(path: Path) -> UInt8[np.ndarray, "height width 4"]:
    """The picture as RGBA, for those who lay it on a background of their own; raises UnreadablePicture.

    Transparency is kept where OpenCV decodes it as 8 bits; every other picture is opaque, as `read_picture` gives it.
    """
    opaque = read_picture(path)  # refuses what is damaged or far too large before OpenCV decodes it
    try:
        picture = cv2.imdecode(np.frombuffer(read_file(path, str(path)), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        picture = None
    if picture is None or picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 4:
        return np.asarray(cv2.cvtColor(opaque, cv2.COLOR_RGB2RGBA), np.uint8)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), np.uint8)


def read_file(path: Path, name: str) -> bytes:
    """The bytes of a regular file of at most MAX_BYTES. Raises UnreadablePicture for all else."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UnreadablePicture(name, "a folder, not a picture")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadablePicture(name, "not a regular file")
        if status.st_size > MAX_BYTES:
            raise UnreadablePicture(name, f"{status.st_size:,} bytes; the limit is {MAX_BYTES:,}")
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadablePicture(name, "there is no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise UnreadablePicture(name, getattr(error, "strerror", None) or str(error)) from error


def _decode(encoded: bytes, name: str) -> UInt8[np.ndarray, "height width 3"]:
    with _without_warnings():
        image = Image.open(io.BytesIO(encoded), formats=_FORMATS)
    width, height = image.size
    if width < 1 or height < 1:
        raise UnreadablePicture(name, f"no pixels: {width} x {height}")
    if width * height > MAX_PIXELS:
        raise UnreadablePicture(name, f"{width} x {height} pixels; the limit is {MAX_PIXELS // 10**6} megapixels")
    pixels = _decode_with_opencv(encoded, image)
    if pixels is None:
        pixels = _decode_with_pillow(image)
    pixels = _on_white(pixels) if pixels.shape[2] == 4 else pixels
    return np.ascontiguousarray(_turn_upright(pixels, _orientation(image)))


def _decode_with_opencv(encoded: bytes, image: Image.Image) -> UInt8[np.ndarray, "height width channels"] | None:
    """The pixels of a plain JPEG or still WebP, RGB or RGBA, not yet upright; None where Pillow has to decide."""
    # OpenCV writes to stderr about a JPEG without its end marker; Pillow refuses it in words.
    whole_jpeg = image.format in ("JPEG", "MPO") and encoded.endswith(b"\xff\xd9")
    plain_jpeg = whole_jpeg and image.mode in ("L", "RGB")
    still_webp = image.format == "WEBP" and not getattr(image, "is_animated", False)
    if not (plain_jpeg or still_webp):
        return None
    has_alpha = image.mode == "RGBA"
    flags = cv2.IMREAD_UNCHANGED if has_alpha else cv2.IMREAD_COLOR_RGB
    try:
        pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if pixels is None or pixels.shape != (image.height, image.width, 4 if has_alpha else 3):
        return None
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA) if has_alpha else pixels


def _decode_with_pillow(image: Image.Image) -> UInt8[np.ndarray, "height width channels"]:
    """The pixels of any picture that Pillow opens, RGB or RGBA, not yet upright."""
    # A PNG warns of nothing while it is decoded, and it is too usual to let other threads wait for it.
    with nullcontext() if image.format == "PNG" else _without_warnings():
        image.load()
        if image.mode in ("I", "F"):
            raise ValueError("32-bit pixels have no known white; save it with 8 or 16 bits")
        if image.mode.startswith("I;16"):
            return _from_grey_16(image)
        return np.array(image.convert("RGBA" if image.has_transparency_data else "RGB"))


def _from_grey_16(image: Image.Image) -> UInt8[np.ndarray, "height width channels"]:
    """16-bit grey, which Pillow's own conversion clips at 255 instead of scaling."""
    values = np.asarray(image).astype(np.uint16)
    channels = [(values >> 8).astype(np.uint8)] * 3
    if "transparency" in image.info:
        channels.append(np.where(values == image.info["transparency"], 0, 255).astype(np.uint8))
    return np.dstack(channels)


def _on_white(rgba: UInt8[np.ndarray, "height width 4"]) -> UInt8[np.ndarray, "height width 3"]:
    """colour x alpha + 255 x (1 - alpha), rounded; in bands, so that a large picture needs little besides itself."""
    flat = np.empty((*rgba.shape[:2], 3), np.uint8)
    for top in range(0, len(rgba), _BAND_ROWS):
        band = slice(top, top + _BAND_ROWS)
        alpha = rgba[band, :, 3:].astype(np.uint16)
        flat[band] = (rgba[band, :, :3] * alpha + (255 - alpha) * np.uint16(255) + np.uint16(127)) // np.uint16(255)
    return flat


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none or none that can be read."""
    with _without_warnings():
        try:
            orientation = image.getexif().get(_ORIENTATION_TAG, 1)
        except Exception:  # broken EXIF is common and says nothing about the pixels
            return 1
    return orientation if orientation in range(1, 9) else 1


def _turn_upright(
    pixels: UInt8[np.ndarray, "height width 3"], orientation: int
) -> UInt8[np.ndarray, "upright_height upright_width 3"]:
    """Undo an EXIF orientation (Exif 2.32, tag 0x0112): 2 to 4 mirror or turn, 5 to 8 swap rows and columns as well."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep Pillow's warnings about sizes and metadata to itself: sizes are checked here, metadata does not matter."""
    with _warning_filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
