"""Images as they come, and as they should not: each is read right, or named in one error and nothing is written."""

import hashlib
import io
import json
import os
import pickle
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from handmade import bmp, chunk, encoded, png, tiff
from numpy.typing import NDArray
from PIL import Image

from calotype.catalogue import write_catalogue
from calotype.checks import check_folder
from calotype.config import Config, load
from calotype.datasets import ImagesDataset
from calotype.errors import CalotypeError
from calotype.files import contents
from calotype.images import read_split, write_split
from calotype.steps import read_steps

Spoil = Callable[[Path], Any]
RNG = np.random.default_rng(0)
GREY, COLOUR = RNG.integers(0, 256, (11, 17), np.uint8), RNG.integers(0, 256, (11, 17, 3), np.uint8)
GREY16 = RNG.integers(0, 65536, (11, 17)).astype(np.uint16)
COLOUR16 = RNG.integers(0, 65536, (11, 17, 3)).astype(np.uint16)
LEAVES: dict[str, Any] = {
    "source": "images",
    "folder": "leaves",
    "classes": ["elm", "oak"],
    "splits": {"train": {"share": 0.5}, "test": {"share": 0.5}},
}
HINT = "Hint: "
INNARDS = ("Traceback", "pydantic", "errno", "validation error", "input_type", "NoneType", "0x7f", "<_io", "codec")


@pytest.fixture(scope="module")
def leaves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images for each of two classes, all of them right."""
    folder = tmp_path_factory.mktemp("right") / "leaves"
    for label, name in enumerate(("elm", "oak")):
        (folder / name).mkdir(parents=True)
        for i in range(2):
            Image.fromarray(np.random.default_rng(10 * label + i).integers(0, 256, (5, 6), np.uint8)).save(
                folder / name / f"{i}.png"
            )
    return folder


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


def configured(entry: dict[str, Any]) -> Config:
    """A config of one dataset, read as Snakemake's call reads it."""
    text = {"source": "dots", "splits": {"train": {"images": 1, "seed": 1}, "test": {"images": 1, "seed": 2}}}
    net = {"model": "dense", "loss": "huber", "optimizer": "adam", "epochs": 1, "batch_size": 1}
    study = {"title": "Dots", "dataset": "dots", "task": "count", "tests": ["test"], "variants": {"a": net}}
    Path("config/studies").mkdir(parents=True, exist_ok=True)
    Path("config/datasets.yaml").write_text(
        yaml.safe_dump({"dots": text, "mine": entry}, sort_keys=False), encoding="utf-8"
    )
    Path("config/studies/dots.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    return load({"studies": ["dots"]})


def prepared(entry: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Take a dataset through what the rules `catalogue` and `prepare` do; its splits as they come out."""
    dataset = configured(entry).datasets["mine"]
    if isinstance(dataset, ImagesDataset):
        check_folder(dataset, "config/datasets.yaml: mine")
        with suppress(CalotypeError):  # what is wrong then, the rule itself must say
            contents(Path(dataset.folder), dataset.ignore, Path(".snakemake/mine.json"))
        raw_file, place = Path("results/catalogue.json"), dataset.place()
        write_catalogue(dataset, raw_file.with_suffix(".csv"), raw_file)
    else:
        raw_file, place = Path("data/SHA256SUMS"), None
    for split in dataset.splits:
        preparation = dataset.preparation(split)
        files = Path(f"results/{split}.npy"), Path(f"results/{split}.json")
        raw = read_split(preparation, raw_file, place)
        write_split(raw, *files, split=split, steps=read_steps(preparation["steps"]))
    return {split: np.load(f"results/{split}.npy") for split in dataset.splits}


def refused(entry: dict[str, Any], *parts: str) -> str:
    """The error of a dataset, which must be clear and must leave nothing behind."""
    before = sorted(Path().rglob("*"))
    with pytest.raises(CalotypeError) as caught:
        prepared(entry)
    text = str(caught.value)
    for part in parts:
        assert part in text
    assert not [word for word in INNARDS if word in text], text
    assert text.count(HINT) <= 1, text
    assert len(text.splitlines()) <= 9, text
    assert text.isprintable() or all(line.isprintable() for line in text.splitlines()), text
    ours = {"config", "config/datasets.yaml", "config/studies", "config/studies/dots.yaml", ".snakemake"}
    ours |= {".snakemake/mine.json", "results", "results/catalogue.csv", "results/catalogue.json"}
    left = {str(path) for path in {*Path().rglob("*")} - {*before}} - ours
    assert not left
    assert Path("results/catalogue.csv").exists() == Path("results/catalogue.json").exists()
    return text


# ---- Images that are read, and how -----------------------------------------------------------------------------------


def by_opencv(suffix: str, pixels: np.ndarray, *how: int) -> bytes:
    """A file as OpenCV writes it, which can write 16 bits in colour."""
    return cv2.imencode(suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels, how)[1].tobytes()


def lossy(content: bytes) -> np.ndarray:
    """What another decoder makes of a file with losses."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB" if b"VP8" in content else None))


ALPHA = RNG.integers(0, 255, (11, 17), np.uint8)
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

# What it is: its bytes, its suffix, the pixels that must come out, and how far they may differ.
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
    "a TIFF's channel of nothing in particular": (tiff(np.dstack([COLOUR, GREY]), extra=0), ".tif", COLOUR, 0),
    "PNG under the name of a JPEG": (png(GREY), ".jpg", GREY, 0),
    "JPEG under the name of a PNG": (JPEGS["grey JPEG, usual"][0], ".png", lossy(JPEGS["grey JPEG, usual"][0]), 3),
    "bytes after the end": (png(GREY) + b"something else", ".png", GREY, 0),
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
    """The file as the only image of each of two classes."""
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
NO_IMAGE, CUT, ODD = "no image", "truncated or broken", "rare kind"


def damaged(content: bytes, place: int, *, by: int = 1) -> bytes:
    """The file with other bytes at a place."""
    return content[:place] + bytes(each ^ 0x5A for each in content[place : place + by]) + content[place + by :]


def claiming(width: int, height: int) -> bytes:
    """A JPEG file that says that it is of another size."""
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
    "pointer.png": (b"version https://git-lfs.example.org/spec/v1\noid sha256:4d7a\nsize 12345\n", NO_IMAGE),
    "array.png": (b"\x93NUMPY\x01\x00v\x00" + b" " * 117 + b"\n", NO_IMAGE),
    "archive.png": (b"PK\x03\x04" + bytes(60), NO_IMAGE),
    "document.jpg": (encoded(COLOUR, "PDF"), NO_IMAGE),
    "pickle.png": (pickle.dumps({"image": [1, 2, 3]}), NO_IMAGE),
    "gif.png": (encoded(GREY, "GIF"), "a GIF file"),
    "animated-gif.jpg": (encoded(Image.fromarray(COLOUR), "GIF", **ANIMATED), "a GIF file"),
    "jpeg2000.jpg": (encoded(COLOUR, "JPEG2000"), "a JPEG2000 file"),
    "icon.bmp": (encoded(COLOUR, "ICO"), "file"),
    "portable.png": (encoded(COLOUR, "PPM"), "a PPM file"),
    "words.png": (b"P2\n2 2\n255\n1 2 3 4\n", "a PPM file"),
    "targa.tif": (encoded(COLOUR, "TGA"), "a TGA file"),
    "animated.png": (encoded(Image.fromarray(COLOUR), "PNG", **ANIMATED), "holds 3 images"),
    "animated.webp": (encoded(Image.fromarray(COLOUR), "WEBP", **ANIMATED), "holds 3 images"),
    "pages.tif": (encoded(Image.fromarray(COLOUR), "TIFF", **ANIMATED), "holds 3 images"),
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
    "floating.tif": (tiff(GREY.astype(np.float32), kind=3), "its pixels are F"),
    "nan.tif": (tiff(np.full((11, 17), np.nan, np.float32), kind=3), "its pixels are F"),
    "floating-colour.tif": (tiff(COLOUR.astype(np.float32), kind=3), ODD),
    "double.tif": (tiff(GREY.astype(np.float64), kind=3), ODD),
    "half.tif": (tiff(GREY.astype(np.float16), kind=3), ODD),
    "signed.tif": (tiff(GREY.astype(np.int8), kind=2), "its pixels are int8"),
    "signed-16.tif": (tiff(GREY16.astype(np.int16), kind=2), "its pixels are int16"),
    "signed-colour.tif": (tiff(COLOUR.astype(np.int8), kind=2), ODD),
    "32-bits.tif": (tiff(GREY.astype(np.uint32)), "its pixels are uint32"),
    "64-bits.tif": (tiff(GREY.astype(np.uint64)), ODD),
    "two-channels.tif": (tiff(np.dstack([GREY, GREY])), ODD),
    "seven-channels.tif": (tiff(np.dstack([COLOUR, COLOUR, GREY])), ODD),
    "planar-16.tif": (tiff(COLOUR16, planar=True), "its channels stand one after the other"),
    "mask.tif": (tiff(GREY, photometric=4), ODD),
    "no-meaning.tif": (tiff(GREY, photometric=99), ODD),
    "broken-checksum.png": (damaged(WHOLE[".png"], WHOLE[".png"].index(b"IDAT") + 30), CUT),
    "broken-header.png": (damaged(WHOLE[".png"], 17), ""),
    "broken-header.tif": (damaged(WHOLE[".tif"], 4, by=4), ""),
    "broken-header.bmp": (damaged(WHOLE[".bmp"], 28, by=2), ""),
    "broken-header.webp": (damaged(WHOLE[".webp"], 12, by=4), ""),
    "only-its-head.png": (WHOLE[".png"][:33], ODD),
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


@pytest.mark.parametrize("alpha", ["drop", "black", "white"])
@pytest.mark.parametrize(
    ("content", "suffix", "alphas"),
    [
        (tiff(np.dstack([COLOUR16, ALPHA16]), extra=1), ".tif", ("drop", "black", "white")),
        (png(GREY16, before=chunk(b"tRNS", struct.pack(">H", GREY16[0, 0]))), ".png", ("black", "white")),
    ],
)
def test_transparency_that_cannot_be_computed_with_is_named(content, suffix, alphas, alpha):
    written(content, suffix)
    if alpha in alphas:
        refused(LEAVES | {"alpha": alpha}, f"elm/image{suffix}: ", "transparency", HINT)
    else:
        assert np.array_equal(images_of(alpha=alpha)[0, ..., 0], GREY16.astype(np.float32))


# ---- What they are called, and where they lie ------------------------------------------------------------------------

NAMES = [
    "with spaces .png",
    'it\'s "quoted".png',
    "$(touch hacked).png",
    "`touch hacked`.png",
    "; touch hacked;.png",
    "a && touch hacked.png",
    "| touch hacked.png",
    "{wildcards.dataset}.png",
    "{0}%s%d.png",
    "*.png",
    "[a-z]?.png",
    "-rf.png",
    "--help.png",
    "#no comment.png",
    "a,b,c.png",
    "=1+1.png",
    "\\back\\slash.png",
    "~.png",
    "NaN.png",
    "null.png",
    "<script>alert(1)</script>.png".replace("/", ""),
    "&amp;.png",
    "$x^2$.png",
    "\\input{secret}.png",
    "Straße.png",
    "叶子.png",
    "лист.png",
    "ورقة.png",
    "برگ\u200cها.png",
    "पत्ता.png",
    "잎.png",
    "🍁.png",
    "Bild\u00a05\u202fPM.png",
    "é.png",
    "e\u0301.png",
    "x" * 200 + ".png",
]


@pytest.mark.parametrize("place", ["name", "folder"])
def test_names_with_spaces_quotes_commands_and_letters_of_all_scripts_are_kept(leaves, place):
    """As those of files, and as those of folders, which are classes."""
    shutil.copytree(leaves, "leaves")
    found = {}
    names = [name for name in NAMES if place == "name" or not {"\\", "\u0301"} & {*name}]
    for number, name in enumerate(names):
        where = Path("leaves/oak", name) if place == "name" else Path("leaves", name, "0.png")
        where.parent.mkdir(exist_ok=True)
        where.write_bytes(png(np.full((5, 6), number, np.uint8)))
        found[float(number)] = name
    classes = LEAVES["classes"] + (names if place == "folder" else [])
    split = prepared(LEAVES | {"splits": {"all": {"share": 1.0}}, "prepare": [], "classes": classes})["all"]
    flat = split[(split["image"] == split["image"][:, :1, :1]).all(axis=(1, 2, 3))]
    assert len(flat) == len(names)
    if place == "folder":
        assert {record["image"].max(): classes[record["label"]] for record in flat} == found
    assert sorted(path.name for path in Path().iterdir()) == [".snakemake", "config", "leaves", "results"]


@pytest.mark.parametrize("sign", ["\n", "\r", "\t", "\a", "\x1b", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_name_that_would_break_a_line_or_a_terminal_is_refused(leaves, sign):
    shutil.copytree(leaves, "leaves")
    shutil.copy("leaves/elm/0.png", f"leaves/oak/a{sign}b.png")
    refused(LEAVES, "leaves: the name 'oak/a", "has signs that cannot be printed", "rename it")


def untouched(_folder: Path) -> None:
    """Nothing is wrong with the folder itself."""


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "oak/pipe.png")


def link(name: str, target: str) -> Spoil:
    return lambda folder: (folder / name).symlink_to(target)


def write(name: str, content: bytes = b"?") -> Spoil:
    def spoil(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(content)

    return spoil


def emptied(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.unlink()


def secret(folder: Path) -> None:
    (folder.parent / "secret").mkdir()
    (folder.parent / "secret/a.png").write_bytes(png(GREY))


def outside(name: str, target: str) -> Spoil:
    def spoil(folder: Path) -> None:
        secret(folder)
        link(name, target)(folder)

    return spoil


ONE = {"all": {"share": 1.0}}
# What is done to the folder, what the entry says besides, and what the error must say.
PLACES: dict[str, tuple[Spoil, dict[str, Any], tuple[str, ...]]] = {
    "no folder": (shutil.rmtree, {}, ("config/datasets.yaml: mine.folder: there is no folder leaves", HINT)),
    "a file instead": (
        lambda f: (shutil.rmtree(f), f.write_bytes(b"?")),
        {},
        ("mine.folder: there is no folder leaves",),
    ),
    "no images": (emptied, {}, ("leaves: there are no images",)),
    "a pipe": (fifo, {}, ("oak/pipe.png: no file, but a pipe, a socket or a device", HINT)),
    "a device": (link("oak/zero.png", "/dev/zero"), {}, ("leaves/oak/zero.png: a link to /dev/zero, outside leaves",)),
    "a link to itself": (
        link("oak/loop.png", "loop.png"),
        {},
        ("leaves/oak/loop.png: a link to nothing, or to itself",),
    ),
    "a link to nothing": (link("oak/gone.png", "nothing.png"), {}, ("leaves/oak/gone.png: a link to nothing",)),
    "a link out, relative": (
        outside("oak/a.png", "../../secret/a.png"),
        {},
        ("leaves/oak/a.png: a link to", "outside leaves"),
    ),
    "a link out, absolute": (link("oak/a.png", "/etc/hostname"), {}, ("leaves/oak/a.png: a link to /etc/hostname",)),
    "a link to a folder": (outside("oak/more", "../../secret"), {}, ("leaves/oak/more: a link to a folder", HINT)),
    "a class that is a link": (outside("ash", "../secret"), {}, ("leaves/ash: a link to a folder",)),
    "a file of notes": (write("oak/notes.txt"), {}, ("neither images", "\n  oak/notes.txt", "`ignore`")),
    "an image of another kind": (write("oak/a.heic"), {}, ("neither images", "\n  oak/a.heic")),
    "no suffix": (write("oak/image"), {}, ("neither images", "\n  oak/image")),
    "two suffixes": (write("oak/a.png.bak"), {}, ("neither images", "\n  oak/a.png.bak")),
    "a suffix with a space": (write("oak/a.png "), {}, ("neither images", "oak/a.png ")),
    "an archive": (write("oak/all.zip"), {}, ("neither images", "oak/all.zip")),
    "a class that is not in the config": (write("ash/0.png", png(GREY)), {}, ("ash: 1 image(s)", "such as ash/0.png")),
    "a class in other letters": (
        lambda f: (f / "oak").rename(f / "Oak"),
        {},
        ("Oak: 2 image(s)", "did you mean `oak`?"),
    ),
    "a class with a space behind": (lambda f: (f / "oak").rename(f / "oak "), {}, ("did you mean `oak`?",)),
    "an image of no class": (write("0.png", png(GREY)), {}, ("(beside the folders): 1 image(s), such as 0.png",)),
    "a class without images": (lambda f: shutil.rmtree(f / "oak"), {}, ("leaves: no image of: oak",)),
    "a class without files": (lambda f: [p.unlink() for p in (f / "oak").iterdir()], {}, ("no image of: oak",)),
    "one class": (untouched, {"classes": ["elm"]}, ("mine: classes: name two or more",)),
    "an empty split": (
        untouched,
        {"splits": {"train": {"share": 0.99}, "test": {"share": 0.01}}},
        ("leaves: the split `test` has no images",),
    ),
    "a split whose folder is not there": (
        untouched,
        {"splits": {"train": {"folder": "training"}, "test": {"folder": "testing"}}},
        ("in no folder of a class in a folder of a split (training, testing)",),
    ),
    "a split above": (
        secret,
        {"splits": {"train": {"folder": "../secret"}, "test": {"folder": "."}}},
        ("mine.splits.train.folder: ", "is not the name of one folder"),
    ),
    "everything ignored": (untouched, {"ignore": ["*"]}, ("leaves: there are no images",)),
    "groups that are in no name": (
        untouched,
        {"random": {"group_pattern": "(patient-[0-9]+)"}},
        ("random.group_pattern: finds nothing in",),
    ),
    "groups without a name": (
        untouched,
        {"random": {"group_pattern": "[0-9](x?)"}},
        ("random.group_pattern: finds nothing in",),
    ),
    "the same image on both sides": (
        lambda f: [shutil.copy(f / "elm/0.png", f / path) for path in ("elm/1.png", "oak/0.png", "oak/1.png")],
        {},
        ("have the same pixels as one of another split", "allow_duplicates: true"),
    ),
    "images of two sizes": (
        write("oak/new.png", png(GREY)),
        {"splits": ONE},
        ("prepare: image", "17 x 11 px", "6 x 5 px", "`resize`"),
    ),
    "images of two kinds": (
        write("oak/new.png", png(COLOUR[:5, :6])),
        {"splits": ONE, "prepare": ["scale"]},
        ("(3 channels)", "(1 channel)"),
    ),
    "images smaller than their part": (
        untouched,
        {"prepare": [{"name": "crop", "width": 9, "height": 9}]},
        ("prepare.0.crop", "6 x 5 px"),
    ),
    "images without a deviation": (
        untouched,
        {"prepare": [{"name": "normalise", "split": "nowhere"}]},
        ("prepare.0.normalise", "nowhere"),
    ),
}


@pytest.mark.parametrize("what", PLACES)
def test_a_folder_that_is_not_as_the_config_says_is_named_with_what_is_wrong(leaves, what):
    spoil, keys, parts = PLACES[what]
    shutil.copytree(leaves, "leaves")
    spoil(Path("leaves"))
    refused(LEAVES | keys, *parts)


def test_a_call_is_not_held_up_for_ever_by_a_pipe_or_a_device_among_the_images(leaves):
    """Before any job, the content of the folder is looked at."""
    for name, spoil in {"pipes": fifo, "devices": link("oak/zero.png", "/dev/zero")}.items():
        shutil.copytree(leaves, name)
        spoil(Path(name))
        with pytest.raises(CalotypeError, match=rf"{name}/oak/.*\.png: neither a file nor a folder"):
            contents(Path(name), [], Path("known.json"))


# ---- Tables of labels ------------------------------------------------------------------------------------------------

LINES = [
    "image,label,split,weight,plate",
    *(f"{name}/{i}.png,{name},{('train', 'test')[i]},{i + 0.5},p{i}" for name in ("elm", "oak") for i in range(2)),
]
TABLE = {"file": "labels.csv"}
FULL = TABLE | {"split": "split", "weight": "weight", "group": "plate"}
GIVEN = {"train": {"value": "train"}, "test": {"value": "test"}}
TABLED = LEAVES | {"table": FULL, "splits": GIVEN}
COUNTED = {key: value for key, value in LEAVES.items() if key != "classes"} | {"table": TABLE, "labels": "counts"}


def lines(*replaced: tuple[str, str], add: str = "", between: str = "\n") -> bytes:
    text = between.join(LINES) + between
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return (text + add).encode()


def labelled(*labels: str, column: str = "label") -> bytes:
    """A table with these labels of the four images."""
    names = ("elm/0.png", "elm/1.png", "oak/0.png", "oak/1.png")
    return f"image,{column}\n".encode() + b"".join(
        f"{name},{label}\n".encode() for name, label in zip(names, labels, strict=True)
    )


# The table: its bytes, the entry, and what the error must say.
TABLES: dict[str, tuple[bytes, dict[str, Any], tuple[str, ...]]] = {
    "empty": (b"", TABLED, ("leaves/labels.csv: not a table: nothing stands in it",)),
    "blank": (b"\n\n\n", TABLED, ("labels.csv: not a table: nothing stands in it",)),
    "a header alone": (lines()[:31], TABLED, ("labels.csv: has no lines",)),
    "no header": (b"\n".join(lines().splitlines()[1:]), TABLED, ("has no column `image` (table.image)",)),
    "zeros": (bytes(100), TABLED, ("labels.csv: ",)),
    "a spreadsheet": (b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)), TABLED, ("labels.csv: not UTF-8 text", HINT)),
    "text of Windows": (lines(("oak,", "eich\u00e4,")).decode().encode("latin-1"), TABLED, ("not UTF-8 text",)),
    "Unicode of Windows": (lines().decode().encode("utf-16"), TABLED, ("labels.csv: not UTF-8 text", "save it as CSV")),
    "semicolons": (lines((",", ";")), TABLED, ("has no column `image`", "its columns are not parted by commas")),
    "tabs": (lines((",", "\t")), TABLED, ("has no column `image`", "its columns are not parted by commas")),
    "an open quote": (lines(("elm/1.png,elm", 'elm/1.png,"elm')), TABLED, ("labels.csv, line", "not a table")),
    "a quote inside": (lines(("elm/1.png,elm", 'elm/1.png,"el"m')), TABLED, ("labels.csv, line 3: not a table",)),
    "a field that is endless": (
        lines(("elm/1.png,elm", "elm/1.png," + "e" * 200_000)),
        TABLED,
        ("line 3: not a table",),
    ),
    "a field more": (lines(("1.png,oak", "1.png,oak,x")), TABLED, ("line 5: not a table: 6 fields instead of 5", HINT)),
    "a field less": (lines(("oak,test,1.5", "oak,1.5")), TABLED, ("line 5: not a table: 4 fields instead of 5",)),
    "commas at the end of lines": (lines(("p0", "p0,"), ("p1", "p1,")), TABLED, ("line 2: not a table: 6 fields",)),
    "a column twice": (
        lines(("weight,plate", "label,weight")),
        TABLED | {"table": TABLE, "splits": ONE},
        ("`label` stands there twice",),
    ),
    "a column missing": (lines(("image,label", "image,class")), TABLED, ("has no column `label` (table.label)",)),
    "a column misspelt": (
        lines(("plate", "plates")),
        TABLED,
        ("has no column `plate` (table.group)", "did you mean `plates`"),
    ),
    "an image twice": (lines(add=LINES[1]), TABLED, ("line 6: elm/0.png stands in line 2 already", HINT)),
    "an image twice, in other words": (
        lines(add=LINES[1].replace("elm/0", "oak/../elm/0")),
        TABLED,
        ("line 6: elm/0.png stands in line 2",),
    ),
    "an image that is not there": (lines(("elm/1.png", "elm/7.png")), TABLED, ("line 3: there is no image elm/7.png",)),
    "an image in other letters": (lines(("elm/1.png", "elm/1.PNG")), TABLED, ("line 3: there is no image elm/1.PNG",)),
    "blank lines before it": (lines(("elm/1.png", "\n\nelm/7.png")), TABLED, ("line 5: there is no image elm/7.png",)),
    "an image above": (
        lines(("elm/1.png", "../secret.png")),
        TABLED,
        ("line 3: '../secret.png' does not lie in leaves",),
    ),
    "an image around": (
        lines(("elm/1.png", "elm/../../a.png")),
        TABLED,
        ("line 3: 'elm/../../a.png' does not lie in",),
    ),
    "an absolute path": (
        lines(("elm/1.png", "/etc/passwd")),
        TABLED,
        ("line 3: '/etc/passwd' does not lie in leaves",),
    ),
    "a path of Windows": (lines(("elm/1.png", "elm\\1.png")), TABLED, ("line 3: there is no image elm\\1.png",)),
    "a drive": (lines(("elm/1.png", "C:\\images\\1.png")), TABLED, ("line 3: there is no image C:",)),
    "an address": (lines(("elm/1.png", "https://example.org/1.png")), TABLED, ("line 3: there is no image https:",)),
    "no image": (lines(("elm/1.png", "")), TABLED, ("line 3: '' does not lie in leaves",)),
    "a zero in a path": (lines(("elm/1.png", "elm/1.png\0")), TABLED, ("line 3: there is no image",)),
    "a folder": (lines(("elm/1.png", "elm")), TABLED, ("line 3: there is no image elm",)),
    "an image that no line names": (
        b"\n".join(lines().splitlines()[:-1]),
        TABLED,
        ("names no label of 1 image(s)", "oak/1.png"),
    ),
    "an unknown label": (
        lines((",oak,", ",aok,")),
        TABLED,
        ("oak/0.png: the label 'aok' is no class", "did you mean `oak`?"),
    ),
    "a label in capitals": (lines((",oak,", ",Oak,")), TABLED, ("the label 'Oak' is no class", "did you mean `oak`?")),
    "a label with a space": (
        lines((",oak,", ",oak ,")),
        TABLED,
        ("the label 'oak ' is no class", "did you mean `oak`?"),
    ),
    "an empty label": (
        lines(("0.png,oak,", "0.png,,")),
        TABLED,
        ("oak/0.png: the label '' is no class (it is empty)",),
    ),
    "numbers for classes": (lines((",oak,", ",1,")), TABLED, ("the label '1' is no class",)),
    "a formula": (lines((",oak,", ",=1+1,")), TABLED, ("the label '=1+1' is no class",)),
    "a command": (lines((",oak,", ",$(touch hacked),")), TABLED, ("the label '$(touch hacked)' is no class",)),
    "a line break in a label": (lines((",oak,", ',"o\nak",')), TABLED, ("the label 'o\\nak' is no class",)),
    "one class only": (lines((",oak,", ",elm,")), TABLED, ("labels.csv: no image of: oak",)),
    "a weight in words": (
        lines(("test,1.5", "test,heavy")),
        TABLED,
        ("weight:\n  elm/1.png: 'heavy' is not a number",),
    ),
    "no weight": (lines(("test,1.5", "test,")), TABLED, ("weight:\n  elm/1.png: '' is not a number",)),
    "a weight with a comma": (
        lines(("test,1.5", 'test,"1,5"')),
        TABLED,
        ("weight:\n  elm/1.png: '1,5' is not a number",),
    ),
    "NaN as weight": (lines(("test,1.5", "test,nan")), TABLED, ("weight:\n  elm/1.png: 'nan' is not a number",)),
    "an infinite weight": (lines(("test,1.5", "test,-inf")), TABLED, ("weight:\n  elm/1.png: '-inf' is not a number",)),
    "a weight beyond a float": (
        lines(("test,1.5", "test,1e300")),
        TABLED,
        ("weight:\n  elm/1.png: '1e300' is not a number",),
    ),
    "a negative weight": (lines(("test,1.5", "test,-1.5")), TABLED, ("elm/1.png: the weight is negative",)),
    "weights of nothing": (lines(("0.5", "0"), ("1.5", "0")), TABLED, ("labels.csv: all weights are 0",)),
    "no group": (lines(("p1", "")), TABLED, ("table.group: nothing stands there for:\n  elm/1.png",)),
    "a group on both sides": (lines(("p1", "p0")), TABLED, ("groups on both sides of a split:\n  p0: in test, train",)),
    "a split without images": (lines((",test,", ",train,")), TABLED, ("the split `test` has no images",)),
    "splits in other letters": (lines((",test,", ",Test,")), TABLED, ("the split `test` has no images",)),
    "a split that no line has": (
        lines(),
        TABLED | {"splits": GIVEN | {"more": {"value": "more"}}},
        ("the split `more` has no images",),
    ),
    "a table above": (
        lines(),
        TABLED | {"table": FULL | {"file": "../labels.csv"}},
        ("mine.table.file: lies in `folder`",),
    ),
    "an absolute table": (
        lines(),
        TABLED | {"table": FULL | {"file": "/etc/passwd"}},
        ("mine.table.file: lies in `folder`",),
    ),
    "a table that is not there": (
        lines(),
        TABLED | {"table": FULL | {"file": "label.csv"}},
        ("mine.table.file: there is no file label.csv",),
    ),
    "a folder for a table": (
        lines(),
        TABLED | {"table": FULL | {"file": "elm"}},
        ("mine.table.file: there is no file elm",),
    ),
    "an image for a table": (lines(), TABLED | {"table": FULL | {"file": "elm/0.png"}}, ("elm/0.png: not UTF-8 text",)),
    **{
        f"{label!r} as a count": (
            labelled("1", label, "2", "3"),
            COUNTED,
            ("labels.csv: ", f"\n  elm/1.png: {label.strip()!r}"),
        )
        for label in ("", "one", "1.5", "-1", "nan", "inf", "-inf", "1e400", "0x10", "1_0", "1e30", "true", "1 2", "½")
    },
    **{
        f"{label!r} as a number": (
            labelled("1", label, "2", "3"),
            COUNTED | {"labels": "numbers"},
            ("labels.csv: label:", "\n  elm/1.png: "),
        )
        for label in ("", "one", "nan", "inf", "1e39", '"1,5"', "1.2.3", "--1", "5 mm")
    },
}


@pytest.mark.parametrize("what", TABLES)
def test_a_mistake_in_a_table_is_named_with_its_line_or_image(leaves, what):
    content, entry, parts = TABLES[what]
    shutil.copytree(leaves, "leaves")
    Path("leaves/labels.csv").write_bytes(content)
    refused(entry, *parts)


# A table that is right, though it does not look like one.
RIGHT = {
    "as it is": lines(),
    "ends of lines of Windows": lines(between="\r\n"),
    "ends of lines of old": lines(between="\r"),
    "a mark before it": b"\xef\xbb\xbf" + lines(),
    "no end of its last line": lines()[:-1],
    "blank lines": lines(("oak/0", "\n\noak/0"), add="\n\n"),
    "lines of commas, as spreadsheets leave them": lines(add=",,,,\n,,,,\n"),
    "quotes": lines((",oak,", ',"oak",')),
    "spaces before fields": lines((",", ", ")),
    "paths with a dot": lines(("oak/0.png", "./oak//0.png")),
    "columns in another order": b"\n".join(b",".join(line.split(b",")[::-1]) for line in lines().splitlines()),
    "columns more": b"\n".join(line + b",more" for line in lines().splitlines()),
}


@pytest.mark.parametrize("what", RIGHT)
def test_tables_of_all_programs_are_read_alike(leaves, what):
    shutil.copytree(leaves, "leaves")
    Path("leaves/labels.csv").write_bytes(RIGHT[what])
    splits = prepared(TABLED | {"prepare": []})
    for number, split in enumerate(("train", "test")):
        record = splits[split][np.argsort(splits[split]["label"])]
        assert record["weight"].tolist() == [number + 0.5] * 2
        for label, name in enumerate(("elm", "oak")):
            assert np.array_equal(record["image"][label, ..., 0], np.asarray(Image.open(f"leaves/{name}/{number}.png")))


def test_letters_with_accents_are_the_same_however_they_are_written(leaves):
    """Some systems write one sign, some two; a table may come from another than the folder."""
    shutil.copytree(leaves, "leaves")
    for old, new in (("oak", "\u00e9rable"), ("elm", "che\u0302ne")):
        Path("leaves", old).rename(Path("leaves", new))
    text = lines(("oak", "e\u0301rable"), ("elm", "ch\u00eane"))
    Path("leaves/labels.csv").write_bytes(text)
    splits = prepared(TABLED | {"classes": ["ch\u00eane", "\u00e9rable"]})
    assert sorted(splits["train"]["label"].tolist()) == [0, 1]


# ---- Arrays ----------------------------------------------------------------------------------------------------------

ARRAYS = {"x": RNG.integers(0, 256, (6, 4, 5), np.uint8), "y": np.array([0, 1, 0, 1, 0, 1])}


class Burglar:
    """What would write a file if it were unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("hacked"),)


def npz(**arrays: Any) -> bytes:
    """An .npz file; with None, an array is left out."""
    buffer = io.BytesIO()
    np.savez(buffer, **{key: array for key, array in (ARRAYS | arrays).items() if array is not None})
    return buffer.getvalue()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def header(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    """An array that says that it is of a shape, and holds nothing."""
    buffer = io.BytesIO()
    described = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def objects(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array(array, object), allow_pickle=True)
    return buffer.getvalue()


Y = zipfile.ZipFile(io.BytesIO(npz())).read("y.npy")
NPZ: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not an .npz file"),
    "text": (b"x,y\n1,2\n", "not an .npz file"),
    "an .npy file": (header((6, 4, 5)), "not an .npz file"),
    "a pickle": (pickle.dumps(Burglar()), "not an .npz file"),
    "a pickle inside": (zipped(x=pickle.dumps(Burglar()), y=Y), "`x` cannot be read"),
    "objects": (zipped(x=objects([Burglar()] * 6), y=Y), "`x` holds Python objects, which are never read"),
    "objects as labels": (npz(y=np.array([Burglar()] * 6, object)), "`y` holds Python objects, which are never read"),
    "ragged images": (npz(x=np.array([[0] * i for i in range(6)], object)), "`x` holds Python objects"),
    "no images": (npz(x=None), "has no array `x`"),
    "no labels": (npz(y=None), "has no array `y`"),
    "an archive of other things": (zipped(), "has no array `x`"),
    "NaN": (npz(x=np.full((6, 4, 5), np.nan)), "`x` holds float64"),
    "NaN among floats": (
        npz(x=np.where(ARRAYS["x"] > 9, ARRAYS["x"] / 255, np.nan).astype(np.float32)),
        "`x` holds float32",
    ),
    "truth": (npz(x=ARRAYS["x"] > 9), "`x` holds bool"),
    "negative pixels": (npz(x=ARRAYS["x"].astype(np.int16) - 99), "`x` holds int16"),
    "complex pixels": (npz(x=ARRAYS["x"] * 1j), "`x` holds complex128"),
    "pixels of text": (npz(x=ARRAYS["x"].astype(str)), "`x` holds <U3"),
    "fields": (npz(x=np.zeros((6, 4, 5), [("r", "u1"), ("g", "u1")])), "`x` holds"),
    "one image": (npz(x=ARRAYS["x"][0]), "`x` is 4 x 5"),
    "five dimensions": (npz(x=ARRAYS["x"][..., None, None]), "`x` is 6 x 4 x 5 x 1 x 1"),
    "a number": (npz(x=np.uint8(7)), "`x` is"),
    "channels first": (npz(x=np.zeros((6, 3, 4, 5), np.uint8)), "`x` is 6 x 3 x 4 x 5"),
    "no pixels": (npz(x=np.zeros((6, 0, 5), np.uint8)), "`x` is 6 x 0 x 5"),
    "no image": (npz(x=ARRAYS["x"][:0], y=ARRAYS["y"][:0]), "`x` is 0 x 4 x 5"),
    "fewer labels": (npz(y=ARRAYS["y"][:5]), "`y` has 5 labels for 6 images"),
    "more labels": (npz(y=np.arange(9)), "`y` has 9 labels for 6 images"),
    "labels of text": (npz(y=np.array(["elm"] * 6)), "`y` is <U3"),
    "labels of floats": (npz(y=ARRAYS["y"] / 1.0), "`y` is float64"),
    "one-hot labels": (npz(y=np.eye(2, dtype=int)[ARRAYS["y"]]), "`y` is 6 x 2"),
    "an unknown label": (npz(y=ARRAYS["y"] + 1), "the label 2 is not one of the 2 classes, 0 to 1"),
    "a negative label": (npz(y=ARRAYS["y"] - 1), "the label -1 is not one of the 2 classes, 0 to 1"),
    "a label beyond all numbers": (npz(y=ARRAYS["y"].astype(np.uint64) + 2**63), "is no class"),
    "more than any memory": (zipped(x=header((2**40, 2**10, 2**10)), y=Y), "`x` cannot be read"),
    "fewer numbers than it says": (zipped(x=header((6, 4, 5)), y=Y), "`x` cannot be read"),
    "code for a shape": (zipped(x=header((6,)).replace(b"(6,)", b"exit"), y=Y), "`x` cannot be read"),
    **{f"cut at {part:.0%}": (npz()[: int(len(npz()) * part)], "") for part in (0.1, 0.5, 0.9, 0.99)},
}
NPZ_ENTRY = {
    "source": "npz",
    "classes": ["elm", "oak"],
    "splits": {name: {"file": "file", "images": "x", "labels": "y"} for name in ("train",)},
}


def idx(array: np.ndarray, *, kind: int = 8, shape: tuple[int, ...] | None = None) -> bytes:
    dimensions = array.shape if shape is None else shape
    return bytes([0, 0, kind, len(dimensions)]) + struct.pack(f">{len(dimensions)}I", *dimensions) + array.tobytes()


PIXELS, LABELS = ARRAYS["x"], ARRAYS["y"].astype(np.uint8)
IDX: dict[str, tuple[bytes, bytes, str]] = {
    "empty": (b"", idx(LABELS), "images: not an IDX file"),
    "text": (b"not images", idx(LABELS), "images: not an IDX file"),
    "compressed": (b"\x1f\x8b\x08\x00" + idx(PIXELS), idx(LABELS), "images: not an IDX file"),
    "floats": (idx(PIXELS.astype(">f4"), kind=13), idx(LABELS), "32-bit floating-point numbers"),
    "no kind of numbers": (idx(PIXELS, kind=99), idx(LABELS), "no type that IDX files have"),
    "no dimensions": (idx(PIXELS, shape=()), idx(LABELS), "0 dimensions"),
    "more than any memory": (idx(PIXELS, shape=(2**31, 2**15, 2**15)), idx(LABELS), "truncated"),
    "longer than it says": (idx(PIXELS) + b"more", idx(LABELS), "longer than its header says"),
    "fewer than it says": (idx(PIXELS[:5], shape=PIXELS.shape), idx(LABELS), "truncated"),
    "only its header": (idx(PIXELS)[:10], idx(LABELS), "truncated within its header"),
    "no image": (idx(PIXELS[:0]), idx(LABELS[:0]), "without content"),
    "the labels": (idx(LABELS), idx(LABELS), "1 dimensions instead of the 3"),
    "the two swapped": (idx(LABELS), idx(PIXELS), "dimensions instead of"),
    "fewer labels": (idx(PIXELS), idx(LABELS[:4]), "6 images, but 4 labels"),
    "an unknown label": (idx(PIXELS), idx(LABELS + 7), "the label 7 is not one of the 2 classes"),
}
IDX_ENTRY = {
    "source": "idx",
    "classes": ["elm", "oak"],
    "splits": {"train": {"images": "images", "labels": "labels"}},
}
GRID = b"0,1,2,3,0\n4,5,6,7,1\n"
CSV: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "file: "),
    "words": (b"a,b,c,d,e\n", "not a table of whole numbers"),
    "a header": (b"p1,p2,p3,p4,label\n" + GRID, "not a table of whole numbers"),
    "NaN": (GRID.replace(b"5", b"nan"), "not a table of whole numbers"),
    "halves": (GRID.replace(b"5", b"5.5"), "not a table of whole numbers"),
    "a field less": (GRID.replace(b",5", b""), "not a table of whole numbers"),
    "semicolons": (GRID.replace(b",", b";"), "not a table of whole numbers"),
    "no square": (b"0,1,2,0\n1,2,3,1\n", "3 pixels in a line are no square"),
    "too bright": (GRID.replace(b"5", b"256"), "a pixel is not in 0..255"),
    "negative": (GRID.replace(b"5", b"-5"), "a pixel is not in 0..255"),
    "an unknown label": (GRID.replace(b"7,1", b"7,9"), "the label 9 is not one of the 2 classes"),
    "no text": (b"\xff\xfe\x00", "not a table of whole numbers"),
    "a pickle": (pickle.dumps(Burglar()), "not a table of whole numbers"),
    "beyond all numbers": (GRID.replace(b"5", b"9" * 40), "not a table of whole numbers"),
}
CSV_ENTRY = {"source": "csv", "classes": ["elm", "oak"], "splits": {"train": {"table": "file"}}}


def fetched(entry: dict[str, Any], **files: bytes) -> dict[str, Any]:
    """The entry of files that have been fetched, and are what their checksums say."""
    Path("data").mkdir()
    sums = {}
    for name, content in files.items():
        Path("data", name).write_bytes(content)
        sums[name] = hashlib.sha256(content).hexdigest()
    Path("data/SHA256SUMS").write_text(json.dumps(sums), encoding="utf-8")
    return entry | {"fetch": {"files": sums, "sources": [{"folder": "nowhere"}]}}


@pytest.mark.parametrize("what", NPZ)
def test_arrays_that_are_no_images_are_named_with_the_file_and_never_unpickled(what):
    content, reason = NPZ[what]
    refused(fetched(NPZ_ENTRY, file=content), "data/file: ", reason)


@pytest.mark.parametrize("what", IDX)
def test_a_pair_of_idx_files_that_is_none_is_named(what):
    images, labels, reason = IDX[what]
    refused(fetched(IDX_ENTRY, images=images, labels=labels), "data/", reason)


@pytest.mark.parametrize("what", CSV)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_a_file_of_pixels_that_is_none_is_named(what):
    content, reason = CSV[what]
    refused(fetched(CSV_ENTRY, file=content), "data/file: ", reason)


@pytest.mark.parametrize("entry", [NPZ_ENTRY, CSV_ENTRY])
def test_a_file_that_changed_since_it_was_fetched_is_named(entry):
    whole = fetched(entry, file=npz())
    Path("data/file").write_bytes(npz(y=ARRAYS["y"][::-1]))
    refused(whole, "data/file: its content is not what datasets.yaml says", HINT)
