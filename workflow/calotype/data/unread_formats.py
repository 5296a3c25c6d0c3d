"""Image formats that are not read: recognise and count them, and say how to convert them."""

import collections
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from calotype.data.image_decoders import kind_of

_MAGICK = "convert them to PNG, for example with ImageMagick: magick mogrify -format png FILES"
# By format: its suffixes, and the way to convert it.
FORMATS: dict[str, tuple[tuple[str, ...], str]] = {
    "HEIC": ((".heic", ".heif", ".hif"), _MAGICK),
    "AVIF": ((".avif",), _MAGICK),
    "GIF": ((".gif",), _MAGICK),
    "JPEG XL": ((".jxl",), _MAGICK),
    "JPEG 2000": ((".jp2", ".j2k", ".jpx"), _MAGICK),
    "Netpbm": ((".pbm", ".pgm", ".ppm", ".pnm"), _MAGICK),
    "DICOM": ((".dcm", ".dicom"), "save their pixels as PNG or TIFF of 16 bits, for example with pydicom and OpenCV"),
    "NIfTI": ((".nii", ".nii.gz"), "save their slices as PNG or TIFF of 16 bits, for example with nibabel and OpenCV"),
    "raw": (
        (
            ".3fr",
            ".arw",
            ".cr2",
            ".cr3",
            ".crw",
            ".dng",
            ".nef",
            ".nrw",
            ".orf",
            ".pef",
            ".raf",
            ".raw",
            ".rw2",
            ".srw",
        ),
        "develop them to TIFF, for example with darktable",
    ),
    "microscope": (
        (".czi", ".lif", ".lsm", ".mrxs", ".nd2", ".ndpi", ".oib", ".scn", ".svs", ".vsi"),
        "export them as TIFF, for example with Fiji",
    ),
    "SVG": ((".svg",), "plot them as PNG, for example with Inkscape"),
    "Photoshop": ((".psd",), "export them as PNG"),
}
# By bytes at a place of the file.
_BEGINNINGS = (
    (0, b"GIF8", "GIF"), (4, b"ftypavif", "AVIF"), (4, b"ftyphei", "HEIC"), (4, b"ftypmif", "HEIC"),
    (4, b"JXL ", "JPEG XL"), (0, b"\xff\x0a", "JPEG XL"), (4, b"jP  ", "JPEG 2000"), (128, b"DICM", "DICOM"),
)  # fmt: skip
_RENAMED = {"PNG": ".png", "JPEG": ".jpg", "TIFF": ".tif"}  # formats that are read, but not without their suffix


def image_formats(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the format of each file that is an image of a format that is not read, or lacks its suffix."""
    found = {name: format_of(name) or _by_content(folder / name) for name in names}
    return {name: kind for name, kind in found.items() if kind}


def format_of(name: str) -> str | None:
    """Return the format that is not read, by the suffix of a file; None for other files."""
    return next((kind for kind, (suffixes, _) in FORMATS.items() if name.lower().endswith(suffixes)), None)


def _by_content(file: Path) -> str | None:
    try:
        if not os.path.isfile(file):  # reading a pipe may never end
            return None
        with open(file, "rb") as opened:
            content = opened.read(132)
    except OSError:
        return None
    if kind := next((kind for place, start, kind in _BEGINNINGS if content[place:].startswith(start)), None):
        return kind
    readable = kind_of(content)
    return f"{readable} without its suffix" if readable in _RENAMED else None


def counted(formats: Mapping[str, str], class_of: Callable[[str], str]) -> str:
    """Return the number of files by class and format, such as `cat: 2 GIF, 1 HEIC; dog: 30 HEIC`.

    Args:
        formats: of `image_formats`.
        class_of: returns the class of a path; empty: none.
    """
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for name, kind in formats.items():
        found[class_of(name)][kind] += 1
    texts = {label: ", ".join(f"{n:,} {kind}" for kind, n in sorted(kinds.items())) for label, kinds in found.items()}
    return "; ".join(f"{label}: {text}" if label else text for label, text in sorted(texts.items()))


def conversion(formats: Mapping[str, str]) -> str:
    """Return the way to convert the files, by format; empty without files."""
    ways: dict[str, list[str]] = {}
    for kind in sorted({*formats.values()}):
        readable = kind.split()[0]
        way = FORMATS[kind][1] if kind in FORMATS else f"add the suffix {_RENAMED[readable]} to their names"
        ways.setdefault(way, []).append(kind)
    if len(ways) < 2:
        return "".join(ways)
    return "; ".join(f"{' and '.join(kinds)}: {way}" for way, kinds in ways.items())


def patterns(names: Iterable[str]) -> list[str]:
    """Return patterns for `ignore` that match the files, such as *.HEIC."""
    paths = [Path(name) for name in names]
    return [*dict.fromkeys(f"*{path.suffix}" if path.suffix else path.name for path in paths)]
