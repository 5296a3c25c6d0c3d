"""Image files of a user: valid files are read, others are refused with name and reason."""

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from calotype.data.image_file import digest, read_picture
from calotype.util.errors import CalotypeError

RNG = np.random.default_rng(0)
GREY, COLOUR = RNG.integers(0, 256, (6, 9), np.uint8), RNG.integers(0, 256, (6, 9, 3), np.uint8)


def saved(path: Path, image: Image.Image, **how) -> Path:
    image.save(path, **how)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_colours_come_red_first_whatever_the_format(tmp_path, suffix):
    how = {"lossless": True} if suffix == ".webp" else {}
    found = read_picture(saved(tmp_path / f"a{suffix}", Image.fromarray(COLOUR), **how))
    assert found.pixels.dtype == np.uint8
    assert np.array_equal(found.pixels, COLOUR)


def test_jpeg_is_read_to_within_its_losses(tmp_path):
    smooth = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    found = read_picture(saved(tmp_path / "a.JPG", Image.fromarray(smooth), format="JPEG", quality=95))
    assert np.abs(found.pixels.astype(int) - smooth).max() <= 3


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_a_grey_image_keeps_one_channel(tmp_path, suffix):
    found = read_picture(saved(tmp_path / f"a{suffix}", Image.fromarray(GREY)))
    assert np.array_equal(found.pixels, GREY[..., None])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("image", [GREY, COLOUR])
def test_sixteen_bits_are_kept(tmp_path, suffix, image):
    wide = image.astype(np.uint16) * 256 + 7
    cv2.imwrite(str(tmp_path / f"a{suffix}"), wide[..., ::-1] if wide.ndim == 3 else wide)
    found = read_picture(tmp_path / f"a{suffix}")
    assert found.pixels.dtype == np.uint16
    assert np.array_equal(found.pixels.reshape(wide.shape), wide)


def test_a_palette_and_black_and_white_are_images_too(tmp_path):
    few = Image.fromarray(COLOUR).quantize(4)
    assert np.array_equal(read_picture(saved(tmp_path / "p.png", few)).pixels, np.asarray(few.convert("RGB")))
    bits = Image.fromarray(GREY).convert("1")
    assert np.array_equal(read_picture(saved(tmp_path / "b.png", bits)).pixels[..., 0], np.asarray(bits.convert("L")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_that_lies_on_its_side_is_brought_upright(tmp_path, orientation):
    image, exif = Image.fromarray(COLOUR), Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", image, exif=exif)
    from PIL import ImageOps

    with Image.open(path) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))
    assert np.array_equal(read_picture(path).pixels, upright)


def test_the_same_pixels_have_the_same_digest_in_another_format(tmp_path):
    one = read_picture(saved(tmp_path / "a.png", Image.fromarray(COLOUR)))
    two = read_picture(saved(tmp_path / "a.bmp", Image.fromarray(COLOUR)))
    assert digest(one.pixels) == digest(two.pixels)
    assert one.sha256 != two.sha256
    turned = read_picture(saved(tmp_path / "b.bmp", Image.fromarray(COLOUR.reshape(9, 6, 3))))
    assert digest(turned.pixels) != digest(one.pixels)


def test_a_grey_image_saved_in_colour_is_the_same_image(tmp_path):
    one = read_picture(saved(tmp_path / "a.png", Image.fromarray(GREY)))
    two = read_picture(saved(tmp_path / "b.png", Image.fromarray(GREY).convert("RGB")))
    assert digest(one.pixels) == digest(two.pixels)


TRANSPARENT = np.dstack([COLOUR, np.full((6, 9), 255, np.uint8)])
TRANSPARENT[0, 0, 3] = 0
TRANSPARENT[1, 1, 3] = 51


def test_transparency_is_never_lost_without_a_word(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(TRANSPARENT))
    with pytest.raises(CalotypeError, match=r"a.png: has transparent pixels.*\n.*alpha: drop"):
        read_picture(path)
    assert np.array_equal(read_picture(path, alpha="drop").pixels, COLOUR)
    white, black = (read_picture(path, alpha=colour).pixels for colour in ("white", "black"))
    assert (white[0, 0] == 255).all()
    assert (black[0, 0] == 0).all()
    assert np.array_equal(black[1, 1], np.rint(COLOUR[1, 1] * 0.2))
    assert np.array_equal(white[2:], COLOUR[2:])


def test_an_alpha_channel_that_hides_nothing_is_no_reason_to_refuse(tmp_path):
    opaque = np.dstack([COLOUR, np.full((6, 9), 255, np.uint8)])
    assert np.array_equal(read_picture(saved(tmp_path / "a.png", Image.fromarray(opaque))).pixels, COLOUR)


def png_that_claims(width: int, height: int) -> bytes:
    """Return a small PNG file with a large size in its header."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def encoded(image: Image.Image, kind: str, **how) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


NOISE = Image.fromarray(RNG.integers(0, 256, (40, 40, 3), np.uint8))
FRAMES = [Image.fromarray(np.full((8, 8, 3), 40 * i, np.uint8)) for i in range(3)]
ANIMATED = {"save_all": True, "append_images": FRAMES[1:]}
BAD = {
    "empty.png": (b"", "the file is empty"),
    "text.png": (b"not an image at all", "not an image"),
    "html.jpg": (b"<html><body>404</body></html>", "not an image"),
    "header.png": (b"\x89PNG\r\n\x1a\n", "its end is missing"),
    "zeros.jpg": (bytes(500), "not an image"),
    "bomb.png": (png_that_claims(60_000, 60_000), "claims more than 100,000,000 px"),
    "large.png": (png_that_claims(12_000, 12_000), "claims more than 100,000,000 px"),
    "short.png": (png_that_claims(500, 500), "truncated or damaged"),
    "animated.webp": (encoded(FRAMES[0], "WEBP", **ANIMATED), "contains 3 images"),
    "animated.png": (encoded(FRAMES[0], "PNG", **ANIMATED), "contains 3 images"),
    "pages.tif": (encoded(FRAMES[0], "TIFF", **ANIMATED), "contains 3 images"),
    "gif.png": (encoded(FRAMES[0], "GIF"), "of the format GIF"),
    "cmyk.jpg": (encoded(NOISE.convert("CMYK"), "JPEG"), "its pixels are CMYK"),
    "cmyk.tif": (encoded(NOISE.convert("CMYK"), "TIFF"), "its pixels are CMYK"),
    "float.tif": (encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "its pixels are float32"),
    "wide.tif": (encoded(Image.fromarray(np.ones((4, 4), np.int32)), "TIFF"), "its pixels are int32"),
    "ones.svg.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
} | {
    f"cut-{part}{suffix}": (content[: int(len(content) * part)], "truncated|damaged|not an image")
    for suffix, kind in ((".png", "PNG"), (".jpg", "JPEG"), (".tif", "TIFF"), (".bmp", "BMP"), (".webp", "WEBP"))
    for content in (encoded(NOISE, kind),)
    for part in (0.02, 0.5, 0.97)
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_whole_image_is_named_with_the_reason(tmp_path, name):
    content, problem = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CalotypeError, match=problem) as caught:
        read_picture(tmp_path / name, name=name)
    assert str(caught.value).startswith(f"{name}: ")
    assert "Hint: " in str(caught.value)


def test_a_file_that_is_not_there_or_may_not_be_read_is_named(tmp_path):
    with pytest.raises(CalotypeError, match=r"gone.png: cannot be read: No such file"):
        read_picture(tmp_path / "gone.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(CalotypeError, match=r"folder.png: cannot be read: Is a directory"):
        read_picture(tmp_path / "folder.png")


def test_an_image_under_the_name_of_another_format_is_read(tmp_path):
    found = read_picture(saved(tmp_path / "a.png", NOISE, format="BMP"))
    assert np.array_equal(found.pixels, read_picture(saved(tmp_path / "b.png", NOISE)).pixels)
