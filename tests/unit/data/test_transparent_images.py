"""Transparency is refused, dropped, or laid on black or white, also by a border around it."""

import struct

import numpy as np
import pytest
from handmade import bmp, chunk, encoded, png, tiff
from PIL import Image
from unit.leaves import ALPHA, COLOUR, COLOUR16, GREY, GREY16, HINT, LEAVES, images_of, refused, write_image

from calotype.util.errors import CalotypeError

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


ALPHA16 = ALPHA.astype(np.uint16) * 257
PALETTE = Image.fromarray(COLOUR).quantize(16)


def on(background: int, pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Pixels laid on black (0) or white (1), computed with floats."""
    largest = np.iinfo(pixels.dtype).max
    part = (alpha / largest)[..., None] if pixels.ndim == 3 else alpha / largest
    return np.rint(pixels * part + background * largest * (1 - part)).astype(pixels.dtype)


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


@pytest.mark.parametrize("what", SEEN_THROUGH)
def test_transparency_is_refused_dropped_or_laid_on_a_colour_as_the_config_says(what):
    content, suffix, pixels, alpha = SEEN_THROUGH[what]
    write_image(content, suffix)
    refused(LEAVES, f"elm/image{suffix}: has transparent pixels", f"oak/image{suffix}: has transparent pixels")
    expected = {"drop": pixels, "black": on(0, pixels, alpha), "white": on(1, pixels, alpha)}
    for key, wanted in expected.items():
        image = images_of(alpha=key)[0]
        assert np.array_equal(image, (wanted if wanted.ndim == 3 else wanted[..., None]).astype(np.float32)), key


def test_colours_multiplied_by_transparency_are_blended_as_they_are_and_not_dropped():
    """For the TIFF Specification, associated alpha is already in the colours."""
    stored = np.rint(COLOUR16 * (ALPHA16 / 65535)[..., None]).astype(np.uint16)
    write_image(tiff(np.dstack([stored, ALPHA16]), extra=1), ".tif")
    refused(LEAVES | {"alpha": "drop"}, "elm/image.tif: ", "multiplied by its transparency", HINT)
    assert np.array_equal(images_of(alpha="black")[0], stored)
    assert np.array_equal(images_of(alpha="white")[0], stored + (65535 - ALPHA16.astype(np.float32))[..., None])


@pytest.mark.parametrize("alpha", ["black", "white"])
def test_an_image_that_is_wholly_transparent_is_named_instead_of_being_one_colour(alpha):
    write_image(png(np.dstack([COLOUR, np.zeros_like(GREY)])), ".png")
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
    write_image(png(np.dstack([COLOUR, np.where(ALPHA > 127, 255, 0).astype(np.uint8)])), ".png")
    image = images_of(alpha=alpha, prepare=[pad if step == "pad" else step for step in steps])[0]
    assert (image[0] == background).all()
    assert (image[:, -1] == background).all()
    image = images_of(alpha=alpha, prepare=[pad | {"value": 7} if step == "pad" else step for step in steps[:1]])
    assert steps[0] != "pad" or (image[0, 0] == 7).all()


def test_a_white_border_where_there_is_no_white_is_an_error_that_says_what_to_do():
    pad = {"name": "pad", "width": 30, "height": 30}
    steps = [{"name": "normalise", "mean": 3, "std": 2}, pad]
    write_image(png(COLOUR), ".png")
    with pytest.raises(CalotypeError, match=r"border: there is no white after `normalise`: .* or give a `value`"):
        images_of(alpha="white", prepare=steps)
