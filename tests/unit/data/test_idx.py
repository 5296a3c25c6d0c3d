"""IDX files are read as their header says, or refused by name."""

import gzip
import struct

import numpy as np
import pytest

from calotype.data.idx import read_idx, read_images, read_part
from calotype.util.errors import CalotypeError


def idx(array, kind=0x08):
    """Return the bytes of an IDX file, written from the description of the format."""
    shape = b"".join(struct.pack(">I", size) for size in array.shape)
    return bytes([0, 0, kind, array.ndim]) + shape + array.tobytes()


def numbers(*shape):
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a file and gives its path."""

    def write(content, name="images"):
        path = tmp_path / "data" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    return write


def refused(path):
    with pytest.raises(CalotypeError) as problem:
        read_idx(path)
    message = str(problem.value)
    assert message.startswith(f"{path}: ")
    return message


@pytest.mark.parametrize("shape", [(7,), (7, 3), (7, 5, 4), (2, 3, 4, 5), (300, 28, 28)])
def test_every_number_is_in_the_column_of_its_header(file, shape):
    array = numbers(*shape)
    result = read_idx(file(idx(array)))
    assert result.shape == shape
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, array)


def test_a_file_of_images_is_neither_read_into_memory_nor_changed_by_mistake(file):
    result = read_idx(file(idx(numbers(7, 5, 4))))
    assert isinstance(result, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        result[0] = 0


def test_images_and_their_labels_come_together(file):
    pixels, labels = numbers(7, 5, 4), numbers(7)
    images, counts = read_images(file(idx(pixels), "images"), file(idx(labels), "labels"))
    np.testing.assert_array_equal(images, pixels)
    np.testing.assert_array_equal(counts, labels)
    assert (images.dtype, counts.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize("lost", [1, 100, 139])
def test_truncated_file_is_named_and_refused(file, lost):
    message = refused(file(idx(numbers(7, 5, 4))[:-lost]))
    assert f"truncated: {156 - lost} bytes instead of 156 (7 x 5 x 4 and a header of 16)." in message


@pytest.mark.parametrize("kept", [4, 5, 15])
def test_file_truncated_within_its_header_is_named_and_refused(file, kept):
    assert "truncated within its header" in refused(file(idx(numbers(7, 5, 4))[:kept]))


def test_file_with_something_after_its_end_is_refused(file):
    assert "too long: 157 bytes instead of 156" in refused(file(idx(numbers(7, 5, 4)) + b"\0"))


def test_header_with_an_enormous_shape_is_refused_without_taking_the_memory(file):
    content = bytes([0, 0, 8, 4]) + b"\xff" * 16 + b"content"
    assert "truncated: 27 bytes instead of 340282366604025813516997721482669850645" in refused(file(content))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (0x09, "int8"),
        (0x0B, "int16"),
        (0x0C, "int32"),
        (0x0D, "float32"),
        (0x0E, "float64"),
        (0x07, "unknown"),
    ],
)
def test_numbers_of_another_type_are_not_read_as_bytes(file, kind, said):
    message = refused(file(idx(numbers(7, 5, 4), kind)))
    assert f"of type 0x{kind:02x} ({said}" in message
    assert "instead of 0x08 (uint8)" in message


@pytest.mark.parametrize("dimensions", [0, 5, 255])
def test_a_number_of_dimensions_that_no_images_have_is_refused(file, dimensions):
    content = bytes([0, 0, 8, dimensions]) + struct.pack(">I", 1) * dimensions + b"\0"
    assert f"of {dimensions} dimensions instead of 1 to 4" in refused(file(content))


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0\x08", b"<html>404</html>", gzip.compress(idx(numbers(7)))],
    ids=["empty", "short", "web page", "still compressed"],
)
def test_a_file_that_is_no_idx_file_is_refused_with_what_it_begins_with(file, content):
    begins = content[:4].hex(" ") or "nothing"
    message = refused(file(content))
    assert f"not an IDX file: it begins with {begins} instead of 00 00 08." in message
    assert ("unpack it with gunzip" in message) is (content[:1] == b"\x1f")


@pytest.mark.parametrize("shape", [(0,), (0, 28, 28), (7, 0, 4)])
def test_a_file_without_content_is_refused_before_a_training_run_on_nothing(file, shape):
    assert "an IDX file without content" in refused(file(idx(numbers(*shape))))


def test_a_missing_file_is_named(tmp_path):
    assert "cannot be read: No such file or directory." in refused(tmp_path / "images")


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    (tmp_path / "images").mkdir()
    assert "cannot be read: Is a directory." in refused(tmp_path / "images")


def test_images_with_more_or_fewer_labels_are_refused(file):
    images, labels = file(idx(numbers(7, 5, 4)), "images"), file(idx(numbers(6)), "labels")
    with pytest.raises(CalotypeError, match="7 images, but 6 labels in labels") as problem:
        read_images(images, labels)
    assert str(problem.value).startswith(f"{images}: ")


def test_images_and_labels_in_each_others_place_are_refused(file):
    images, labels = file(idx(numbers(7, 5, 4)), "images"), file(idx(numbers(7)), "labels")
    with pytest.raises(CalotypeError, match="labels: 1 dimensions instead of the 3 of images"):
        read_images(labels, images)
    with pytest.raises(CalotypeError, match="images: 3 dimensions instead of the 1 of labels"):
        read_images(images, images)


# ---- A part of a dataset ---------------------------------------------------------------------------------------------

IMAGES = np.random.default_rng(2).integers(0, 256, (6, 4, 5), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9], np.uint8)


def write_both(folder):
    (folder / "images").write_bytes(idx(IMAGES))
    (folder / "labels").write_bytes(idx(LABELS))


def idx_part(folder, first=0, number=None, classes=10):
    where = {"images": "images", "labels": "labels", "first": first, "number": number, "classes": classes}
    return read_part(folder, **where)


def test_images_of_idx_files_are_read_with_their_labels(tmp_path):
    write_both(tmp_path)
    raw = idx_part(tmp_path)
    assert (raw.size, raw.minimum, raw.maximum, raw.classes) == (6, None, None, 10)
    for place, (number, label, pixels) in enumerate(raw.records):
        assert (number, label) == (place, LABELS[place])
        assert np.array_equal(pixels[..., 0], IMAGES[place])
        assert (pixels.shape, pixels.dtype) == ((4, 5, 1), np.uint8)


def test_a_part_of_idx_files_keeps_images_and_labels_together(tmp_path):
    write_both(tmp_path)
    found = [(number, label) for number, label, _ in idx_part(tmp_path, first=2, number=3).records]
    assert found == [(2, 4), (3, 1), (4, 5)]


def test_faults_of_idx_files_are_named(tmp_path):
    write_both(tmp_path)
    with pytest.raises(CalotypeError, match=r"/images: image 6 not found; the 6 images are numbered from 0\."):
        idx_part(tmp_path, number=7)
    with pytest.raises(CalotypeError, match=r"/images: image 5: the label 9 is not one of the 9 classes, 0 to 8\."):
        idx_part(tmp_path, classes=9)
    (tmp_path / "labels").unlink()
    with pytest.raises(CalotypeError, match=r"/labels: cannot be read: No such file"):
        idx_part(tmp_path)
