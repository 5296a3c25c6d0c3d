"""Damaged images: each has the pixels that an independent decoder sees, or is one error that names it."""

import io
import random
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from fuzz.bounded import counted, faults, run, sizes
from fuzz.mutators import spoil, with_png_checksums
from handmade import bmp, encoded, png, tiff
from PIL import Image, ImageOps

from calotype.data.image_file import read_picture
from calotype.util.errors import CalotypeError

ROW, COLUMN = np.mgrid[:23, :30]
GREY = (ROW * 7 + COLUMN * 4).astype(np.uint8)
COLOUR = np.stack([GREY, 255 - GREY, (GREY // 3) * 2], axis=-1)
GREY16 = GREY.astype(np.uint16) * 257
COLOUR16 = COLOUR.astype(np.uint16) * 257
RGBA = np.dstack([COLOUR, np.where(GREY > 90, 255, 120).astype(np.uint8)])
NEAR = 10  # levels of 8 bits by which two decoders of JPEG, WebP and their chroma may differ


@cache
def whole() -> dict[str, bytes]:
    """Return a file of each kind."""
    palette, black = Image.fromarray(COLOUR).quantize(16), Image.fromarray(GREY).convert("1")
    exif = Image.Exif()
    exif[0x0112] = 6
    files = {
        "grey.png": png(GREY), "colour.png": png(COLOUR), "grey16.png": png(GREY16), "colour16.png": png(COLOUR16),
        "alpha.png": png(RGBA), "interlaced.png": png(COLOUR, interlaced=True), "palette.png": encoded(palette, "PNG"),
        "seen-through.png": encoded(palette, "PNG", transparency=2), "black.png": encoded(black, "PNG"),
        "grey.jpg": encoded(GREY, "JPEG"), "colour.jpg": encoded(COLOUR, "JPEG", quality=90, subsampling=0),
        "progressive.jpg": encoded(COLOUR, "JPEG", progressive=True), "turned.jpg": encoded(COLOUR, "JPEG", exif=exif),
        "grey.tif": tiff(GREY), "colour.tif": tiff(COLOUR), "big-endian.tif": tiff(COLOUR16, order=">"),
        "planes.tif": tiff(COLOUR, planar=True), "turned.tif": tiff(COLOUR, orientation=5),
        "white.tif": tiff(GREY, photometric=0), "grey16.tif": tiff(GREY16), "alpha.tif": tiff(RGBA, extra=2),
        "fax.tif": encoded(black, "TIFF", compression="group4"), "palette.tif": encoded(palette, "TIFF"),
        "colour.bmp": bmp(COLOUR), "alpha.bmp": bmp(RGBA), "palette.bmp": encoded(palette, "BMP"),
        "black.bmp": encoded(black, "BMP"), "grey.bmp": encoded(GREY, "BMP"),
        "colour.webp": encoded(COLOUR, "WEBP"), "exact.webp": encoded(COLOUR, "WEBP", lossless=True),
        "alpha.webp": encoded(RGBA, "WEBP", lossless=True),
    }  # fmt: skip
    for how in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        files[f"{how}.tif"] = encoded(COLOUR, "TIFF", compression=how)
    files["fax3.tif"] = encoded(black, "TIFF", compression="group3")
    for how in ("lzw", "zstd", "lzma", "webp", "jpeg2000", "jpegxr", "lerc", "png"):
        buffer = io.BytesIO()
        tifffile.imwrite(
            buffer, COLOUR, compression=how, tile=(16, 16) if how == "lzw" else None, predictor=how == "lzw"
        )
        files[f"{how}.tif"] = buffer.getvalue()
    return files


def mutants(number: int, seed: int) -> list[tuple[str, bytes]]:
    """Names of files, each with a spoilt content."""
    draw = random.Random(seed)
    found = []
    for _ in range(number):
        name = draw.choice([*whole()])
        content = spoil(whole()[name], draw, [*whole().values()])
        if name.endswith("png") and draw.random() < 0.6:
            content = with_png_checksums(content)
        found.append((name, content))
    return found


def seen(content: bytes) -> Any:
    """Return the upright pixels of another decoder; None without a picture, or with transparency."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if content[:2] == b"BM" and not any(content[10:14]):
                return None  # no place of the pixels: OpenCV takes the header for pixels, and Pillow what follows it
            if content[:2] in (b"BM", b"RI"):
                found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
                return None if found is None or (found.ndim == 3 and found.shape[2] == 4) else _three(found)[..., ::-1]
            with Image.open(io.BytesIO(content)) as image:
                image.load()
                if image.has_transparency_data or image.mode in ("RGBX", "CMYK"):
                    return None
                upright = ImageOps.exif_transpose(image)
                return _three(np.asarray(upright if upright.mode[0] == "I" else upright.convert("RGB")))
        except Exception:
            return None


def _three(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def compared(case: tuple[str, bytes]) -> None:
    """Read a file, and compare its pixels with those that another decoder sees."""
    name, content = case
    file = Path(name)
    file.write_bytes(content)
    try:
        picture = read_picture(file, alpha=("refuse", "drop", "black", "white")[len(content) % 4])
    except CalotypeError as error:
        if not str(error).startswith(f"{name}: ") or len(str(error)) > 500:
            raise AssertionError(f"names no file, or is too long: {error}") from error
        raise
    ours, other = _three(picture.pixels), seen(content)
    if picture.transparent or other is None or name.startswith("fax"):  # decoders guess the rest of a damaged fax
        return
    if ours.dtype == np.uint16 and other.dtype == np.uint8:  # Pillow drops the lower half of 16-bit colours
        ours = ours >> 8
    assert ours.shape == other.shape
    difference = np.abs(ours.astype(int) - other.astype(int)).max()
    exact = content[:3] != b"\xff\xd8\xff" and content[:4] != b"RIFF" and "jpeg" not in name
    assert difference <= (0 if exact else NEAR)


@sizes(150, 2500)
def test_a_damaged_image_is_one_error_or_what_another_decoder_sees(number, tmp_path, monkeypatch, pytestconfig, note):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    refused = {name: end for (name, _), end in zip(whole().items(), run(compared, [*whole().items()]), strict=True)}
    assert {name: end.text for name, end in refused.items() if end.kind != "read"}.keys() <= {
        name for name in whole() if name.startswith(("alpha", "seen"))
    }
    cases = mutants(number, pytestconfig.getoption("--fault-seed"))
    outcomes = run(compared, cases)
    note(f"images: {counted(outcomes)}")
    assert not (found := faults(cases, outcomes, tmp_path)), "\n".join(found)
