"""A CSV file of pixels is read line by line, or refused with the reason."""

import numpy as np
import pytest

from calotype.config.datasets import DATASETS
from calotype.data.readers import read_raw
from calotype.util.errors import CalotypeError


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
    return read_raw(DATASETS["csv"].reader, folder, {}, **where)


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
    assert message.startswith(f"{tmp_path}/digits.csv: image {last} not found; the 10 images are numbered from 0.")
    assert "\nHint: see `first` and `number` of this split in datasets.yaml." in message


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
        (numbers()[:, 1:], "8 pixels in a line are not a square."),
        ("7\n7\n", "0 pixels in a line are not a square."),
        ("", "0 pixels in a line are not a square."),
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
    assert f"\nHint: delete {tmp_path}; Snakemake fetches it again." in message


def test_a_file_that_is_no_text_is_named_and_refused(tmp_path):
    (tmp_path / "digits.csv").write_bytes(b"\x00\x01\xff\xfe\x89PNG" * 20)
    assert f"{tmp_path}/digits.csv: not a table of whole numbers: " in csv_refused(tmp_path, None)


def test_a_file_of_one_line_is_one_image(tmp_path):
    ((number, label, pixels),) = csv_part(tmp_path, "9,1\n").records
    assert (number, label, pixels.tolist()) == (0, 1, [[[9]]])
