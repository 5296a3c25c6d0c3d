"""Raw images are read whole, or refused by the name of what is wrong."""

import hashlib
import struct

import cv2
import numpy as np
import pytest

from calotype.data.draw_dots import write_split as draw_split
from calotype.data.readers import read_drawn, read_image, read_raw
from calotype.util.errors import CalotypeError

RANGE = {"minimum": 0, "maximum": 5}


@pytest.fixture
def folder(tmp_path):
    """Twelve drawn images; each test may break what it likes."""
    folder = tmp_path / "data" / "dots" / "train"
    draw_split(folder, images=12, seed=1, width=40, quality=75, **RANGE)
    return folder


def refused(folder):
    """The message with which a broken folder is refused."""
    with pytest.raises(CalotypeError) as problem:
        list(read_drawn(folder, width=40, **RANGE).records)
    return str(problem.value)


def test_drawn_images_are_read_one_after_the_other_with_their_numbers_and_counts(folder):
    raw = read_raw("dots", folder, width=40, **RANGE)
    assert (raw.size, raw.minimum, raw.maximum, raw.classes) == (12, 0, 5, None)
    lines = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:]]
    for (number, count, pixels), line in zip(raw.records, lines, strict=True):
        assert [number, count] == [int(cell) for cell in line[-2:]]
        assert np.array_equal(pixels, cv2.imread(str(folder / f"img{number}.jpg")))


# ---- Broken images ---------------------------------------------------------------------------------------------------


def test_truncated_jpeg_is_named_and_refused(folder):
    image = folder / "img7.jpg"
    image.write_bytes(image.read_bytes()[:-200])
    message = refused(folder)
    assert f"{image}: truncated" in message
    assert f"Hint: delete {folder}" in message


@pytest.mark.parametrize("kept", [1, 100, 700, -1])
def test_jpeg_truncated_anywhere_is_named_and_refused(folder, kept):
    image = folder / "img7.jpg"
    image.write_bytes(image.read_bytes()[:kept])
    assert f"{image}: truncated" in refused(folder)


def test_jpeg_that_lost_its_tail_to_zeros_is_named_and_refused(folder):
    """As file systems leave a file that was being written when the power went."""
    image = folder / "img7.jpg"
    content = image.read_bytes()
    image.write_bytes(content[:600] + bytes(len(content) - 600))
    assert f"{image}: truncated" in refused(folder)


def test_the_channels_of_a_drawn_image_are_equal_so_that_none_comes_first(folder):
    for _, _, image in read_drawn(folder, width=40, **RANGE).records:
        assert (image == image[..., :1]).all()


def test_empty_image_is_named_and_refused(folder):
    (folder / "img7.jpg").write_bytes(b"")
    assert f"{folder / 'img7.jpg'}: truncated, or not a JPEG file (0 bytes)." in refused(folder)


@pytest.mark.parametrize("content", [b"<html>404</html>", b"\xff\xd8\xff\xd9", b"\x00" * 50 + b"\xff\xd9"])
def test_file_that_is_no_image_is_named_and_refused(folder, content):
    (folder / "img7.jpg").write_bytes(content)
    assert f"{folder / 'img7.jpg'}: " in refused(folder)


def test_image_of_another_size_is_named_with_its_size(folder):
    cv2.imwrite(str(folder / "img7.jpg"), np.zeros((40, 44, 3), np.uint8))
    assert f"{folder / 'img7.jpg'}: 44 x 40 px instead of 40 x 40." in refused(folder)


def test_one_grey_channel_in_a_file_is_read_like_three(folder):
    cv2.imwrite(str(folder / "img7.jpg"), np.full((40, 40), 200, np.uint8))
    assert read_image(folder / "img7.jpg", 40).shape == (40, 40, 3)


def test_missing_image_is_named_when_read(tmp_path):
    with pytest.raises(CalotypeError, match=r"img9\.jpg: cannot be read: No such file"):
        read_image(tmp_path / "img9.jpg", 40)


# ---- Broken labels ---------------------------------------------------------------------------------------------------


def rewrite(folder, change):
    """Change the lines of the labels file (the first is the header)."""
    lines = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join(change(lines)) + "\n")


def test_label_without_image_is_named(folder):
    (folder / "img7.jpg").unlink()
    assert f"{folder / 'img7.jpg'}: has a label, but there is no such image." in refused(folder)


def test_several_labels_without_image_are_counted(folder):
    (folder / "img3.jpg").unlink()
    (folder / "img7.jpg").unlink()
    assert f"{folder / 'img3.jpg'}: has a label, but there is no such image (2 in all)." in refused(folder)


def test_image_without_label_is_named(folder):
    rewrite(folder, lambda lines: [*lines[:7], *lines[8:]])
    assert f"{folder / 'img7.jpg'}: has no label." in refused(folder)


def test_image_with_two_labels_is_named(folder):
    rewrite(folder, lambda lines: [*lines, lines[7]])
    assert f"{folder / 'labels.csv'}: image 7 stands there twice." in refused(folder)


@pytest.mark.parametrize("count", [-1, 6])
def test_count_out_of_range_is_named(folder, count):
    rewrite(folder, lambda lines: [*lines[:7], f"7,7,{count}", *lines[8:]])
    assert f"{folder / 'labels.csv'}: image 7: the count {count} is not in 0..5." in refused(folder)


def test_columns_of_the_labels_are_told_apart_by_their_names_and_not_by_their_places(folder):
    expected = [record[:2] for record in read_drawn(folder, width=40, **RANGE).records]
    rewrite(folder, lambda lines: [",".join(line.split(",")[::-1]) for line in lines])
    assert [record[:2] for record in read_drawn(folder, width=40, **RANGE).records] == expected
    rewrite(folder, lambda lines: [*lines[:7], "6,7,7", *lines[8:]])
    assert f"{folder / 'labels.csv'}: image 7: the count 6 is not in 0..5." in refused(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"imageId;numberOfFeatures\n1;2\n",
        b'"","imageId","numberOfFeatures"\n1,1,two\n',
        b'"","imageId","numberOfFeatures"\n1,1,\n',
        b'"","imageId","numberOfFeatures"\n1,1,2.5\n',
        b"\xff\xd8\xff\xe0\x00\x10JFIF",
    ],
    ids=["empty", "semicolons", "word", "gap", "fraction", "binary"],
)
def test_labels_file_that_cannot_be_read_is_named(folder, content):
    (folder / "labels.csv").write_bytes(content)
    message = refused(folder)
    assert message.startswith(f"{folder / 'labels.csv'}: not a table of imageId and numberOfFeatures: ")
    assert "\nHint: delete " in message


def test_missing_labels_file_is_named(folder):
    (folder / "labels.csv").unlink()
    assert f"{folder / 'labels.csv'}: there is no such file." in refused(folder)


def test_folder_without_images_is_named(folder):
    for image in folder.glob("*.jpg"):
        image.unlink()
    rewrite(folder, lambda lines: lines[:1])
    assert f"{folder}: there are no images." in refused(folder)


# ---- CSV files -------------------------------------------------------------------------------------------------------


def numbers(images=10, width=3, classes=4):
    rng = np.random.default_rng(1)
    return np.column_stack([rng.integers(0, 17, (images, width**2)), rng.integers(0, classes, images)])


def csv_part(folder, content, first=0, number=None, classes=4):
    """Read a part of a CSV file; `content` is a table of numbers, or text as it stands in the file."""
    if isinstance(content, np.ndarray):
        content = "\n".join(",".join(map(str, row)) for row in content.tolist()) + "\n"
    if content is not None:
        (folder / "digits.csv").write_text(content)
    where = {"table": "digits.csv", "first": first, "number": number, "classes": classes}
    return read_raw("csv", folder, **where)


def csv_refused(folder, content, **where):
    with pytest.raises(CalotypeError) as problem:
        csv_part(folder, content, **where)
    return str(problem.value)


def test_a_line_of_a_csv_file_is_an_image_row_by_row_and_its_label(tmp_path):
    table = numbers()
    raw = csv_part(tmp_path, table)
    assert (raw.size, raw.minimum, raw.maximum, raw.classes) == (10, None, None, 4)
    for place, (number, label, pixels) in enumerate(raw.records):
        assert (number, label) == (place, table[place, -1])
        assert (pixels.shape, pixels.dtype) == ((3, 3, 1), np.uint8)
        assert pixels[1, 2, 0] == table[place, 5], "the third pixel of the second row"
        assert pixels.ravel().tolist() == table[place, :-1].tolist()


@pytest.mark.parametrize(
    ("first", "number", "expected"),
    [
        (0, None, range(10)),
        (7, None, range(7, 10)),
        (0, 4, range(4)),
        (3, 4, range(3, 7)),
        (9, 1, [9]),
        (0, 10, range(10)),
    ],
)
def test_a_part_of_a_file_is_the_images_asked_for_with_their_numbers_in_the_file(tmp_path, first, number, expected):
    raw = csv_part(tmp_path, numbers(), first=first, number=number)
    assert raw.size == len(expected)
    assert [found for found, _, _ in raw.records] == list(expected)


@pytest.mark.parametrize(
    ("first", "number", "last"), [(0, 11, 10), (10, None, 10), (5, 6, 10), (12, None, 12), (10, 1, 10)]
)
def test_more_images_than_the_file_has_are_refused(tmp_path, first, number, last):
    message = csv_refused(tmp_path, numbers(), first=first, number=number)
    assert message.startswith(f"{tmp_path}/digits.csv: image {last}, counted from 0, is asked for, but there are 10.")
    assert "\nHint: see `first` and `number` of this split in datasets.yaml." in message


def test_a_fetched_file_that_changed_after_it_was_verified_is_never_prepared(tmp_path):
    table = numbers()
    csv_part(tmp_path, table)
    files = {"digits.csv": hashlib.sha256((tmp_path / "digits.csv").read_bytes()).hexdigest()}
    where = {"table": "digits.csv", "first": 0, "number": None, "classes": 4}
    assert read_raw("csv", tmp_path, files, **where).size == len(table)
    table[0, 0] += 1
    csv_part(tmp_path, table)
    with pytest.raises(CalotypeError) as problem:
        read_raw("csv", tmp_path, files, **where)
    said, hint = str(problem.value).split("\nHint: ")
    assert said == f"{tmp_path}/digits.csv: its content is not what datasets.yaml says (SHA-256)."
    assert hint.startswith(f"delete {tmp_path} to have it fetched again")


def test_a_fetched_file_that_is_gone_is_named(tmp_path):
    files = {"digits.csv": "a" * 64}
    with pytest.raises(CalotypeError, match=r"/digits\.csv: not a table of whole numbers: .*digits\.csv not found"):
        read_raw("csv", tmp_path, files, table="digits.csv", first=0, number=None, classes=4)


@pytest.mark.parametrize("label", [-1, 4, 255])
def test_a_label_that_is_no_class_is_named_with_its_image(tmp_path, label):
    table = numbers()
    table[6, -1] = label
    message = csv_refused(tmp_path, table)
    assert message.startswith(f"{tmp_path}/digits.csv: image 6: the label {label} is not one of the 4 classes, 0 to 3.")
    assert "classes" in message.split("\nHint: ")[1]


@pytest.mark.parametrize("pixel", [-1, 256, 100_000])
def test_a_pixel_that_no_image_can_have_is_refused_and_not_wrapped_around(tmp_path, pixel):
    table = numbers()
    table[3, 4] = pixel
    assert f"{tmp_path}/digits.csv: a pixel is not in 0..255." in csv_refused(tmp_path, table)


@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (numbers()[:, 1:], "8 pixels in a line are no square."),
        ("7\n7\n", "0 pixels in a line are no square."),
        ("", "0 pixels in a line are no square."),
        ("1,2,3,4,0\n1,2,3\n", "not a table of whole numbers: "),
        ("1,2,3,4.5,0\n", "not a table of whole numbers: "),
        ("1,2,3,nan,0\n", "not a table of whole numbers: "),
        ("1,2,3,,0\n", "not a table of whole numbers: "),
        ("a,b,c,d,label\n1,2,3,4,0\n", "not a table of whole numbers: "),
        ("<html>404</html>\n", "not a table of whole numbers: "),
        ("1;2;3;4;0\n", "not a table of whole numbers: "),
        (None, "not a table of whole numbers: "),
    ],
    ids=[
        "no square",
        "labels only",
        "empty",
        "ragged",
        "fraction",
        "nan",
        "gap",
        "header",
        "html",
        "semicolons",
        "none",
    ],
)
def test_a_csv_file_that_holds_no_images_is_named_and_refused(tmp_path, content, complaint):
    message = csv_refused(tmp_path, content)
    assert message.startswith(f"{tmp_path}/digits.csv: {complaint}")
    assert f"\nHint: delete {tmp_path} to have it fetched again." in message


def test_a_file_that_is_no_text_is_named_and_refused(tmp_path):
    (tmp_path / "digits.csv").write_bytes(b"\x00\x01\xff\xfe\x89PNG" * 20)
    assert f"{tmp_path}/digits.csv: not a table of whole numbers: " in csv_refused(tmp_path, None)


def test_a_file_of_one_line_is_one_image(tmp_path):
    ((number, label, pixels),) = csv_part(tmp_path, "9,1\n").records
    assert (number, label, pixels.tolist()) == (0, 1, [[[9]]])


# ---- IDX files -------------------------------------------------------------------------------------------------------


def idx(folder, images, labels):
    """Write images and labels as IDX files, byte by byte as the format asks for."""
    for name, array in (("images", images), ("labels", labels)):
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        (folder / name).write_bytes(header + array.astype(np.uint8).tobytes())


def idx_part(folder, first=0, number=None, classes=10):
    where = {"images": "images", "labels": "labels", "first": first, "number": number, "classes": classes}
    return read_raw("idx", folder, **where)


IMAGES = np.random.default_rng(2).integers(0, 256, (6, 4, 5))
LABELS = np.array([3, 1, 4, 1, 5, 9])


def test_images_of_idx_files_are_read_with_their_labels(tmp_path):
    idx(tmp_path, IMAGES, LABELS)
    raw = idx_part(tmp_path)
    assert (raw.size, raw.minimum, raw.maximum, raw.classes) == (6, None, None, 10)
    for place, (number, label, pixels) in enumerate(raw.records):
        assert (number, label) == (place, LABELS[place])
        assert np.array_equal(pixels[..., 0], IMAGES[place])
        assert (pixels.shape, pixels.dtype) == ((4, 5, 1), np.uint8)


def test_a_part_of_idx_files_keeps_images_and_labels_together(tmp_path):
    idx(tmp_path, IMAGES, LABELS)
    found = [(number, label) for number, label, _ in idx_part(tmp_path, first=2, number=3).records]
    assert found == [(2, 4), (3, 1), (4, 5)]


def test_faults_of_idx_files_are_named(tmp_path):
    idx(tmp_path, IMAGES, LABELS)
    with pytest.raises(CalotypeError, match=r"/images: image 6, counted from 0, is asked for, but there are 6\."):
        idx_part(tmp_path, number=7)
    with pytest.raises(CalotypeError, match=r"/images: image 5: the label 9 is not one of the 9 classes, 0 to 8\."):
        idx_part(tmp_path, classes=9)
    (tmp_path / "labels").unlink()
    with pytest.raises(CalotypeError, match=r"/labels: cannot be read: No such file"):
        idx_part(tmp_path)
