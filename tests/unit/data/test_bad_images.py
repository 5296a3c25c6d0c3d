"""An image is read as its file says, whatever its kind; one that cannot be is named, and nothing is written."""

import io
import pickle
import resource
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from handmade import bmp, chunk, encoded, png, tiff
from numpy.typing import NDArray
from PIL import Image
from unit.leaves import ALPHA, COLOUR, COLOUR16, GREY, GREY16, HINT, LEAVES, configured, prepared, refused

from calotype.data.catalogue import write_catalogue
from calotype.util.errors import CalotypeError

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


# ---- Images that are read, and how -----------------------------------------------------------------------------------


def by_opencv(suffix: str, pixels: np.ndarray, *how: int) -> bytes:
    """Return a file written by OpenCV, which can write 16 bits in colour."""
    return cv2.imencode(suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels, how)[1].tobytes()


def lossy(content: bytes) -> np.ndarray:
    """Decode a file with lossy compression by another library."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB" if b"VP8" in content else None))


ALPHA16 = ALPHA.astype(np.uint16) * 257
LIES: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


def on(background: int, pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels laid on black (0) or white (1), computed with floats."""
    largest = np.iinfo(pixels.dtype).max
    part = (alpha / largest)[..., None] if pixels.ndim == 3 else alpha / largest
    return np.rint(pixels * part + background * largest * (1 - part)).astype(pixels.dtype)


def exif(orientation: int) -> bytes:
    found = Image.Exif()
    found[0x0112] = orientation
    return found.tobytes()


PALETTE = Image.fromarray(COLOUR).quantize(16)
BITS = Image.fromarray(GREY > 127)
AS_BITS = (np.asarray(BITS) * 255).astype(np.uint8)
JPEGS = {
    f"{name} JPEG, {what}": (encoded(pixels, "JPEG", **how), ".jpg")
    for name, pixels in (("grey", GREY), ("colour", COLOUR))
    for what, how in {
        "usual": {},
        "progressive": {"progressive": True},
        "colours in full": {"subsampling": 0, "quality": 98},
    }.items()
}
WEBP = encoded(COLOUR, "WEBP", quality=90)

# Each: its bytes, its suffix, the expected pixels, and their tolerance.
READ: dict[str, tuple[bytes, str, np.ndarray, int]] = {
    **{
        f"{name}, {kind}": (by_opencv(suffix, pixels, *how), suffix, pixels, 0)
        for name, pixels in {"grey": GREY, "colour": COLOUR, "grey 16": GREY16, "colour 16": COLOUR16}.items()
        for kind, suffix, *how in (
            ("PNG", ".png"),
            ("TIFF", ".tif"),
            ("TIFF, LZW", ".TIFF", cv2.IMWRITE_TIFF_COMPRESSION, 5),
            ("TIFF, deflate", ".tif", cv2.IMWRITE_TIFF_COMPRESSION, 8),
            ("TIFF, packbits", ".tif", cv2.IMWRITE_TIFF_COMPRESSION, 32773),
        )
    },
    **{
        f"{name}, {kind}": (write(pixels), suffix, pixels, 0)
        for name, pixels in {"grey": GREY, "colour": COLOUR, "grey 16": GREY16, "colour 16": COLOUR16}.items()
        for kind, suffix, write in (
            ("interlaced", ".png", lambda pixels: png(pixels, interlaced=True)),
            ("PNG with gamma", ".png", lambda pixels: png(pixels, before=chunk(b"gAMA", struct.pack(">I", 22222)))),
            ("bytes the other way round", ".tif", lambda pixels: tiff(pixels, order=">")),
        )
    },
    **{
        f"{name}, BMP": (by_opencv(".bmp", pixels), ".bmp", pixels, 0)
        for name, pixels in {"grey": GREY, "colour": COLOUR}.items()
    },
    **{what: (content, suffix, lossy(content), 3) for what, (content, suffix) in JPEGS.items()},
    **{
        f"white is 0, {name}": (tiff(pixels, photometric=0), ".tif", np.iinfo(pixels.dtype).max - pixels, 0)
        for name, pixels in {"8 bits": GREY, "16 bits": GREY16}.items()
    },
    **{
        f"{name} that lies as {number}": (tiff(pixels, orientation=number), ".tif", LIES[number](pixels), 0)
        for name, pixels in {"grey TIFF": GREY, "colour TIFF 16": COLOUR16}.items()
        for number in range(2, 9)
    },
    **{
        f"{kind} that lies as {number}": (
            encoded(COLOUR, kind, exif=exif(number), **how),
            suffix,
            LIES[number](COLOUR),
            0,
        )
        for kind, suffix, how in (("PNG", ".png", {}), ("WEBP", ".webp", {"lossless": True}))
        for number in (3, 5, 6)
    },
    "PNG that lies as there is no way to": (encoded(COLOUR, "PNG", exif=exif(9)), ".png", COLOUR, 0),
    "WebP without losses": (encoded(COLOUR, "WEBP", lossless=True), ".webp", COLOUR, 0),
    "WebP": (WEBP, ".webp", lossy(WEBP), 3),
    "palette, PNG": (encoded(PALETTE, "PNG"), ".png", np.asarray(PALETTE.convert("RGB")), 0),
    "palette, TIFF": (encoded(PALETTE, "TIFF"), ".tif", np.asarray(PALETTE.convert("RGB")), 0),
    "palette, BMP": (encoded(PALETTE, "BMP"), ".bmp", np.asarray(PALETTE.convert("RGB")), 0),
    "black and white, PNG": (encoded(BITS, "PNG"), ".png", AS_BITS, 0),
    "black and white, TIFF, as faxes are": (encoded(BITS, "TIFF", compression="group4"), ".tif", AS_BITS, 0),
    "black and white, BMP": (encoded(BITS, "BMP"), ".bmp", AS_BITS, 0),
    "BMP from the top down": (bmp(COLOUR, upside_down=True), ".bmp", COLOUR, 0),
    "colour TIFF, channels one after the other": (tiff(COLOUR, planar=True), ".tif", COLOUR, 0),
    "an alpha channel that hides nothing": (png(np.dstack([COLOUR, np.full_like(GREY, 255)])), ".png", COLOUR, 0),
    "colour TIFF of 16 bits, channels one after the other": (tiff(COLOUR16, planar=True), ".tif", COLOUR16, 0),
    "PNG under the name of a JPEG": (png(GREY), ".jpg", GREY, 0),
    "JPEG under the name of a PNG": (JPEGS["grey JPEG, usual"][0], ".png", lossy(JPEGS["grey JPEG, usual"][0]), 3),
    "bytes after the end": (png(GREY) + b"something else", ".png", GREY, 0),
    "16 bits, grey, with an alpha channel that hides nothing": (
        png(np.dstack([GREY16, np.full_like(GREY16, 65535)])),
        ".png",
        GREY16,
        0,
    ),
    "a suffix in capitals": (png(GREY), ".PNG", GREY, 0),
    "more pixels than it says": (png(np.vstack([GREY, GREY]), claims=(17, 11)), ".png", GREY, 0),
}
# With transparency: bytes, suffix, pixels without it, on black and on white.
SEEN_THROUGH: dict[str, tuple[bytes, str, np.ndarray, np.ndarray]] = {
    "PNG": (png(np.dstack([COLOUR, ALPHA])), ".png", COLOUR, ALPHA),
    "PNG of 16 bits": (png(np.dstack([COLOUR16, ALPHA16])), ".png", COLOUR16, ALPHA16),
    "grey PNG": (png(np.dstack([GREY, ALPHA])), ".png", GREY, ALPHA),
    "PNG with a colour to be seen through": (
        png(COLOUR, before=chunk(b"tRNS", struct.pack(">HHH", *COLOUR[0, 0].tolist()))),
        ".png",
        COLOUR,
        np.where((COLOUR[0, 0] == COLOUR).all(axis=2), 0, 255).astype(np.uint8),
    ),
    "PNG with a grey to be seen through": (
        png(GREY, before=chunk(b"tRNS", struct.pack(">H", GREY[0, 0]))),
        ".png",
        GREY,
        np.where(GREY[0, 0] == GREY, 0, 255).astype(np.uint8),
    ),
    "grey PNG of 16 bits with a grey to be seen through": (
        png(GREY16, before=chunk(b"tRNS", struct.pack(">H", GREY16[0, 0]))),
        ".png",
        GREY16,
        np.where(GREY16[0, 0] == GREY16, 0, 65535).astype(np.uint16),
    ),
    "palette with a colour to be seen through": (
        encoded(PALETTE, "PNG", transparency=3),
        ".png",
        np.asarray(PALETTE.convert("RGB")),
        np.where(np.asarray(PALETTE) == 3, 0, 255).astype(np.uint8),
    ),
    "TIFF": (tiff(np.dstack([COLOUR, ALPHA]), extra=2), ".tif", COLOUR, ALPHA),
    "TIFF of 16 bits": (tiff(np.dstack([COLOUR16, ALPHA16]), extra=2), ".tif", COLOUR16, ALPHA16),
    "grey TIFF": (encoded(Image.fromarray(np.dstack([GREY, ALPHA]), "LA"), "TIFF"), ".tif", GREY, ALPHA),
    "WebP": (encoded(np.dstack([COLOUR, ALPHA]), "WEBP", lossless=True, exact=True), ".webp", COLOUR, ALPHA),
    "BMP": (bmp(np.dstack([COLOUR, ALPHA])), ".bmp", COLOUR, ALPHA),
}


def written(content: bytes, suffix: str) -> None:
    """Write the file as the only image of each of two classes."""
    for name in ("elm", "oak"):
        Path("leaves", name).mkdir(parents=True, exist_ok=True)
        Path("leaves", name, f"image{suffix}").write_bytes(content)


def images_of(**keys: Any) -> NDArray[Any]:
    entry = LEAVES | {"splits": {"all": {"share": 1.0}}, "prepare": []} | keys
    return prepared(entry)["all"]["image"]


@pytest.mark.parametrize("what", READ)
def test_an_image_is_prepared_with_the_pixels_that_its_file_holds(what):
    content, suffix, pixels, tolerance = READ[what]
    written(content, suffix)
    expected = pixels if pixels.ndim == 3 else pixels[..., None]
    for image in images_of():
        assert image.shape == expected.shape
        assert np.abs(image - expected.astype(np.float32)).max() <= tolerance


@pytest.mark.parametrize("what", SEEN_THROUGH)
def test_transparency_is_refused_dropped_or_laid_on_a_colour_as_the_config_says(what):
    content, suffix, pixels, alpha = SEEN_THROUGH[what]
    written(content, suffix)
    refused(LEAVES, f"elm/image{suffix}: has transparent pixels", f"oak/image{suffix}: has transparent pixels")
    expected = {"drop": pixels, "black": on(0, pixels, alpha), "white": on(1, pixels, alpha)}
    for key, wanted in expected.items():
        image = images_of(alpha=key)[0]
        assert np.array_equal(image, (wanted if wanted.ndim == 3 else wanted[..., None]).astype(np.float32)), key


# ---- Images that cannot be used --------------------------------------------------------------------------------------

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


def test_colours_multiplied_by_transparency_are_blended_as_they_are_and_not_dropped():
    """For the TIFF Specification, associated alpha is already in the colours."""
    stored = np.rint(COLOUR16 * (ALPHA16 / 65535)[..., None]).astype(np.uint16)
    written(tiff(np.dstack([stored, ALPHA16]), extra=1), ".tif")
    refused(LEAVES | {"alpha": "drop"}, "elm/image.tif: ", "multiplied by its transparency", HINT)
    assert np.array_equal(images_of(alpha="black")[0], stored)
    assert np.array_equal(images_of(alpha="white")[0], stored + (65535 - ALPHA16.astype(np.float32))[..., None])


@pytest.mark.parametrize("alpha", ["black", "white"])
def test_an_image_that_is_wholly_transparent_is_named_instead_of_being_one_colour(alpha):
    written(png(np.dstack([COLOUR, np.zeros_like(GREY)])), ".png")
    refused(LEAVES | {"alpha": alpha}, "elm/image.png: all its pixels are transparent", "`alpha: drop`")
    assert np.array_equal(images_of(alpha="drop")[0], COLOUR)


# Steps before and after `pad`, what `alpha` is, and the border that must come out: the background at that place.
BORDERS = {
    "white": (["pad"], "white", 255),
    "black": (["pad"], "black", 0),
    "white, from 0 to 1": (["scale", "pad"], "white", 1),
    "white, then inverted": (["pad", "invert"], "white", 0),
    "inverted before": (["invert", "pad"], "white", 0),
    "black, inverted before": (["invert", "pad"], "black", 255),
    "dropped": (["pad"], "drop", 0),
}


@pytest.mark.parametrize("what", BORDERS)
def test_the_border_of_a_cut_out_does_not_give_away_its_bounding_box(what):
    steps, alpha, background = BORDERS[what]
    pad = {"name": "pad", "width": 30, "height": 30}
    written(png(np.dstack([COLOUR, np.where(ALPHA > 127, 255, 0).astype(np.uint8)])), ".png")
    image = images_of(alpha=alpha, prepare=[pad if step == "pad" else step for step in steps])[0]
    assert (image[0] == background).all()
    assert (image[:, -1] == background).all()
    image = images_of(alpha=alpha, prepare=[pad | {"value": 7} if step == "pad" else step for step in steps[:1]])
    assert steps[0] != "pad" or (image[0, 0] == 7).all()


def test_a_white_border_where_there_is_no_white_is_an_error_that_says_what_to_do():
    pad = {"name": "pad", "width": 30, "height": 30}
    steps = [{"name": "normalise", "mean": 3, "std": 2}, pad]
    written(png(COLOUR), ".png")
    with pytest.raises(CalotypeError, match=r"border: there is no white after `normalise`: .* or give a `value`"):
        images_of(alpha="white", prepare=steps)


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


def test_an_orientation_that_only_xmp_gives_turns_nothing():
    """Viewers and OpenCV read EXIF alone."""
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    written(encoded(COLOUR, "WEBP", lossless=True, xmp=xmp), ".webp")
    assert np.array_equal(images_of()[0], COLOUR)
