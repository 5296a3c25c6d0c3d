"""Decode a TIFF file with tifffile: strips, tiles, planes, BigTIFF, and the compressions that imagecodecs has.

A scanner or a microscope may write more than one image, or more than three channels, into a file. All but one grey or
RGB image is an error: nothing is dropped or blended silently.
"""

import io
import logging
import math
from typing import Any

import imagecodecs
import numpy as np
import tifffile

from calotype.data.image_decoders import RESTORE
from calotype.data.tiff_lzw import check_lzw
from calotype.util.errors import CalotypeError

AS_PNG = "save it again as PNG, grey or RGB, with 8 or 16 bits per channel."
MOST_TILE = 16 * 2**20  # pixels of a tile or strip beyond the size of the image itself
GREYS = {"MINISBLACK", "MINISWHITE"}
COLOURS = {"RGB", "YCBCR"}  # tifffile returns RGB for YCbCr in JPEG compression, and refuses other YCbCr

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # an error of ours names the file


def decode_tiff(content: bytes, most_pixels: int, *, drop: bool) -> tuple[Any, Any, int, bool]:
    """Decode the one full-size image of a TIFF file.

    Args:
        content: bytes of the file.
        most_pixels: largest accepted width x height.
        drop: drop channels beyond RGB whose meaning the file does not give.

    Returns:
        Pixels, shape (height, width, 1 or 3), uint8 or uint16, as stored; alpha, shape (height, width), or None;
        the Orientation tag, 1 to 8; and whether the colours are multiplied by alpha.

    Raises:
        CalotypeError: the file is damaged, or is no single grey or RGB image of 8 or 16 bits.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page = _main_page(file)
            _check_header(page, most_pixels)
            _check_segments(page, len(content))
            if page.compression == tifffile.COMPRESSION.LZW:
                for start, count in zip(page.dataoffsets, page.databytecounts, strict=False):
                    strip = content[start : start + count]
                    check_lzw(imagecodecs.bitorder_decode(strip) if page.fillorder == 2 else strip)
            pixels = page.asarray(maxworkers=1)
            channels = pixels if page.axes != "SYX" else np.moveaxis(pixels, 0, 2)
            colours, alpha, multiplied = _channels(page, channels.reshape(*channels.shape[:2], -1), drop)
            tag = page.tags.get(274)
            return colours, alpha, int(tag.value) if tag else 1, multiplied
    except CalotypeError:
        raise
    except Exception as error:  # of every type, for damaged files
        raise CalotypeError(f"truncated or damaged: {error}.", RESTORE) from None


def _main_page(file: tifffile.TiffFile) -> Any:
    """Return the page with the full-size image; thumbnails, overviews and masks do not count."""
    tops: dict[int, Any] = {}
    for top in file.pages:
        if top.offset in tops:  # tifffile would follow the circle for hours
            raise CalotypeError("truncated or damaged: its list of images is a circle.", RESTORE)
        tops[top.offset] = top
    pages = [page for top in tops.values() for page in (top, *(top.pages or ()))]
    full = [page for page in pages if not int(page.subfiletype) & 0b101]
    count = max(len(full), (file.imagej_metadata or {}).get("images", 1))
    if count > 1:
        raise CalotypeError(f"contains {count} images.", "save each page as a file.")
    if not full:
        raise CalotypeError("contains thumbnails or masks only, and no full-size image.", AS_PNG)
    return full[0]


def _check_header(page: Any, most_pixels: int) -> None:
    """Refuse an image whose size or type cannot be read, before memory is taken for it."""
    if page.imagewidth * page.imagelength > most_pixels:
        raise CalotypeError(f"its header claims more than {most_pixels:,} px.", "scale it down, or cut it into pieces.")
    if not page.imagewidth * page.imagelength * page.samplesperpixel:
        raise CalotypeError("contains no pixels.", RESTORE)
    if page.planarconfig not in (1, 2):
        raise CalotypeError(f"truncated or damaged: its PlanarConfiguration is {page.planarconfig}.", RESTORE)
    if page.imagedepth > 1 or page.tiledepth > 1:
        raise CalotypeError("is a volume.", "save each slice as a file.")
    name = page.photometric.name if hasattr(page.photometric, "name") else page.photometric
    if name not in GREYS | COLOURS | {"PALETTE"}:
        names = {"SEPARATED": "CMYK", "CIELAB": "LAB", "ICCLAB": "LAB", "ITULAB": "LAB"}
        raise CalotypeError(f"its pixels are {names.get(name, name)}.", AS_PNG)
    bits = page.bitspersample
    if page.dtype is None or page.dtype.kind not in "bu" or page.dtype.itemsize > 2 or bits in (3, 5, 6, 7):
        kind = f"of {bits} bits" if page.dtype is None or page.dtype.kind in "bu" else page.dtype.name
        raise CalotypeError(f"its pixels are {kind}, not integers of 8 or 16 bits.", AS_PNG)
    if page.samplesperpixel > 5:
        raise CalotypeError(f"has {page.samplesperpixel} channels.", AS_PNG)
    tile = page.tilewidth * page.tilelength if page.is_tiled else page.imagewidth * page.rowsperstrip
    if page.is_tiled and tile > page.imagewidth * page.imagelength + MOST_TILE:
        raise CalotypeError(f"its header claims tiles of {page.tilewidth} x {page.tilelength} px.", AS_PNG)


def _check_segments(page: Any, size: int) -> None:
    """Refuse a file without all its strips or tiles; tifffile would fill the missing ones with zeros."""
    places = [*zip(page.dataoffsets, page.databytecounts, strict=False)]
    if len(places) < math.prod(page.chunked) and not page.is_contiguous:
        raise CalotypeError(f"truncated or damaged: only {len(places)} of its strips are there.", RESTORE)
    if any(count <= 0 or start <= 0 or start + count > size for start, count in places):
        raise CalotypeError("truncated or damaged: some of its pixels are missing.", RESTORE)


def _channels(page: Any, stored: Any, drop: bool) -> tuple[Any, Any, bool]:
    """Return grey or RGB pixels, alpha, and whether alpha is multiplied in, from all channels as stored."""
    bits = page.bitspersample
    base = 3 if page.photometric.name in COLOURS else 1
    further = [int(kind) for kind in page.extrasamples] or [0] * (stored.shape[2] - base)
    unnamed = base == 3 and {*further} == {0}
    if stored.shape[2] < base or len(further) != stored.shape[2] - base or (len(further) > 1 and not unnamed):
        raise CalotypeError(f"has {stored.shape[2]} channels.", AS_PNG)
    if 0 in further and not (drop and unnamed):
        hint = "use `alpha: drop` to leave out all but RGB; or save it again, grey or RGB." if unnamed else AS_PNG
        raise CalotypeError(f"has {stored.shape[2]} channels; the meaning of the last one is missing.", hint)
    colours = stored[..., :base]
    largest = 2**bits - 1
    if page.photometric.name == "PALETTE":
        table = page.colormap if page.colormap.max() < 256 else page.colormap >> 8
        colours = np.moveaxis(table[:, colours[..., 0]], 0, 2).astype(np.uint8)
    else:
        colours = colours.astype(np.uint8 if bits <= 8 else np.uint16)
        if page.photometric.name == "MINISWHITE":
            colours = colours.dtype.type(largest) - colours
        if bits < 8:
            colours = colours * np.uint8(255 // largest)
    return colours, stored[..., base] if further in ([1], [2]) else None, further == [1]
