"""A TIFF file is read with the pixels that were written into it, whatever its layout, or named in one error."""

import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from handmade import UPRIGHT
from PIL import Image

from calotype.data.image_file import Alpha, read_picture
from calotype.util.errors import CalotypeError

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 20, 37
COLOUR = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
GREY = COLOUR[..., :1]
ALPHA = np.where(RNG.random((HEIGHT, WIDTH, 1)) < 0.3, 0, 255).astype(np.uint8)
LAYOUTS: dict[str, dict[str, Any]] = {
    "one strip": {"rowsperstrip": HEIGHT},
    "strips": {"rowsperstrip": 3},
    "tiles": {"tile": (16, 16)},
    "planes": {"planarconfig": "separate"},
    "BigTIFF": {"bigtiff": True, "rowsperstrip": 7},
    "highest byte first": {"byteorder": ">"},
}
COMPRESSIONS: dict[str, dict[str, Any]] = {
    "raw": {},
    "LZW": {"compression": "lzw", "predictor": True},
    "deflate": {"compression": "zlib"},
    "packbits": {"compression": "packbits"},
    "Zstandard": {"compression": "zstd"},
}
ALPHAS = {"opaque": None, "alpha": "unassalpha", "multiplied alpha": "assocalpha"}


def written(pixels: np.ndarray, **how: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **how)
    return buffer.getvalue()


def read(content: bytes, alpha: Alpha = "refuse") -> np.ndarray:
    Path("image.tif").write_bytes(content)
    return read_picture(Path("image.tif"), alpha=alpha).pixels


pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


@pytest.mark.parametrize(
    ("layout", "compression", "bits", "channels", "opacity"),
    [*itertools.product(LAYOUTS, COMPRESSIONS, (8, 16), ("grey", "RGB"), ALPHAS)],
)
def test_every_layout_and_orientation_gives_the_pixels_that_were_written(layout, compression, bits, channels, opacity):
    colours = (GREY if channels == "grey" else COLOUR).astype(f"uint{bits}") * (257 if bits == 16 else 1)
    how = LAYOUTS[layout] | COMPRESSIONS[compression]
    how["photometric"] = "minisblack" if channels == "grey" else "rgb"
    stored = colours
    if ALPHAS[opacity]:
        largest = np.iinfo(colours.dtype).max
        if opacity == "multiplied alpha":
            colours = colours * (ALPHA > 0)  # each pixel is opaque or not at all
        stored = np.dstack([colours, (ALPHA > 0) * colours.dtype.type(largest)])
        how["extrasamples"] = [ALPHAS[opacity]]
    single = stored.shape[2] == 1
    if layout == "planes" and not single:
        stored = np.moveaxis(stored, 2, 0)
    elif layout == "planes":
        how.pop("planarconfig")
    for orientation, upright in UPRIGHT.items():
        content = written(stored[..., 0] if single else stored, **how, extratags=[(274, "H", 1, orientation, True)])
        found = read(content, "drop")
        assert found.dtype == colours.dtype
        assert np.array_equal(found, upright(colours)), orientation
        if ALPHAS[opacity]:
            on_white = np.where(ALPHA > 0, colours, colours.dtype.type(largest))
            assert np.array_equal(read(content, "white"), upright(on_white)), orientation


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("zero", ["minisblack", "miniswhite"])
def test_few_bits_are_stretched_to_eight(bits, zero):
    levels = GREY[..., 0] >> (8 - bits)
    found = read(written(levels > 0 if bits == 1 else levels, bitspersample=bits, photometric=zero))
    largest = 2**bits - 1
    assert np.array_equal(found[..., 0], (levels if zero == "minisblack" else largest - levels) * (255 // largest))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_levels_of_ten_to_fourteen_bits_are_kept(bits):
    levels = (GREY[..., 0].astype(np.uint16) * 257) >> (16 - bits)
    found = read(written(levels, bitspersample=bits, photometric="minisblack"))
    assert found.dtype == np.uint16
    assert np.array_equal(found[..., 0], levels)


@pytest.mark.parametrize("kind", ["tiff_jpeg", "group3", "group4"])
def test_jpeg_and_fax_in_tiff_are_read_as_libtiff_reads_them(kind):
    image = Image.fromarray(COLOUR if kind == "tiff_jpeg" else GREY[..., 0] > 127)
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", compression=kind)
    expected = np.asarray(Image.open(buffer).convert("RGB" if kind == "tiff_jpeg" else "L"))
    found = read(buffer.getvalue())
    assert np.abs(found.squeeze().astype(int) - expected).max() <= (2 if kind == "tiff_jpeg" else 0)


def pages(*images: tuple[np.ndarray, dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for pixels, how in images:
            file.write(pixels, **how)
    return buffer.getvalue()


SMALL = (COLOUR[::4, ::4], {"photometric": "rgb", "subfiletype": 1})
LARGE = (COLOUR, {"photometric": "rgb"})


@pytest.mark.parametrize(
    "images",
    [(LARGE, SMALL), (SMALL, LARGE), ((SMALL[0], SMALL[1] | {"subifds": 1}), LARGE)],
    ids=["thumbnail after it", "thumbnail before it", "thumbnail around it"],
)
def test_a_thumbnail_is_not_taken_for_the_image(images):
    assert np.array_equal(read(pages(*images)), COLOUR)


SPECTRAL = RNG.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
# Bytes of a file, and the reason that must be given.
REFUSED = {
    "four channels that are no RGB": (
        written(SPECTRAL, photometric="minisblack", planarconfig="contig"), "has 4 channels",
    ),
    "two channels": (written(SPECTRAL[..., :2], photometric="minisblack", planarconfig="contig"), "has 2 channels"),
    "RGB and a channel without a meaning": (
        written(SPECTRAL, photometric="rgb", extrasamples=["unspecified"]), "the meaning of the last one is missing",
    ),
    "a stack of ImageJ": (written(SPECTRAL[..., :3].transpose(2, 0, 1).copy(), imagej=True), "contains 3 images"),
    "pages": (pages(LARGE, LARGE), "contains 2 images"),
    "only a thumbnail": (pages(SMALL), "thumbnails or masks only"),
    "a volume": (written(np.zeros((16, 16, 16), np.uint8), volumetric=True, tile=(16, 16, 16)), "is a volume"),
    "floats": (written(GREY.astype(np.float32)), "float32"),
    "CMYK": (written(SPECTRAL, photometric="separated"), "CMYK"),
    "a strip that is not there": (b"", "some of its"),
    "a strip without bytes": (b"", "some of its"),
}  # fmt: skip


def _without_a_strip(*, empty: bool) -> bytes:
    """Return a file whose last strip lies behind its end, or has no bytes."""
    content = bytearray(written(COLOUR, photometric="rgb", rowsperstrip=5, compression="lzw"))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        tag = file.pages[0].tags[279 if empty else 273]
        size = tag.valuebytecount // tag.count
        last = tag.valueoffset + (tag.count - 1) * size
    content[last : last + size] = (0 if empty else len(content)).to_bytes(size, "little")
    return bytes(content)


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_not_one_grey_or_rgb_image_is_named_with_the_reason(what):
    content, reason = REFUSED[what]
    if not content:
        content = _without_a_strip(empty=what == "a strip without bytes")
    for alpha in ("refuse", "white"):
        with pytest.raises(CalotypeError, match=reason) as caught:
            read(content, alpha)
        assert str(caught.value).startswith("image.tif: ")
        assert "Hint: " in str(caught.value)


def test_alpha_drop_leaves_out_channels_beyond_rgb():
    content, _ = REFUSED["RGB and a channel without a meaning"]
    assert np.array_equal(read(content, "drop"), SPECTRAL[..., :3])


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_file_that_is_cut_off_is_named(compression, part):
    content = written(COLOUR, photometric="rgb", rowsperstrip=4, **COMPRESSIONS[compression])
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        end = max(map(sum, zip(file.pages[0].dataoffsets, file.pages[0].databytecounts, strict=True)))
    with pytest.raises(CalotypeError, match=r"image\.tif: "):
        read(content[: int(end * part)])


# ---- Damage that the decoders do not notice --------------------------------------------------------------------------


def damaged(tmp_path: Path, spoil: Any, **how: Any) -> str:
    """Return the error of a file that was damaged after it was written; `spoil` gets its bytes and its first page."""
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.zeros((64, 64, 3), np.uint8), photometric="rgb", **how)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        spoil(content, file.pages[0])
    path.write_bytes(content)
    with pytest.raises(CalotypeError) as problem:
        read_picture(path)
    assert str(problem.value).startswith(f"{path}: truncated or damaged: ")
    return str(problem.value)


@pytest.mark.parametrize(("first", "second"), [(0x80, 0x7F), (0x80, 0x41), (0x00, 0x01), (0x00, 0xDD), (0xFF, 0xFF)])
def test_damaged_lzw_data_do_not_end_the_process_without_a_word(tmp_path, first, second):
    def spoil(content, page):
        content[page.dataoffsets[0] : page.dataoffsets[0] + 2] = bytes([first, second])

    assert "its LZW data " in damaged(tmp_path, spoil, compression="lzw")


def test_lzw_data_of_every_length_of_code_are_read(tmp_path):
    """Noise fills the table, so that it is emptied many times."""
    noise = RNG.integers(0, 256, (300, 400), np.uint8)
    smooth = np.cumsum(RNG.integers(-1, 2, (300, 400)), axis=1).astype(np.uint8)
    for image in (noise, smooth, np.zeros_like(noise)):
        Image.fromarray(image).save(tmp_path / "libtiff.tif", compression="tiff_lzw")
        tifffile.imwrite(tmp_path / "tifffile.tif", image, compression="lzw", rowsperstrip=300)
        for name in ("libtiff.tif", "tifffile.tif"):
            assert np.array_equal(read_picture(tmp_path / name).pixels[..., 0], image)


def test_a_list_of_pages_that_leads_back_to_itself_does_not_keep_a_job_waiting(tmp_path):
    def spoil(content, page):
        end = page.offset + 2 + 12 * len(page.tags)
        content[end : end + 4] = page.offset.to_bytes(4, "little")

    assert "its list of images is a circle" in damaged(tmp_path, spoil, metadata=None)


def test_an_unknown_order_of_channels_is_not_guessed(tmp_path):
    def spoil(content, page):
        place = page.tags["PlanarConfiguration"].valueoffset
        content[place : place + 2] = (9).to_bytes(2, "little")

    assert "PlanarConfiguration is 9" in damaged(tmp_path, spoil)
