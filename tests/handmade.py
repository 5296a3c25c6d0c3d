"""Image files made by hand: of kinds that no library writes, and with mistakes that none would make."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

# Orientation, as TIFF 6.0 defines its eight values: where row 0 and column 0 of the file stand.
UPRIGHT = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(image, 2).swapaxes(0, 1),
    8: lambda image: np.rot90(image),
}


def encoded(image: Image.Image | np.ndarray, kind: str, **how: Any) -> bytes:
    """Return a file as Pillow writes it."""
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **how)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(pixels: np.ndarray, *, colour: int | None = None, claims: tuple[int, int] | None = None,
        before: bytes = b"", interlaced: bool = False) -> bytes:  # fmt: skip
    """Return a PNG file of 8 or 16 bits.

    Args:
        pixels: shape (height, width) or (height, width, channels).
        colour: PNG's type of colour; left out: as the channels say.
        claims: width and height that it says, whatever it holds.
        before: chunks that stand before the pixels.
        interlaced: whether they come in Adam7's seven passes.
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels] if colour is None else colour
    width, height = claims or (pixels.shape[1], pixels.shape[0])
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    parts = [pixels[top::down, left::right] for top, left, down, right in passes]
    rows = [row.astype(row.dtype.newbyteorder(">")).tobytes() for part in parts if part.size for row in part]
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, kind, 0, 0, interlaced)
    content = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def tiff(pixels: np.ndarray, *, order: str = "<", photometric: int | None = None, planar: bool = False,
         kind: int = 1, extra: int | None = None, orientation: int | None = None,
         claims: tuple[int, int] | None = None) -> bytes:  # fmt: skip
    """Return a TIFF file without compression.

    Args:
        pixels: shape (height, width) or (height, width, channels), of any type of numbers.
        order: of bytes: < the lowest first, > the highest.
        photometric: what the numbers mean, as TIFF counts it: 0, white is zero; 1, black is; 2, red, green, blue.
        planar: whether the channels stand one after the other.
        kind: of the numbers: 1 without sign, 2 with one, 3 floating.
        extra: what the last channel is: 0 nothing in particular, 1 and 2 transparency, multiplied in or not.
        orientation: how the image lies.
        claims: width and height that it says, whatever it holds.
    """
    stack = pixels if pixels.ndim == 3 else pixels[..., None]
    height, width, channels = stack.shape
    stack = stack.astype(stack.dtype.newbyteorder(order))
    data = (stack.transpose(2, 0, 1) if planar else stack).tobytes()
    strips = channels if planar else 1
    meaning = photometric if photometric is not None else 2 if channels >= 3 else 1
    length = len(data) // strips
    said = claims or (width, height)
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("H", [said[0]]), 257: ("H", [said[1]]), 258: ("H", [8 * stack.dtype.itemsize] * channels),
        259: ("H", [1]),
        262: ("H", [meaning]), 273: ("I", [8 + i * length for i in range(strips)]), 274: ("H", [orientation or 1]),
        277: ("H", [channels]), 278: ("H", [height]), 279: ("I", [length] * strips), 284: ("H", [1 + planar]),
        **({} if extra is None else {338: ("H", [extra])}), 339: ("H", [kind] * channels),
    }  # fmt: skip
    start = 8 + len(data) + len(data) % 2
    entries, further = struct.pack(order + "H", len(tags)), b""
    for tag, (form, values) in tags.items():
        content = struct.pack(f"{order}{len(values)}{form}", *values)
        if len(content) > 4:
            place = start + 2 + 12 * len(tags) + 4 + len(further)
            further += content + b"\0" * (len(content) % 2)
            content = struct.pack(order + "I", place)
        entries += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[form], len(values)) + content.ljust(4, b"\0")
    begin = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return (begin + data).ljust(start, b"\0") + entries + bytes(4) + further


def bmp(pixels: np.ndarray, *, claims: tuple[int, int] | None = None, upside_down: bool = False) -> bytes:
    """Return a BMP file in colour, or with a fourth channel for transparency.

    Args:
        pixels: shape (height, width, 3 or 4).
        claims: width and height that it says, whatever it holds.
        upside_down: whether the rows go from the top down, which a negative height says.
    """
    height, width, channels = pixels.shape
    rows = pixels if upside_down else pixels[::-1]
    data = b"".join(row[:, [2, 1, 0, 3][:channels]].tobytes() + bytes(-width * channels % 4) for row in rows)
    said = claims or (width, -height if upside_down else height)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) if channels == 4 else b""
    size = 124 if channels == 4 else 40
    header = struct.pack("<IiiHHIIiiII", size, *said, 1, 8 * channels, 3 * (channels == 4), len(data), 0, 0, 0, 0)
    header = (header + masks).ljust(size, b"\0")
    return b"BM" + struct.pack("<IHHI", 14 + size + len(data), 0, 0, 14 + size) + header + data
