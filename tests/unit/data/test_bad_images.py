"""An image that cannot be read is named, and nothing is written."""

import pickle
import resource
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from handmade import bmp, chunk, encoded, png, tiff
from PIL import Image
from unit.leaves import COLOUR, GREY, GREY16, LEAVES, by_opencv, configured, refused

from calotype.data.catalogue import write_catalogue
from calotype.util.errors import CalotypeError

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


ANIMATED = {"save_all": True, "append_images": [Image.fromarray(COLOUR[::-1]), Image.fromarray(COLOUR[:, ::-1])]}
WHOLE = {
    ".png": png(COLOUR),
    ".jpg": encoded(COLOUR, "JPEG"),
    ".tif": encoded(COLOUR, "TIFF", compression="tiff_lzw"),
    ".bmp": by_opencv(".bmp", COLOUR),
    ".webp": encoded(COLOUR, "WEBP", lossless=True),
}
NO_IMAGE, CUT, ODD = "not an image", "truncated or damaged", "rare type"


def damaged(content: bytes, place: int, *, by: int = 1) -> bytes:
    """Return the file with other bytes at a place."""
    return content[:place] + bytes(each ^ 0x5A for each in content[place : place + by]) + content[place + by :]


def claiming(width: int, height: int) -> bytes:
    """Return a JPEG file with another size in its header."""
    content = encoded(GREY, "JPEG")
    return content.replace(struct.pack(">HH", 11, 17), struct.pack(">HH", height, width), 1)


BOMB = zlib.compress(bytes(5_000_000), 9)
# The file: its bytes and the reason that must be given.
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", "the file is empty"),
    "empty.tif": (b"", "the file is empty"),
    "one-byte.jpg": (b"\xff", NO_IMAGE),
    "zeros.png": (bytes(4096), NO_IMAGE),
    "spaces.bmp": (b" " * 500, NO_IMAGE),
    "text.png": (b"Ein Bild, aber in Worten.\n", NO_IMAGE),
    "page-of-an-error.jpg": (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", NO_IMAGE),
    "drawing.png": (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", NO_IMAGE),
    "pointer.png": (b"version https://git-lfs.example.org/spec/v1\noid sha256:4d7a\nsize 12345\n", "Git LFS"),
    "array.png": (b"\x93NUMPY\x01\x00v\x00" + b" " * 117 + b"\n", NO_IMAGE),
    "archive.png": (b"PK\x03\x04" + bytes(60), NO_IMAGE),
    "document.jpg": (encoded(COLOUR, "PDF"), "a PDF file"),
    "pickle.png": (pickle.dumps({"image": [1, 2, 3]}), NO_IMAGE),
    "gif.png": (encoded(GREY, "GIF"), "of the format GIF"),
    "animated-gif.jpg": (encoded(Image.fromarray(COLOUR), "GIF", **ANIMATED), "of the format GIF"),
    "jpeg2000.jpg": (encoded(COLOUR, "JPEG2000"), "of the format JPEG2000"),
    "icon.bmp": (encoded(COLOUR, "ICO"), "of the format"),
    "portable.png": (encoded(COLOUR, "PPM"), "of the format PPM"),
    "words.png": (b"P2\n2 2\n255\n1 2 3 4\n", "of the format PPM"),
    "targa.tif": (encoded(COLOUR, "TGA"), "of the format TGA"),
    "animated.png": (encoded(Image.fromarray(COLOUR), "PNG", **ANIMATED), "contains 3 images"),
    "animated.webp": (encoded(Image.fromarray(COLOUR), "WEBP", **ANIMATED), "contains 3 images"),
    "pages.tif": (encoded(Image.fromarray(COLOUR), "TIFF", **ANIMATED), "contains 3 images"),
    "bomb.png": (png(GREY, claims=(60_000, 60_000)), "more than 100,000,000 px"),
    "large.png": (png(GREY, claims=(10_001, 10_000)), "more than 100,000,000 px"),
    "endless.png": (png(GREY, claims=(2**31 - 1, 2**31 - 1)), "more than 100,000,000 px"),
    "bomb.jpg": (claiming(65_535, 65_535), "more than 100,000,000 px"),
    "bomb.bmp": (bmp(COLOUR, claims=(2**31 - 1, 2**31 - 1)), "more than 100,000,000 px"),
    "backwards.bmp": (bmp(COLOUR, claims=(-17, 11)), "more than 100,000,000 px"),
    "bomb.tif": (tiff(GREY, claims=(65_535, 65_535)), "more than 100,000,000 px"),
    "bomb-in-a-comment.png": (png(GREY, before=chunk(b"zTXt", b"Comment\0\0" + BOMB)), CUT),
    "bomb-in-a-profile.png": (png(GREY, before=chunk(b"iCCP", b"profile\0\0" + BOMB)), CUT),
    "no-width.png": (png(GREY, claims=(0, 11)), NO_IMAGE),
    "no-height.bmp": (bmp(COLOUR, claims=(17, 0)), NO_IMAGE),
    "fewer-pixels.png": (png(GREY, claims=(170, 110)), CUT),
    "fewer-pixels.bmp": (bmp(COLOUR, claims=(170, 110)), CUT),
    "cmyk.jpg": (encoded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG"), "its pixels are CMYK"),
    "cmyk.tif": (encoded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), "its pixels are CMYK"),
    "lab.tif": (encoded(Image.fromarray(COLOUR).convert("LAB"), "TIFF"), "its pixels are LAB"),
    "floating.tif": (tiff(GREY.astype(np.float32), kind=3), "its pixels are float32"),
    "nan.tif": (tiff(np.full((11, 17), np.nan, np.float32), kind=3), "its pixels are float32"),
    "floating-colour.tif": (tiff(COLOUR.astype(np.float32), kind=3), "not integers of 8 or 16 bits"),
    "double.tif": (tiff(GREY.astype(np.float64), kind=3), "not integers of 8 or 16 bits"),
    "half.tif": (tiff(GREY.astype(np.float16), kind=3), "not integers of 8 or 16 bits"),
    "signed.tif": (tiff(GREY.astype(np.int8), kind=2), "its pixels are int8"),
    "signed-16.tif": (tiff(GREY16.astype(np.int16), kind=2), "its pixels are int16"),
    "signed-colour.tif": (tiff(COLOUR.astype(np.int8), kind=2), "not integers of 8 or 16 bits"),
    "32-bits.tif": (tiff(GREY.astype(np.uint32)), "its pixels are of 32 bits"),
    "64-bits.tif": (tiff(GREY.astype(np.uint64)), "its pixels are of 64 bits"),
    "two-channels.tif": (tiff(np.dstack([GREY, GREY])), "has 2 channels"),
    "seven-channels.tif": (tiff(np.dstack([COLOUR, COLOUR, GREY])), "has 7 channels"),
    "mask.tif": (tiff(GREY, photometric=4), "its pixels are MASK"),
    "no-meaning.tif": (tiff(GREY, photometric=99), "its pixels are 99"),
    "broken-checksum.png": (damaged(WHOLE[".png"], WHOLE[".png"].index(b"IDAT") + 30), CUT),
    "broken-header.png": (damaged(WHOLE[".png"], 17), ""),
    "broken-header.tif": (damaged(WHOLE[".tif"], 4, by=4), ""),
    "broken-header.bmp": (damaged(WHOLE[".bmp"], 28, by=2), ""),
    "broken-header.webp": (damaged(WHOLE[".webp"], 12, by=4), ""),
    "only-its-head.png": (WHOLE[".png"][:33], CUT),
    "no-end.jpg": (WHOLE[".jpg"][:-2], CUT),
    **{
        f"cut-at-{part:.0%}{suffix}": (content[: int(len(content) * part)], "")
        for suffix, content in WHOLE.items()
        for part in (0.01, 0.3, 0.6, 0.95)
    },
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_image_that_cannot_be_used_is_named_with_the_reason_and_nothing_is_written(leaves, name):
    shutil.copytree(leaves, "leaves")
    content, reason = BROKEN[name]
    Path("leaves/oak", name).write_bytes(content)
    text = refused(LEAVES, "leaves: 1 image(s) cannot be used:", f"\n  oak/{name}: ", reason)
    assert text.count("oak/") == 1


def test_an_image_that_takes_more_than_any_may_is_named_without_being_read(leaves):
    shutil.copytree(leaves, "leaves")
    with open("leaves/oak/huge.png", "wb") as file:
        file.truncate(700_000_001)
    dataset = configured(LEAVES).datasets["mine"]
    with pytest.raises(CalotypeError, match=r"oak/huge.png: a file of 700,000,001 bytes"):
        write_catalogue(dataset, Path("catalogue.csv"), Path("catalogue.json"))
    assert not [*Path().glob("catalogue*")]


# ---- Data that end early, which decoders fill with grey --------------------------------------------------------------

SMOOTH = np.clip(np.indices((60, 80)).sum(0)[..., None] + np.random.default_rng(0).normal(60, 20, (60, 80, 3)), 0, 255)
PHOTO = {name: encoded(SMOOTH.astype(np.uint8), "JPEG", quality=92, progressive=name == "progressive")
         for name in ("baseline", "progressive")}  # fmt: skip
HALVES: dict[str, Callable[[bytes], bytes]] = {
    "cut and closed": lambda half: half[: len(half) // 2] + b"\xff\xd9",
    "closed, then padded": lambda half: half[: len(half) // 2] + b"\xff\xd9" + bytes(len(half) // 2),
    "second half never written": lambda half: half[: len(half) // 2] + bytes(len(half) - len(half) // 2),
    "second half of zeros, with an end": lambda half: half[: len(half) // 2] + bytes(len(half) // 2) + b"\xff\xd9",
}


@pytest.mark.parametrize("kind", PHOTO)
@pytest.mark.parametrize("loss", HALVES)
def test_half_a_photo_is_not_taken_for_a_whole_one(leaves, loss, kind):
    shutil.copytree(leaves, "leaves")
    Path("leaves/oak/half.jpg").write_bytes(HALVES[loss](PHOTO[kind]))
    refused(LEAVES, "oak/half.jpg: truncated or damaged", "restore it, or delete it")


@pytest.mark.parametrize("bit", [0x80, 0x40, 0x10])
def test_a_damaged_length_in_a_png_takes_no_gigabytes(leaves, bit):
    shutil.copytree(leaves, "leaves")
    content = bytearray(WHOLE[".png"])
    content[content.index(b"IDAT") - 4] |= bit
    Path("leaves/oak/long.png").write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(LEAVES, "oak/long.png: truncated or damaged")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "KiB"
