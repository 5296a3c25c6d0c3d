"""Arrays of other machines are read; what is no file, or a file with a forged header, is one error at once."""

import os
import struct

import numpy as np
import pytest

from calotype.data.npz import read_images
from calotype.data.read_catalogued import open_array
from calotype.data.readers import read_raw
from calotype.data.table_file import read_table
from calotype.util.errors import CalotypeError

IMAGES = np.random.default_rng(3).integers(0, 65536, (6, 5, 4)).astype(">u2")


@pytest.mark.parametrize("labels", [">i4", ">u8", "<i8", "u1"])
def test_arrays_saved_on_a_big_endian_machine_need_no_conversion(tmp_path, labels):
    np.savez(tmp_path / "a.npz", x=IMAGES, y=np.arange(6).astype(labels))
    pixels, numbers = read_images(tmp_path / "a.npz", "x", "y")
    assert pixels.dtype == np.uint16
    assert pixels[..., 0].tolist() == IMAGES.tolist()
    assert numbers.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_big_endian_label_beyond_all_numbers_is_not_taken_for_a_negative_one(tmp_path):
    np.savez(tmp_path / "a.npz", x=IMAGES, y=np.full(6, 2**63, ">u8"))
    with pytest.raises(CalotypeError, match=f"{2**63}"):
        read_images(tmp_path / "a.npz", "x", "y")


@pytest.mark.parametrize("name", ["a.npy", "a.npz:x", "a"])
def test_a_pipe_in_place_of_an_array_does_not_keep_a_job_waiting(tmp_path, name):
    os.mkfifo(tmp_path / name.partition(":")[0])
    with pytest.raises(CalotypeError, match="not a file, but a pipe, a socket or a device"):
        open_array(tmp_path, name)


def test_a_pipe_in_place_of_a_table_does_not_keep_a_job_waiting(tmp_path):
    os.mkfifo(tmp_path / "labels.csv")
    with pytest.raises(CalotypeError, match="not a file, but a pipe, a socket or a device"):
        read_table(tmp_path / "labels.csv")


def test_a_pipe_in_place_of_a_fetched_file_does_not_keep_a_job_waiting(tmp_path):
    os.mkfifo(tmp_path / "images")
    with pytest.raises(CalotypeError, match="not a file, but a pipe, a socket or a device"):
        read_raw("calotype.data.idx:read_part", tmp_path, files={"images": "a" * 64}, images="images", labels="labels")


@pytest.mark.parametrize(
    "header", ["'''", "{'descr': '|u1', 'shape': (6,", "{'descr': '|u1', 'shape': (" + "9" * 40 + ",)}"]
)
@pytest.mark.parametrize("version", [1, 2])
def test_an_array_with_a_forged_header_is_named(tmp_path, header, version):
    length = struct.pack("<H" if version == 1 else "<I", len(header) + 1)
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + b"\n" + bytes(99))
    with pytest.raises(CalotypeError) as problem:
        open_array(tmp_path, "a.npy")
    assert str(problem.value).startswith(f"{tmp_path / 'a.npy'}: ")
    assert "\nHint: " in str(problem.value)
