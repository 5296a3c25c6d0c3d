"""A JPEG file whose last scans were lost is damaged: viewers show it blurred or without colours, and say nothing."""

import io
import itertools
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from handmade import encoded
from PIL import Image

from calotype.data.image_file import read_picture
from calotype.util.errors import CalotypeError

NOISE = np.random.default_rng(0).normal(60, 20, (60, 80, 3))
PHOTO = np.clip(np.indices((60, 80)).sum(0)[..., None] + NOISE, 0, 255).astype(np.uint8)
END = b"\xff\xd9"


def before_each_scan(content: bytes) -> list[int]:
    """Return the place after each scan but the last, where the tables of the next one begin."""
    scans = [found.start() for found in re.finditer(b"\xff\xda", content)]
    return [content.index(b"\xff\xc4", place) if b"\xff\xc4" in content[place:after] else after
            for place, after in itertools.pairwise(scans)]  # fmt: skip


def apart(planes: list[np.ndarray]) -> bytes:
    """Return a JPEG file with a scan for each of three planes, Y, Cb and Cr, made of three grey files."""
    files = [encoded(plane, "JPEG", quality=90) for plane in planes]
    first = files[0]
    frame = first.index(b"\xff\xc0")
    tables = first.index(b"\xff\xc4")
    scans = [file.index(b"\xff\xda") for file in files]
    size = first[frame + 4 : frame + 9]
    parts = b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    head = first[:frame] + b"\xff\xc0" + struct.pack(">H", 17) + size + b"\x03" + parts + first[tables : scans[0]]
    data = [file[place + 10 : -2] for file, place in zip(files, scans, strict=True)]
    headers = [b"\xff\xda\x00\x08\x01" + bytes((number, 0, 0, 63, 0)) for number in (1, 2, 3)]
    return head + b"".join(header + scan for header, scan in zip(headers, data, strict=True)) + END


def read(content: bytes, folder: Path) -> np.ndarray:
    (folder / "photo.jpg").write_bytes(content)
    return read_picture(folder / "photo.jpg", name="photo.jpg").pixels


def refused(content: bytes, folder: Path) -> None:
    Image.open(io.BytesIO(content)).load()  # another decoder sees nothing
    with pytest.raises(CalotypeError, match=r"^photo.jpg: truncated or damaged: its last scans are missing"):
        read(content, folder)


@pytest.mark.parametrize("grey", [False, True])
def test_a_progressive_photo_without_its_last_scans_is_damaged(tmp_path, grey):
    whole = encoded(PHOTO[..., 0] if grey else PHOTO, "JPEG", quality=92, progressive=True)
    expected = np.asarray(Image.open(io.BytesIO(whole)))
    assert np.array_equal(read(whole, tmp_path).squeeze(), expected)
    places = before_each_scan(whole)
    assert len(places) == (5 if grey else 9)
    for place in places:
        refused(whole[:place] + END, tmp_path)


def test_a_photo_with_a_scan_for_each_colour_needs_all_three(tmp_path):
    planes = [np.asarray(plane) for plane in Image.fromarray(PHOTO).convert("YCbCr").split()]
    whole = apart(planes)
    expected = np.asarray(Image.open(io.BytesIO(whole)))
    assert np.abs(read(whole, tmp_path).astype(int) - expected).max() <= 2
    _, *later = (found.start() for found in re.finditer(b"\xff\xda", whole))
    assert len(later) == 2
    for place in later:
        refused(whole[:place] + END, tmp_path)


@pytest.mark.parametrize("how", [{}, {"optimize": True}, {"subsampling": 2}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("progressive", [False, True])
def test_whole_photos_are_read_whatever_their_options(tmp_path, how, progressive):
    content = encoded(PHOTO, "JPEG", quality=92, progressive=progressive, **how)
    expected = np.asarray(Image.open(io.BytesIO(content)))
    for after in (b"", b"\xff\xda\x00", b"\xff\xd8\xff\xd9"):  # also with other data behind its end
        assert np.abs(read(content + after, tmp_path).astype(int) - expected).max() <= 2
    assert np.abs(read(content[:-2] + b"\xff\xff" + END, tmp_path).astype(int) - expected).max() <= 2
