"""Damaged array files and tables: each gives the images that it holds, or one error that names it."""

import contextlib
import csv
import io
import itertools
import os
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fuzz.bounded import counted, faults, run, sizes
from fuzz.mutators import spoil
from handmade import png
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from calotype.config.dataset_arrays import ArraysDataset
from calotype.config.dataset_images import ImagesDataset
from calotype.data.catalogue import write_catalogue
from calotype.data.idx import read_part as read_idx_part
from calotype.data.read_catalogued import open_array
from calotype.util.errors import CalotypeError
from calotype.util.yaml_validation import validate

IMAGES = np.random.default_rng(1).integers(0, 256, (16, 5, 4), np.uint8)
LABELS = np.arange(16, dtype=np.uint8) % 2
EXTRA = {"weights": np.linspace(1, 2, 16), "groups": np.arange(16) // 2}
COMMON = {"classes": ["no", "yes"], "splits": {"train": {"share": 0.5}, "test": {"share": 0.5}}}
NAMES = [f"{number:02d}.png" for number in range(16)]


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def zipped(members: dict[str, bytes], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


# Tables by their kind: separator, encoding, weight.
TABLES = {
    "csv": (",", "utf-8", "1.5"), "tsv": ("\t", "utf-8", "1.5"), "semicolons": (";", "utf-8-sig", "1,5"),
    "unicode": ("\t", "utf-16", "1,5"), "unicode-tsv": ("\t", "utf-16", "1.5"),
}  # fmt: skip


def table(kind: str) -> bytes:
    separator, encoding, weight = TABLES[kind]
    rows = [["image", "label", "weight", "group"]]
    rows += [[name, COMMON["classes"][number % 2], weight, f"g{number // 2}"] for number, name in enumerate(NAMES)]
    return "\n".join(separator.join(row) for row in rows).encode(encoding)


MEMBERS = {name: npy(array) for name, array in ({"images": IMAGES, "labels": LABELS} | EXTRA).items()}
WHOLE: dict[str, dict[str, bytes]] = {
    "npz": {"a.npz": zipped(MEMBERS, zipfile.ZIP_STORED)},
    "deflated": {"a.npz": zipped(MEMBERS, zipfile.ZIP_DEFLATED)},
    "npy": {"images.npy": MEMBERS["images"], "labels.npy": MEMBERS["labels"]},
    "idx": {"images": idx(IMAGES), "labels": idx(LABELS)},
    "fetched": {"images": idx(IMAGES), "labels": idx(LABELS)},
    **{kind: {"t.tsv" if "tsv" in kind else "t.csv": table(kind)} for kind in TABLES},
}
SHAPES = (
    "(16, 5, 4)", "(-1, 5, 4)", "(0,)", "()", "16", "(True,)", "(16.0,)", "(2**62, 2**62)",
    "(4611686018427387904,) * 2", "(99999999999, 5, 4)", "(" + "9" * 500 + ",)", "(" * 150 + ")" * 150, "(16, 5, 4",
    "None", "exit()", "[16]", "(16L,)",
)  # fmt: skip
KINDS = (
    "'|u1'", "'>u2'", "'<f8'", "'|O'", "'|b1'", "'<c16'", "'<U70000000'", "'|S0'", "'|V9'", "'M8[D]'", "'T'", "'?!'",
    "[('a', '|u1')]", "{'a': 1}", "('|u1', (99999999,))", "'|u1\\0'", "''", "7", "'<f16'", "'''",
)  # fmt: skip
OTHERS = (
    np.array([{"a": 1}] * 16, object), np.full(16, np.nan), np.full(16, 1e300), np.array(["no"] * 16), np.zeros(0),
    np.array([b"\xff"] * 16), np.zeros((16, 2)), np.arange(16).astype("M8[D]"), np.ones(16, complex), np.array(5),
    np.full(16, 2**64 - 1, np.uint64), np.full(16, -1), np.arange(16) + 0.5, np.ones(16, bool), IMAGES.astype(">u2"),
    np.moveaxis(np.stack([IMAGES] * 3), 0, 1), np.asfortranarray(IMAGES), IMAGES.astype(np.float16),
    np.array([""] * 16),
)  # fmt: skip
CELLS = (
    "", " ", "nan", "inf", "-1", "1e999", "0x10", "１", "1,5", '"', '""', 'a"b', "=1+1", "=cmd|'/C calc'!A0", "\0",
    "\ufeff", "e\u0301", "../00.png", "/etc/passwd", "00.PNG", "./00.png", "00.png ", "x" * 100_000, "9" * 5000, "1_0",
    "None", "\r", "\u2028", "a\tb", "..", ".", "/", "C:\\x", "file:///x", "\x85", "\x1c",
)  # fmt: skip


def forged(draw: random.Random, array: bytes) -> bytes:
    """Return an .npy file with another header, or with another array."""
    if draw.random() < 0.4:
        return npy(draw.choice(OTHERS))
    order = draw.choice(("False", "True", "0", "'C'"))
    described = (
        f"{{'descr': {draw.choice(KINDS)}, 'fortran_order': {order}, 'shape': {draw.choice(SHAPES)}, }}\n".encode()
    )
    described = draw.choice((described, described, described, b"(" * 9000, b"'''", b"", b"\xff" * 70))
    version = draw.choice((1, 2, 3, 4))
    length = struct.pack("<H", len(described)) if version == 1 else struct.pack("<I", len(described))
    return b"\x93NUMPY" + bytes((version, 0)) + length + described + array[-draw.choice((0, 320, 320, 600)) :]


def spoilt_table(draw: random.Random, content: bytes, kind: str) -> bytes:
    separator, usual, _ = TABLES[kind]
    rows = [line.split(separator) for line in content.decode(usual).split("\n")]
    for _ in range(draw.choice((1, 1, 2))):
        row = draw.choice(rows)
        row[draw.randrange(len(row))] = draw.choice(CELLS)
    encoding, change = usual, draw.choice(("", "", "encoding", "ends", "columns", "separators", "declared"))
    if change == "separators":
        draw.choice(rows)[:2] = [draw.choice(",;\t|").join(draw.choice(rows)[:2])]
    joined = "\n".join(separator.join(row) for row in rows)
    if change == "encoding":
        encoding = draw.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037", "cp1252"))
    elif change == "columns":
        joined = f"image{separator}label\n{joined}"
    elif change == "declared":
        joined = f"sep={draw.choice((separator, *',;|'))}\n{joined}"
    elif change == "ends":
        joined = joined.replace("\n", draw.choice(("\r", "\r\n", "\n\n", "\x0b", "\x85")))
    return joined.encode(encoding, "replace")


def mutants(number: int, seed: int) -> list[tuple[str, str, bytes]]:
    """Return the kind of each dataset, and its file to spoil, with the content."""
    draw = random.Random(seed)
    found = []
    for place in range(number):
        kind = [*WHOLE][place % len(WHOLE)]
        name = draw.choice([*WHOLE[kind]])
        content = WHOLE[kind][name]
        way = draw.random()
        if kind in TABLES and way < 0.7:
            content = spoilt_table(draw, content, kind)
        elif kind == "npy" and way < 0.6:
            content = forged(draw, content)
        elif kind in ("npz", "deflated") and way < 0.5:
            member = draw.choice([*MEMBERS])
            method = draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
            content = zipped(MEMBERS | {member: forged(draw, MEMBERS[member])}, method)
            content = spoil(content, draw) if draw.random() < 0.3 else content
        elif kind in ("idx", "fetched") and way < 0.3:
            sizes = [draw.choice((0, 1, 4, 5, 16, 2**31, 2**32 - 1)) for _ in range(draw.choice((1, 3, 3)))]
            content = (
                struct.pack(f">4B{len(sizes)}I", 0, 0, 8, draw.choice((len(sizes), 0, 255)), *sizes) + content[16:]
            )
        else:
            content = spoil(content, draw)
        found.append((kind, name, content))
    return found


def dataset(kind: str) -> Any:
    """Return the typed entry of a dataset in the working directory."""
    entry: dict[str, Any] = COMMON | {"folder": ".", "duplicates": "allow"}
    if kind in TABLES:
        columns = {"file": next(iter(WHOLE[kind])), "weight": "weight", "group": "group"}
        return validate(ImagesDataset, entry | {"source": "images", "table": columns, "ignore": ["c.*"]}, "d")
    arrays = {name: f"a.npz:{name}" for name in MEMBERS} if "a.npz" in WHOLE[kind] else {
        name: f"{name}.npy" if kind == "npy" else name for name in ("images", "labels")
    }  # fmt: skip
    return validate(ArraysDataset, entry | {"source": "arrays", "arrays": arrays}, "d")


def as_others_read(content: bytes) -> list[dict[str, tuple[str, float]]]:
    """Return label and weight by image, as pandas reads a table with each separator and either decimal sign."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    found = []
    for separator, decimal, skipped in itertools.product(",;\t|", ".,", (0, 1)):
        with contextlib.suppress(ValueError, KeyError):
            read = pd.read_csv(
                io.BytesIO(content), sep=separator, encoding=encoding, dtype=str, keep_default_na=False,
                skipinitialspace=True, skiprows=skipped,
            )  # fmt: skip
            read = read[read["image"].str.strip() != ""]
            paths = [os.path.normpath(entry.strip()) for entry in read["image"]]
            weights = [float(entry.replace(decimal, ".")) for entry in read["weight"]]
            found.append(dict(zip(paths, zip(read["label"], weights, strict=True), strict=True)))
    return found


def catalogued(case: tuple[str, str, bytes]) -> None:
    """List the images of a dataset with one spoilt file; each row of the list must be one image."""
    kind, name, content = case
    for other, whole in (WHOLE[kind] | {name: content}).items():
        Path(other).write_bytes(whole)
    if kind in TABLES:
        for place, image in enumerate(NAMES):
            Path(image).write_bytes(png(IMAGES[place]))
    try:
        if kind == "fetched":
            raw = read_idx_part(Path(), images="images", labels="labels", first=0, number=None, classes=2)
            images = [pixels for _, _, pixels in raw.records]
        else:
            write_catalogue(dataset(kind), Path("c.csv"), Path("c.json"))
            with open("c.csv", encoding="utf-8", newline="") as file:
                images = [*csv.DictReader(file)]
        if not images or len(images) > 600:
            raise AssertionError(f"{len(images)} images")
        if kind in TABLES:
            labels = {row["path"]: (COMMON["classes"][int(row["label"])], float(row["weight"])) for row in images}
            assert labels in as_others_read(content), "another program reads other labels"
    except CalotypeError as error:
        if not any(file in str(error) for file in (*WHOLE[kind], *NAMES, ".: ", "split")):
            raise AssertionError("names no file") from error
        raise
    finally:
        if Path("hacked").exists():
            raise AssertionError("code in the file was run")
        for path in Path().iterdir():
            path.unlink()


@sizes(140, 1200)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_array_or_table_is_one_error_and_no_traceback(number, tmp_path, monkeypatch, pytestconfig, note):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    whole = [(kind, name, content) for kind, files in WHOLE.items() for name, content in files.items()]
    assert [end.text for end in run(catalogued, whole) if end.kind != "read"] == []
    cases = mutants(number, pytestconfig.getoption("--fault-seed"))
    outcomes = run(catalogued, cases)
    note(f"arrays and tables: {counted(outcomes)}")
    assert not (found := faults(cases, outcomes, tmp_path)), "\n".join(found)


@settings(max_examples=100, derandomize=True, database=None, deadline=None)
@given(
    array=some.arrays(
        some.integer_dtypes() | some.unsigned_integer_dtypes() | some.floating_dtypes() | some.unicode_string_dtypes(),
        some.array_shapes(max_dims=4, max_side=4),
    ),
    fortran=st.booleans(),
)
def test_numbers_of_either_byte_order_are_read_as_they_were_saved(array, fortran, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    array = np.asfortranarray(array) if fortran else array
    np.save(folder / "any.npy", array)
    np.savez_compressed(folder / "any.npz", x=array)
    for name in ("any.npy", "any.npz:x"):
        found = open_array(folder, name)
        assert found.dtype.isnative
        assert np.array_equal(found, array, equal_nan=array.dtype.kind == "f")
