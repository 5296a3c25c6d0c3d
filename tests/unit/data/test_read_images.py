"""An image file is read as it says, in every format."""

import io
import struct

import cv2
import numpy as np
import pytest
from handmade import UPRIGHT, bmp, chunk, encoded, png, tiff
from PIL import Image
from unit.leaves import (
    COLOUR,
    COLOUR16,
    GREY,
    GREY16,
    by_opencv,
    images_of,
    write_image,
)

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


def lossy(content: bytes) -> np.ndarray:
    """Decode a file with lossy compression by another library."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB" if b"VP8" in content else None))


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
        f"{name} that lies as {number}": (tiff(pixels, orientation=number), ".tif", UPRIGHT[number](pixels), 0)
        for name, pixels in {"grey TIFF": GREY, "colour TIFF 16": COLOUR16}.items()
        for number in range(2, 9)
    },
    **{
        f"{kind} that lies as {number}": (
            encoded(COLOUR, kind, exif=exif(number), **how),
            suffix,
            UPRIGHT[number](COLOUR),
            0,
        )
        for kind, suffix, how in (("PNG", ".png", {}), ("WEBP", ".webp", {"lossless": True}))
        for number in (3, 5, 6)
    },
    "PNG whose orientation follows its pixels": (  # as some programs add it
        png(COLOUR)[:-12] + chunk(b"eXIf", exif(6).removeprefix(b"Exif\0\0")) + png(COLOUR)[-12:],
        ".png",
        UPRIGHT[6](COLOUR),
        0,
    ),
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


@pytest.mark.parametrize("what", READ)
def test_an_image_is_prepared_with_the_pixels_that_its_file_holds(what):
    content, suffix, pixels, tolerance = READ[what]
    write_image(content, suffix)
    expected = pixels if pixels.ndim == 3 else pixels[..., None]
    for image in images_of():
        assert image.shape == expected.shape
        assert np.abs(image - expected.astype(np.float32)).max() <= tolerance


def test_an_orientation_that_only_xmp_gives_turns_nothing():
    """Viewers and OpenCV read EXIF alone."""
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    write_image(encoded(COLOUR, "WEBP", lossless=True, xmp=xmp), ".webp")
    assert np.array_equal(images_of()[0], COLOUR)
