"""Fetched files of arrays and tables of pixels that hold no images are named, and never unpickled."""

import hashlib
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.leaves import HINT, refused

ARRAYS = {"x": np.random.default_rng(0).integers(0, 256, (6, 4, 5), np.uint8), "y": np.array([0, 1, 0, 1, 0, 1])}


pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


# ---- Files of NumPy --------------------------------------------------------------------------------------------------


class Burglar:
    """Object that writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("hacked"),)


def npz(**arrays: Any) -> bytes:
    """Return an .npz file; with None, an array is left out."""
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
    """Return the header of an array with a shape, without its data."""
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
    "no images": (npz(x=None), "array `x` not found"),
    "no labels": (npz(y=None), "array `y` not found"),
    "an archive of other things": (zipped(), "array `x` not found"),
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
    "a label beyond all numbers": (npz(y=ARRAYS["y"].astype(np.uint64) + 2**63), "is not a class"),
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


# ---- IDX files -------------------------------------------------------------------------------------------------------


def idx(array: np.ndarray, *, kind: int = 8, shape: tuple[int, ...] | None = None) -> bytes:
    dimensions = array.shape if shape is None else shape
    return bytes([0, 0, kind, len(dimensions)]) + struct.pack(f">{len(dimensions)}I", *dimensions) + array.tobytes()


PIXELS, LABELS = ARRAYS["x"], ARRAYS["y"].astype(np.uint8)
IDX: dict[str, tuple[bytes, bytes, str]] = {
    "empty": (b"", idx(LABELS), "images: not an IDX file"),
    "text": (b"not images", idx(LABELS), "images: not an IDX file"),
    "compressed": (b"\x1f\x8b\x08\x00" + idx(PIXELS), idx(LABELS), "images: not an IDX file"),
    "floats": (idx(PIXELS.astype(">f4"), kind=13), idx(LABELS), "float32"),
    "no kind of numbers": (idx(PIXELS, kind=99), idx(LABELS), "unknown"),
    "no dimensions": (idx(PIXELS, shape=()), idx(LABELS), "0 dimensions"),
    "more than any memory": (idx(PIXELS, shape=(2**31, 2**15, 2**15)), idx(LABELS), "truncated"),
    "longer than it says": (idx(PIXELS) + b"more", idx(LABELS), "too long"),
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


# ---- Tables of pixels ------------------------------------------------------------------------------------------------

GRID = b"0,1,2,3,0\n4,5,6,7,1\n"
CSV: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "file: "),
    "words": (b"a,b,c,d,e\n", "not a table of whole numbers"),
    "a header": (b"p1,p2,p3,p4,label\n" + GRID, "not a table of whole numbers"),
    "NaN": (GRID.replace(b"5", b"nan"), "not a table of whole numbers"),
    "halves": (GRID.replace(b"5", b"5.5"), "not a table of whole numbers"),
    "a field less": (GRID.replace(b",5", b""), "not a table of whole numbers"),
    "semicolons": (GRID.replace(b",", b";"), "not a table of whole numbers"),
    "no square": (b"0,1,2,0\n1,2,3,1\n", "3 pixels in a line are not a square"),
    "too bright": (GRID.replace(b"5", b"256"), "a pixel is not in 0..255"),
    "negative": (GRID.replace(b"5", b"-5"), "a pixel is not in 0..255"),
    "an unknown label": (GRID.replace(b"7,1", b"7,9"), "the label 9 is not one of the 2 classes"),
    "no text": (b"\xff\xfe\x00", "not a table of whole numbers"),
    "a pickle": (pickle.dumps(Burglar()), "not a table of whole numbers"),
    "beyond all numbers": (GRID.replace(b"5", b"9" * 40), "not a table of whole numbers"),
}
CSV_ENTRY = {"source": "csv", "classes": ["elm", "oak"], "splits": {"train": {"table": "file"}}}


# ---- Errors ----------------------------------------------------------------------------------------------------------


def fetched(entry: dict[str, Any], **files: bytes) -> dict[str, Any]:
    """Return the entry of a dataset whose fetched files match their checksums."""
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
    refused(whole, "data/file: its SHA-256 is not the one in datasets.yaml", HINT)
