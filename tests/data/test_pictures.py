"""`read_picture`: the same pixels from every format, and a reason where there are none."""

import io
import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data import read_picture
from data.errors import UnreadablePicture
from data.pictures import _decode_with_opencv, _decode_with_pillow

ORIENTATION = 0x0112


def smooth(width=48, height=32, channels=3, seed=0):
    """A picture of soft blobs of strong colours: kind to JPEG, and with no symmetry to hide a wrong turn."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, channels), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def difference(left, right):
    assert left.shape == right.shape
    return np.abs(left.astype(int) - right.astype(int))


@pytest.mark.parametrize(
    ("file_format", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("WEBP", {"quality": 95}, 24),
        ("JPEG", {"quality": 95, "subsampling": 0}, 12),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}, 12),
    ],
)
def test_colour_and_place_survive_every_format(file_format, options, tolerance):
    pixels = smooth()
    read = read_picture(encoded(Image.fromarray(pixels), file_format, **options))
    assert read.dtype == np.uint8 and read.flags.c_contiguous and read.flags.writeable
    assert difference(read, pixels).max() <= tolerance


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_opencv_and_pillow_decode_alike(file_format, mode):
    image = Image.fromarray(smooth(61, 47)).convert(mode)
    data = encoded(image, file_format, quality=80)
    fast = _decode_with_opencv(data, Image.open(io.BytesIO(data)))
    slow = _decode_with_pillow(Image.open(io.BytesIO(data)))
    assert fast is not None
    assert difference(fast, slow).max() <= 2


def test_opencv_and_pillow_decode_transparent_webp_alike():
    image = Image.fromarray(smooth(channels=4))
    data = encoded(image, "WEBP", lossless=True, exact=True)
    fast = _decode_with_opencv(data, Image.open(io.BytesIO(data)))
    assert difference(fast, _decode_with_pillow(Image.open(io.BytesIO(data)))).max() == 0
    assert difference(fast, np.asarray(image)).max() == 0


def test_palette_grey_and_bilevel_become_rgb():
    image = Image.fromarray(smooth())
    for converted in (image.quantize(16), image.convert("L"), image.convert("1")):
        read = read_picture(encoded(converted, "PNG"))
        assert difference(read, np.asarray(converted.convert("RGB"))).max() == 0


def test_first_frame_of_a_gif():
    frames = [Image.new("P", (8, 6), 1), Image.new("P", (8, 6), 2)]
    for frame in frames:
        frame.putpalette([0, 0, 0, 200, 30, 10, 10, 30, 200])
    read = read_picture(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert read.shape == (6, 8, 3)
    assert (read == [200, 30, 10]).all()


def test_first_frame_of_a_moving_webp():
    frames = [Image.new("RGB", (8, 6), colour) for colour in ((200, 30, 10), (10, 30, 200))]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert (read_picture(data) == [200, 30, 10]).all()


def test_cmyk_jpeg_and_tiff():
    image = Image.fromarray(smooth())
    for file_format, options in (("JPEG", {"quality": 95}), ("TIFF", {})):
        data = encoded(image.convert("CMYK"), file_format, **options)
        assert difference(read_picture(data), np.asarray(image)).mean() < 2


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_keep_the_upper_eight(suffix, channels):
    pixels = np.random.default_rng(1).integers(0, 65536, (9, 7, channels), dtype=np.uint16)
    _, data = cv2.imencode(suffix, pixels)  # OpenCV writes BGR
    expected = np.broadcast_to((pixels >> 8).astype(np.uint8)[..., ::-1], (9, 7, 3))
    assert difference(read_picture(data.tobytes()), expected).max() == 0


def test_sixteen_bit_alpha_is_laid_on_white():
    pixels = np.zeros((2, 3, 4), np.uint16)
    pixels[0, :, 3] = 65535
    _, data = cv2.imencode(".png", pixels)
    read = read_picture(data.tobytes())
    assert (read[0] == 0).all() and (read[1] == 255).all()


def test_sixteen_bit_grey_with_a_transparent_value():
    grey = np.array([[0, 1000, 65535]], np.uint16)
    data = encoded(Image.fromarray(grey), "PNG", transparency=1000)
    assert read_picture(data)[0, :, 0].tolist() == [0, 255, 255]


def test_pixels_without_a_known_white_are_refused():
    with pytest.raises(UnreadablePicture, match="save it with 8 or 16 bits"):
        read_picture(encoded(Image.fromarray(np.ones((3, 3), np.float32)), "TIFF"))


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_alpha_is_laid_on_white(file_format):
    pixels = smooth(channels=4)
    options = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
    read = read_picture(encoded(Image.fromarray(pixels), file_format, **options))
    alpha = pixels[..., 3:] / 255
    assert difference(read, np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha))).max() <= 0


def test_transparent_palette_colour_grey_alpha_and_rgb_key_are_laid_on_white():
    image = Image.fromarray(smooth())
    palette = image.quantize(8)
    grey_alpha = Image.fromarray(smooth(channels=2))
    key = tuple(int(value) for value in np.asarray(image)[0, 0])
    for data in (
        encoded(palette, "PNG", transparency=3),
        encoded(palette, "PNG", transparency=bytes([0, 128, 255, 30, 255, 255, 255, 255])),
        encoded(grey_alpha, "PNG"),
        encoded(image, "PNG", transparency=key),
        encoded(palette, "GIF", transparency=2),
    ):
        rgba = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(float)
        assert rgba[..., 3].min() < 255
        alpha = rgba[..., 3:] / 255
        assert difference(read_picture(data), np.rint(rgba[..., :3] * alpha + 255 * (1 - alpha))).max() == 0


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(file_format, orientation):
    undo = {  # what each value asks for, in Pillow's words (Exif 2.32, tag 0x0112)
        1: lambda image: image,
        2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
        4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
        6: lambda image: image.transpose(Image.Transpose.ROTATE_270),
        7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
        8: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    }[orientation]
    image = Image.fromarray(smooth())
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"quality": 95, "subsampling": 0} if file_format == "JPEG" else {}
    options |= {"lossless": True} if file_format == "WEBP" else {}
    read = read_picture(encoded(image, file_format, exif=exif.tobytes(), **options))
    assert difference(read, np.asarray(undo(image))).max() <= (12 if file_format == "JPEG" else 0)


def test_broken_exif_leaves_the_picture_as_it_is():
    pixels = smooth()
    for exif in (b"Exif\x00\x00garbage", b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff\x12\x01\x03\x00"):
        assert read_picture(encoded(Image.fromarray(pixels), "JPEG", exif=exif)).shape == pixels.shape


def test_an_orientation_out_of_range_is_ignored():
    exif = Image.Exif()
    exif[ORIENTATION] = 77
    assert read_picture(encoded(Image.fromarray(smooth()), "JPEG", exif=exif.tobytes())).shape == (32, 48, 3)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_truncated_files_are_refused_without_a_word_from_the_decoders(file_format, share, capfd):
    data = encoded(Image.fromarray(smooth(200, 160, seed=3)), file_format)
    with pytest.raises(UnreadablePicture, match="broken"):
        read_picture(data[: int(len(data) * share)], name="broken")
    assert capfd.readouterr() == ("", "")


@given(st.binary(max_size=200), st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"]), st.data())
def test_any_damage_gives_a_picture_or_the_one_error(noise, file_format, data):
    whole = bytearray(encoded(Image.fromarray(smooth(24, 16)), file_format))
    start = data.draw(st.integers(0, len(whole)))
    whole[start : start + len(noise)] = noise
    try:
        assert read_picture(bytes(whole)).dtype == np.uint8
    except UnreadablePicture as error:
        assert error.source == "<bytes>"
        assert error.reason


def png_of_header(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (9_500, 10_600), (2**31 - 1, 2**31 - 1)])
def test_over_100_megapixels_is_refused_by_its_header(width, height):
    with pytest.raises(UnreadablePicture, match="100 megapixels"):
        read_picture(png_of_header(width, height))


def test_just_under_the_limit_is_judged_by_its_pixels_without_a_warning():
    with pytest.raises(UnreadablePicture, match="cannot be decoded"):
        read_picture(png_of_header(10_000, 9_999))


def test_zero_size_is_refused():
    for data in (png_of_header(0, 10), b"GIF89a\x00\x00\x00\x00\x00\x00\x00"):
        with pytest.raises(UnreadablePicture):
            read_picture(data)


def test_what_is_no_picture_is_named_with_its_reason(tmp_path: Path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("this is not a picture, whatever its name says")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    for name, reason in {
        "empty.png": "empty",
        "text.png": "not a JPEG",
        "folder.png": "folder",
        "pipe.png": "regular file",
        "missing.png": "no such file",
    }.items():
        with pytest.raises(UnreadablePicture, match=reason) as caught:
            read_picture(tmp_path / name)
        assert caught.value.source == str(tmp_path / name)
    with pytest.raises(UnreadablePicture):
        read_picture("null\0character.png")


def test_path_text_and_bytes_are_one(tmp_path: Path):
    path = tmp_path / "絵.png"
    Image.fromarray(smooth()).save(path)
    for source in (path, str(path), path.read_bytes()):
        assert difference(read_picture(source), smooth()).max() == 0


def test_a_name_replaces_the_path_in_errors():
    with pytest.raises(UnreadablePicture, match=r"^upload 3: "):
        read_picture(b"", name="upload 3")


def test_threads_leave_the_warning_filters_alone():
    before = list(warnings.filters)
    pictures = [encoded(Image.fromarray(smooth(seed=seed)), kind) for seed in range(20) for kind in ("PNG", "TIFF")]
    with ThreadPoolExecutor(8) as pool:
        assert all(read.shape == (32, 48, 3) for read in pool.map(read_picture, pictures))
    assert list(warnings.filters) == before
